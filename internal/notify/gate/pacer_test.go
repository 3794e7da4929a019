package gate_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
)

// burstAt is what the package says of a rate's burst, codes' part included.
func burstAt(rate float64) float64 { return 2 * max(1, rate/20) }

// TestTheRateIsNeverExceeded, over no window, whoever comes, leaves, passes
// many at once or gives back what was not used.
func TestTheRateIsNeverExceeded(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0.5, 1, 10, 333, 5000} {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, gate.Settings{Rate: rate, MarketingShare: 0.1})
			length := time.Duration(1500 / rate * float64(time.Second))
			ctx, cancel := context.WithTimeout(t.Context(), length)
			defer cancel()
			random := rand.New(rand.NewPCG(1, uint64(rate)))
			var all trace
			var running sync.WaitGroup
			for i := range 9 {
				l := []lane.Lane{lane.SMSOTP, lane.SMSTransactional, lane.SMSMarketing}[i%3]
				g, random := p.Gate(l), rand.New(rand.NewPCG(random.Uint64(), 2))
				running.Go(func() {
					for ctx.Err() == nil {
						one, cancel := context.WithTimeout(ctx, time.Duration(random.Float64()*20/rate*float64(time.Second)))
						n, err := g.Pass(one, 1+random.IntN(9))
						cancel()
						if err != nil && !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("Pass: %v", err)
						}
						for range n {
							if random.IntN(4) == 0 {
								g.Done(notify.ErrUnused)
								continue
							}
							all.add(1)
							g.Done(nil)
						}
						if random.IntN(8) == 0 {
							time.Sleep(time.Duration(random.Float64() * 50 / rate * float64(time.Second)))
						}
					}
				})
			}
			running.Wait()
			if all.len() < 900 {
				t.Errorf("at %v a second only %d messages in %s", rate, all.len(), length)
			}
			all.withinRate(t, rate, burstAt(rate))
		})
	}
}

// TestACodeWaitsForNoOther: not at all while codes come slower than the rate,
// whatever else is waiting.
func TestACodeWaitsForNoOther(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{1, 10, 1000} {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, gate.Settings{Rate: rate, MarketingShare: 0.5})
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			for range 50 {
				running.Go(func() { flood(ctx, p.Gate(lane.EmailTransactional), 100) })
				running.Go(func() { flood(ctx, p.Gate(lane.EmailMarketing), 100) })
			}
			token := time.Duration(float64(time.Second) / rate)
			codes := p.Gate(lane.EmailOTP)
			for range 200 {
				time.Sleep(token + rand.N(token))
				began := time.Now()
				if n, err := codes.Pass(ctx, 1); n != 1 || err != nil {
					t.Fatalf("%d passed, %v", n, err)
				}
				codes.Done(nil)
				if took := time.Since(began); took != 0 {
					t.Fatalf("at %v a second a code waited for %s", rate, took)
				}
			}
			cancel()
			running.Wait()
		})
	}
}

// TestCodesTakeEveryToken while they come faster than the rate: the first of
// them waits for one token at most, and nobody else gets any.
func TestCodesTakeEveryToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rate = 10
		p := open(t, gate.Settings{Rate: rate, MarketingShare: 0.5})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var running sync.WaitGroup
		var codes, others trace
		running.Go(func() { flood(ctx, p.Gate(lane.SMSMarketing), 5, &others) })
		running.Go(func() { flood(ctx, p.Gate(lane.SMSTransactional), 5, &others) })
		time.Sleep(time.Second)
		before := others.len()
		began := time.Now()
		g := p.Gate(lane.SMSOTP)
		for range 20 { // a queue of its own
			running.Go(func() { flood(ctx, g, 1, &codes) })
		}
		running.Wait()
		if wait := codes.times[0].Sub(began); wait > time.Second/rate {
			t.Errorf("the first code waited for %s", wait)
		}
		if want := 59*rate - 2; codes.len() < want {
			t.Errorf("%d codes passed, want %d", codes.len(), want)
		}
		if n := others.len() - before; n > 1 {
			t.Errorf("%d others passed while codes waited", n)
		}
	})
}

