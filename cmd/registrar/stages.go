package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"registrar/internal/config"
)

// stages are parts that run beside each other and are stopped one after the
// other: the last one that was started first. Its zero value is ready for use.
type stages struct {
	running []stage
	broken  chan struct{}
}

type stage struct {
	cancel context.CancelFunc
	ended  chan error // gets one error, or nil
}

// start runs a part. The end of ctx does not end it: stop does.
func (s *stages) start(ctx context.Context, run func(context.Context) error) {
	if s.broken == nil {
		s.broken = make(chan struct{}, 1)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	one := stage{cancel: cancel, ended: make(chan error, 1)}
	s.running = append(s.running, one)
	go func() {
		err := run(ctx)
		one.ended <- err
		if err != nil {
			select {
			case s.broken <- struct{}{}:
			default:
			}
		}
	}()
}

// failed has a value once a part has ended with an error.
func (s *stages) failed() <-chan struct{} { return s.broken }

// wait waits for the end of ctx or of a part, and then stops all of them. drain
// makes the process not ready; what comes all the same is taken for DrainDelay.
func wait(ctx context.Context, c config.Config, log *slog.Logger, s *stages, drain func()) error {
	delay := c.DrainDelay
	select {
	case <-ctx.Done():
		log.Info("draining", "delay", delay.String(), "timeout", c.ShutdownTimeout.String())
	case <-s.failed():
		log.Error("a part failed; stopping")
		delay = 0
	}
	began := time.Now()
	drain()
	select {
	case <-time.After(delay):
	case <-s.failed():
	}
	err := s.stop()
	log.Info("stopped", "took", time.Since(began).Round(time.Millisecond).String())
	return err
}

// stop stops every part, waits for each before it stops the next, and gives
// their errors.
func (s *stages) stop() error {
	var failed []error
	for _, one := range slices.Backward(s.running) {
		one.cancel()
		failed = append(failed, <-one.ended)
	}
	return errors.Join(failed...)
}
