package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStagesStopLastFirst(t *testing.T) {
	t.Parallel()
	var s stages
	var mu sync.Mutex
	var order []int
	parent, cancel := context.WithCancel(t.Context())
	for i := range 3 {
		s.start(parent, func(ctx context.Context) error {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
			return nil
		})
	}
	cancel() // stages outlive what asked for their end: they are stopped in order
	select {
	case <-s.failed():
		t.Error("a stage failed")
	default:
	}
	if err := s.stop(); err != nil || !slices.Equal(order, []int{2, 1, 0}) {
		t.Errorf("stopped in the order %v, %v", order, err)
	}
}

func TestAFailedStageIsTold(t *testing.T) {
	t.Parallel()
	var s stages
	broken := errors.New("broken")
	s.start(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return nil })
	s.start(t.Context(), func(context.Context) error { return broken })
	<-s.failed()
	if err := s.stop(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