// TestMarketingHasItsShare of the rate, before transactional news, and never
// more than that while they want all.
func TestMarketingHasItsShare(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name              string
		rate, share       float64
		codes             float64 // a second
		marketing, others float64 // wanted, a second
	}{
		{"one in ten", 100, 0.1, 0, 10, 90},
		{"of a slow provider", 1, 0.1, 0, 0.1, 0.9},
		{"of a fast provider", 5000, 0.1, 0, 500, 4500},
		{"most of it", 100, 0.9, 0, 90, 10},
		{"none is owed", 100, 0, 0, 0, 100},
		{"codes take their half from the others", 100, 0.1, 50, 10, 40},
		{"codes take nearly all", 100, 0.1, 95, 5, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, gate.Settings{Rate: test.rate, MarketingShare: test.share})
			length := time.Duration(2000 / test.rate * float64(time.Second))
			ctx, cancel := context.WithTimeout(t.Context(), length)
			defer cancel()
			var running sync.WaitGroup
			var marketing, others, all trace
			for range 4 {
				running.Go(func() { flood(ctx, p.Gate(lane.SMSMarketing), 16, &marketing, &all) })
				running.Go(func() { flood(ctx, p.Gate(lane.SMSTransactional), 16, &others, &all) })
			}
			if test.codes > 0 {
				running.Go(func() {
					every := time.NewTicker(time.Duration(float64(time.Second) / test.codes))
					defer every.Stop()
					for ctx.Err() == nil {
						<-every.C
						if n, err := p.Gate(lane.SMSOTP).Pass(ctx, 1); err == nil {
							all.add(n)
							p.Gate(lane.SMSOTP).Done(nil)
						}
					}
				})
			}
			running.Wait()
			seconds := length.Seconds()
			slack := 4 + 2*burstAt(test.rate)
			if got := float64(marketing.len()); got < test.marketing*seconds-slack || got > test.marketing*seconds+slack {
				t.Errorf("%s: marketing got %v of %v", test.name, got, test.marketing*seconds)
			}
			if got := float64(others.len()); got < test.others*seconds-slack || got > test.others*seconds+slack {
				t.Errorf("%s: others got %v of %v", test.name, got, test.others*seconds)
			}
			all.withinRate(t, test.rate, burstAt(test.rate))
		})
	}
}

// TestAnyoneGetsAllThatIsIdle: alone, each priority has the whole rate.
func TestAnyoneGetsAllThatIsIdle(t *testing.T) {
	t.Parallel()
	for _, l := range []lane.Lane{lane.EmailOTP, lane.EmailTransactional, lane.EmailMarketing} {
		for _, rate := range []float64{1, 50, 2000} {
			synctest.Test(t, func(t *testing.T) {
				p := open(t, gate.Settings{Rate: rate, MarketingShare: 0.1})
				length := time.Duration(1000 / rate * float64(time.Second))
				ctx, cancel := context.WithTimeout(t.Context(), length)
				defer cancel()
				var all trace
				flood(ctx, p.Gate(l), 1, &all)
				if all.len() < 999 {
					t.Errorf("%s at %v a second: %d of 1000", l, rate, all.len())
				}
			})
		}
	}
}

// TestFirstComeFirstServed inside a priority.
func TestFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	for _, l := range []lane.Lane{lane.SMSOTP, lane.SMSTransactional, lane.SMSMarketing} {
		synctest.Test(t, func(t *testing.T) {
			g := open(t, gate.Settings{Rate: 10}).Gate(l)
			var running sync.WaitGroup
			order := make(chan int, 100)
			for i := range cap(order) {
				running.Go(func() {
					if _, err := g.Pass(t.Context(), 1); err != nil {
						t.Error(err)
					}
					order <- i
				})
				synctest.Wait()
			}
			running.Wait()
			for want := range cap(order) {
				if got := <-order; got != want {
					t.Fatalf("%s: the %dth to pass had come as the %dth", l, want, got)
				}
			}
		})
	}
}

