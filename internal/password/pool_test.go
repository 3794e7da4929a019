package password_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/password"
	"registrar/internal/registration"
)

// gate is an Algorithm whose hashes take as long as the test wants.
type gate struct {
	open    chan struct{}
	running atomic.Int32
	most    atomic.Int32
}

func (g *gate) MaxBytes() int { return 0 }

func (g *gate) Class() password.Class { return password.Class{} }

func (g *gate) Hash(string) (string, error) {
	n := g.running.Add(1)
	defer g.running.Add(-1)
	for most := g.most.Load(); n > most && !g.most.CompareAndSwap(most, n); most = g.most.Load() {
	}
	<-g.open
	return "hash", nil
}

func TestPoolBoundsWhatRunsAndWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		pool := password.NewPool(g, 2, 3)
		defer pool.Close()
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if hash, err := pool.Hash(t.Context(), "x"); err != nil || hash != "hash" {
					t.Errorf("%q, %v", hash, err)
				}
			})
		}
		synctest.Wait()
		if got, want := pool.Stats(), (password.Stats{Queued: 3, QueueCapacity: 3, Running: 2, Capacity: 2}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		before := time.Now()
		_, err := pool.Hash(t.Context(), "x")
		if !errors.Is(err, registration.ErrUnavailable) {
			t.Errorf("a sixth caller got %v", err)
		}
		if _, err = pool.Verify(t.Context(), "$2b$", "x"); !errors.Is(err, registration.ErrUnavailable) {
			t.Errorf("a seventh caller got %v", err)
		}
		if waited := time.Since(before); waited != 0 {
			t.Errorf("they were turned away after %s", waited)
		}
		close(g.open)
		callers.Wait()
		if got, want := pool.Stats(), (password.Stats{QueueCapacity: 3, Capacity: 2, Shed: 2}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if most := g.most.Load(); most != 2 {
			t.Errorf("%d hashes ran at once", most)
		}
	})
}

// TestPoolFreesTheQueueOfACancelledCaller: its place is there for the next one
// while the hash in front still runs.
func TestPoolFreesTheQueueOfACancelledCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		pool := password.NewPool(g, 1, 1)
		defer pool.Close()
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := pool.Hash(t.Context(), "first"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		callers.Go(func() {
			if _, err := pool.Hash(ctx, "gives up"); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that gave up got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		if got := pool.Stats(); got.Queued != 0 || got.Running != 1 {
			t.Errorf("after it gave up: %+v", got)
		}
		callers.Go(func() {
			if _, err := pool.Hash(t.Context(), "next"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if got := pool.Stats(); got.Queued != 1 {
			t.Errorf("the next one does not wait: %+v", got)
		}
		close(g.open)
		callers.Wait()
		if got := pool.Stats(); got.Queued != 0 || got.Running != 0 || got.Shed != 0 {
			t.Errorf("at the end: %+v", got)
		}
	})
}

func TestPoolAndDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		pool := password.NewPool(g, 1, 8)
		defer pool.Close()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := pool.Hash(ended, "x"); !errors.Is(err, context.Canceled) {
			t.Errorf("a context that has ended: %v", err)
		}
		if g.most.Load() != 0 {
			t.Error("a hash was made for nobody")
		}
		var callers sync.WaitGroup
		callers.Go(func() { _, _ = pool.Hash(t.Context(), "x") })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := pool.Hash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		close(g.open)
		callers.Wait()
	})
}

func TestPoolWithoutAQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		pool := password.NewPool(g, 0, -1)
		defer pool.Close()
		cores := runtime.GOMAXPROCS(0)
		if got, want := pool.Stats(), (password.Stats{Capacity: cores}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		var callers sync.WaitGroup
		for range cores {
			callers.Go(func() { _, _ = pool.Hash(t.Context(), "x") })
		}
		synctest.Wait()
		if _, err := pool.Hash(t.Context(), "x"); !errors.Is(err, registration.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		close(g.open)
		callers.Wait()
	})
}

// TestPoolGivesMemoryBack once, after it has been idle, and not while it works.
func TestPoolGivesMemoryBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		close(g.open)
		pool := password.NewPool(g, 2, 2)
		var released atomic.Int32
		pool.OnRelease(func() { released.Add(1) })
		for range 10 { // a hash now and then
			if _, err := pool.Hash(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(password.IdleBeforeRelease - time.Millisecond)
			synctest.Wait()
		}
		if released.Load() != 0 {
			t.Errorf("released %d times between hashes", released.Load())
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if released.Load() != 1 {
			t.Errorf("released %d times when idle", released.Load())
		}
		if _, err := pool.Hash(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		pool.Close()
		if _, err := pool.Hash(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if released.Load() != 1 {
			t.Errorf("released %d times after Close", released.Load())
		}
	})
}

// TestPoolUnderRealLoad: many callers, some of which give up, with real hashes.
func TestPoolUnderRealLoad(t *testing.T) {
	t.Parallel()
	pool := password.NewPool(password.Argon2id{MemoryKiB: 64, Passes: 1}, 2, 4)
	defer pool.Close()
	var callers sync.WaitGroup
	var done, shed, gone atomic.Int32
	const each = 40
	for i := range 16 {
		callers.Go(func() {
			for range each {
				ctx, cancel := context.WithCancel(t.Context())
				if i%4 == 0 {
					time.AfterFunc(50*time.Microsecond, cancel)
				}
				hash, err := pool.Hash(ctx, "a password")
				cancel()
				switch {
				case err == nil:
					done.Add(1)
					if same, err := password.Verify(hash, "a password"); err != nil || !same {
						t.Errorf("%v, %v", same, err)
					}
				case errors.Is(err, registration.ErrUnavailable):
					shed.Add(1)
				case errors.Is(err, context.Canceled):
					gone.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	s := pool.Stats()
	if s.Queued != 0 || s.Running != 0 || s.Shed != uint64(shed.Load()) {
		t.Errorf("at the end %+v, shed %d", s, shed.Load())
	}
	if done.Load() == 0 || done.Load()+shed.Load()+gone.Load() != 16*each {
		t.Errorf("%d done, %d turned away, %d gone", done.Load(), shed.Load(), gone.Load())
	}
}

var _ registration.Hasher = (*password.Pool)(nil)

func BenchmarkHash(b *testing.B) {
	for name, a := range map[string]password.Algorithm{"argon2id": password.DefaultArgon2id, "bcrypt10": password.Bcrypt{Cost: 10}, "bcrypt12": password.Bcrypt{Cost: 12}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Hash("correct horse battery staple"); err != nil {
					b.Fatal(err)
				}
			}
		})
		// The ceiling: as many hashes at once as there are cores.
		b.Run(name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := a.Hash("correct horse battery staple"); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hashes/s")
		})
	}
}

// BenchmarkPool is what the pool adds to a hash that costs next to nothing.
func BenchmarkPool(b *testing.B) {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	pool := password.NewPool(g, 0, 128)
	defer pool.Close()
	for b.Loop() {
		if _, err := pool.Hash(b.Context(), "x"); err != nil {
			b.Fatal(err)
		}
	}
}
