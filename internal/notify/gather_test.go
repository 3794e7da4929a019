package notify_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
)

// TestGather: calls within the linger are one, a full one does not wait, and
// everyone is told how it ended.
func TestGather(t *testing.T) {
	t.Parallel()
	failure := errors.New("no database")
	for _, tt := range []struct {
		name   string
		linger time.Duration
		limit  int
		starts []time.Duration // when each caller comes, with 2 messages
		calls  []int           // messages of each call of the handler
		within time.Duration
		err    error
	}{
		{"within the linger", 50 * time.Millisecond, 100, []time.Duration{0, 10 * time.Millisecond, 49 * time.Millisecond}, []int{6}, 50 * time.Millisecond, nil},
		{"after the linger", 50 * time.Millisecond, 100, []time.Duration{0, 60 * time.Millisecond}, []int{2, 2}, 110 * time.Millisecond, nil},
		{"a full call does not wait", time.Hour, 4, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, []int{4, 4}, 3 * time.Second, nil},
		{"an error is everyone's", 50 * time.Millisecond, 100, []time.Duration{0, 1}, []int{4}, 50 * time.Millisecond, failure},
		{"no linger", 0, 100, []time.Duration{0, 1}, []int{2, 2}, 1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var calls []int
				g := &notify.Gather{Linger: tt.linger, Limit: tt.limit, Handler: func(_ context.Context, batch []lane.Message) error {
					mu.Lock()
					defer mu.Unlock()
					calls = append(calls, len(batch))
					return tt.err
				}}
				began := time.Now()
				var callers sync.WaitGroup
				for _, at := range tt.starts {
					callers.Go(func() {
						time.Sleep(at)
						if err := g.Handle(t.Context(), make([]lane.Message, 2)); !errors.Is(err, tt.err) {
							t.Errorf("the caller at %v got %v", at, err)
						}
					})
				}
				callers.Wait()
				if len(calls) != len(tt.calls) {
					t.Fatalf("the handler was called with %v, want %v", calls, tt.calls)
				}
				for i := range calls {
					if calls[i] != tt.calls[i] {
						t.Errorf("the handler was called with %v, want %v", calls, tt.calls)
					}
				}
				if took := time.Since(began); took != tt.within {
					t.Errorf("it took %v, want %v", took, tt.within)
				}
			})
		})
	}
}

// TestGatherStopsWithItsFirstCaller: the wait ends with the context.
func TestGatherStopsWithItsFirstCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		g := &notify.Gather{Linger: time.Hour, Limit: 10, Handler: func(ctx context.Context, _ []lane.Message) error { return ctx.Err() }}
		if err := g.Handle(ctx, make([]lane.Message, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