// TestWhoLeavesWakesTheNext: no turn is lost with one who does not wait any more.
func TestWhoLeavesWakesTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, gate.Settings{Rate: 1})
		g := p.Gate(lane.SMSTransactional)
		began := time.Now()
		var running sync.WaitGroup
		var passed trace
		for i := range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			if i%2 == 1 { // leaves in the very moment in which its turn may come
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), time.Duration(i)*time.Second)
			}
			running.Go(func() {
				defer cancel()
				if n, err := g.Pass(ctx, 1); err == nil {
					passed.add(n)
					g.Done(nil)
				} else if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		running.Wait()
		if n := passed.len(); n < 20 {
			t.Errorf("%d passed", n)
		}
		// A token a second after the first, none lost.
		if took, want := time.Since(began), time.Duration(passed.len()-1)*time.Second; took > want {
			t.Errorf("it took %s for %d, want %s: turns were lost", took, passed.len(), want)
		}
		passed.withinRate(t, 1, 2)
		// One who comes later finds the gate as it should be.
		time.Sleep(10 * time.Second)
		began = time.Now()
		if n, err := g.Pass(t.Context(), 3); n != 1 || err != nil || time.Since(began) != 0 {
			t.Errorf("%d passed after %s: %v", n, time.Since(began), err)
		}
	})
}

// TestATurnThatComesTooLateIsNotLost: somebody leaves while his turn comes.
func TestATurnThatComesTooLateIsNotLost(t *testing.T) {
	t.Parallel()
	g := open(t, gate.Settings{Rate: 1e-6}).Gate(lane.SMSTransactional)
	if n, err := g.Pass(t.Context(), 2); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	for range 5000 {
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if n, _ := g.Pass(ctx, 1); n > 0 {
				g.Done(notify.ErrUnused)
			}
		})
		runtime.Gosched()
		cancel()
		g.Done(notify.ErrUnused)
		running.Wait()
		now, stop := context.WithTimeout(t.Context(), 10*time.Second)
		if n, err := g.Pass(now, 2); n != 1 || err != nil {
			t.Fatalf("%d passed, %v: the turn is lost", n, err)
		}
		stop()
	}
}

// TestWhatWasNotUsedGoesToTheNext at once.
func TestWhatWasNotUsedGoesToTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := open(t, gate.Settings{Rate: 0.01}).Gate(lane.SMSMarketing)
		if n, err := g.Pass(t.Context(), 8); n != 1 || err != nil {
			t.Fatalf("%d passed, %v", n, err)
		}
		began := time.Now()
		var running sync.WaitGroup
		running.Go(func() {
			if n, err := g.Pass(t.Context(), 1); n != 1 || err != nil {
				t.Errorf("%d passed, %v", n, err)
			}
		})
		time.Sleep(time.Second)
		g.Done(notify.ErrUnused)
		running.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("the next waited for %s", took)
		}
	})
}

// TestWithoutARateNobodyWaits.
func TestWithoutARateNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &record{}
		p := open(t, gate.Settings{Observer: seen})
		began := time.Now()
		for _, l := range lane.All() {
			g := p.Gate(l)
			for range 1000 {
				if n, err := g.Pass(t.Context(), 1000); n != 1000 || err != nil {
					t.Fatalf("%d passed, %v", n, err)
				}
			}
		}
		if time.Since(began) != 0 || len(seen.waits) != 0 {
			t.Errorf("waited %v, for %s", seen.waits, time.Since(began))
		}
		if n, err := p.Gate(lane.SMSOTP).Pass(t.Context(), 0); n != 0 || err != nil {
			t.Errorf("of none, %d passed, %v", n, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if n, err := p.Gate(lane.SMSOTP).Pass(ended, 1); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%d passed, %v", n, err)
		}
	})
}

func BenchmarkPassWithoutARate(b *testing.B) {
	g := open(b, gate.Settings{}).Gate(lane.EmailMarketing)
	for b.Loop() {
		if _, err := g.Pass(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
		g.Done(nil)
	}
}
