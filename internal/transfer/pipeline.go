package transfer

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
)

// chunkRows is how many rows are read and mapped at a time.
const chunkRows = 200

// pipeline reads rows and maps them on all cores, in their order. What it holds
// is bounded by a few chunks for each core.
type pipeline struct {
	done    <-chan struct{}
	cancel  context.CancelFunc
	group   sync.WaitGroup
	ordered chan *chunk
	failed  error // the reader's; to be read once ordered is closed
}

// chunk is some rows on their way.
type chunk struct {
	rows   []Row
	mapped []Candidate
	ready  chan struct{} // closed when mapped is there
}

// startPipeline starts the goroutines, which stop ends.
func startPipeline(ctx context.Context, source Source, candidates func([]Row) []Candidate) *pipeline {
	ctx, cancel := context.WithCancel(ctx)
	cores := runtime.GOMAXPROCS(0)
	p := &pipeline{done: ctx.Done(), cancel: cancel, ordered: make(chan *chunk, 4*cores)}
	work := make(chan *chunk, 4*cores) // has room for all that ordered has
	p.group.Go(func() {
		defer close(p.ordered)
		defer close(work)
		p.failed = p.read(ctx, source, work)
	})
	for range cores {
		p.group.Go(func() {
			for c := range work {
				c.mapped = candidates(c.rows)
				close(c.ready)
			}
		})
	}
	return p
}

// read hands rows on until there are no more, or ctx ends.
func (p *pipeline) read(ctx context.Context, source Source, work chan<- *chunk) error {
	for {
		rows, err := source.Next(ctx, chunkRows)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c := &chunk{rows: rows, ready: make(chan struct{})}
		for _, to := range []chan<- *chunk{work, p.ordered} {
			select {
			case to <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// next gives the rows that follow; more is false behind the last one.
func (p *pipeline) next() (mapped []Candidate, more bool, err error) {
	select {
	case c, open := <-p.ordered:
		if !open {
			return nil, false, p.failed
		}
		<-c.ready
		return c.mapped, true, nil
	case <-p.done:
		return nil, false, context.Canceled
	}
}

// stop ends the goroutines and waits for them.
func (p *pipeline) stop() {
	p.cancel()
	p.group.Wait()
}
