package gate_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
)

// passed counts what a lane passes in a time.
func passed(t *testing.T, g notify.Gate, length time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var all trace
	flood(ctx, g, 1, &all)
	return all.len()
}

// TestAThrottlingProviderGetsHalf, and from then on a little more each second
// until it has all of its rate again.
func TestAThrottlingProviderGetsHalf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &record{}
		p := open(t, gate.Settings{Rate: 100, Observer: seen})
		g := p.Gate(lane.SMSTransactional)
		if n := passed(t, g, 10*time.Second); n < 999 {
			t.Fatalf("%d passed before", n)
		}
		for range 10 { // all that was on its way: one decrease
			g.Done(throttled)
		}
		if seen.throttled != 10 {
			t.Errorf("%d throttled were told", seen.throttled)
		}
		if n := passed(t, g, time.Second); n < 48 || n > 55 {
			t.Errorf("%d passed in the first second", n)
		}
		if n := passed(t, g, 9*time.Second); n < 9*73 || n > 9*80 { // from 55 to 100
			t.Errorf("%d passed in the nine seconds that followed", n)
		}
		if n := passed(t, g, 10*time.Second); n < 995 || n > 1002 {
			t.Errorf("%d passed after the recovery", n)
		}
	})
}

// TestAStubbornProviderIsAskedLessAndLess, but it is asked.
func TestAStubbornProviderIsAskedLessAndLess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, gate.Settings{Rate: 1000})
		g := p.Gate(lane.SMSTransactional)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var tries trace
		for ctx.Err() == nil {
			n, err := g.Pass(ctx, 1)
			if err != nil {
				break
			}
			tries.add(n)
			g.Done(throttled)
		}
		// Between the floor of a 64th and what a second's growth adds.
		if n := tries.len(); n < 120*15 || n > 120*110 {
			t.Errorf("%d tries in two minutes", n)
		}
	})
}

// TestAPauseIsForLowerPriorities: where there is no rate to lower, or the
// provider says for how long; codes still try.
func TestAPauseIsForLowerPriorities(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		rate       float64
		after      time.Duration
		least, max time.Duration
	}{
		{"no rate", 0, 0, time.Second, 1250 * time.Millisecond},
		{"no rate, a time", 0, 4 * time.Second, 4 * time.Second, 5 * time.Second},
		{"a rate and a time", 1000, 4 * time.Second, 4 * time.Second, 5 * time.Second},
		{"an endless time", 0, 24 * time.Hour, 30 * time.Second, 37500 * time.Millisecond},
		{"a rate", 1000, 0, 0, 10 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := open(t, gate.Settings{Rate: test.rate})
			code := p.Gate(lane.SMSOTP)
			if _, err := code.Pass(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			code.Done(&notify.SendError{Class: notify.Throttled, RetryAfter: test.after})
			began := time.Now()
			var running sync.WaitGroup
			for _, l := range []lane.Lane{lane.SMSTransactional, lane.SMSMarketing} {
				running.Go(func() {
					if n, err := p.Gate(l).Pass(t.Context(), 1); n != 1 || err != nil {
						t.Errorf("%s: %d of %s passed, %v", test.name, n, l, err)
					}
					if took := time.Since(began); took < test.least || took > test.max {
						t.Errorf("%s: %s waited for %s", test.name, l, took)
					}
				})
			}
			synctest.Wait()
			if n, err := code.Pass(t.Context(), 1); n != 1 || err != nil || time.Since(began) != 0 {
				t.Errorf("%s: %d codes passed after %s, %v", test.name, n, time.Since(began), err)
			}
			running.Wait()
		})
	}
}

// TestTheLongestPauseHolds, whatever is told after it.
func TestTheLongestPauseHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := open(t, gate.Settings{}).Gate(lane.SMSMarketing)
		if _, err := g.Pass(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		g.Done(&notify.SendError{Class: notify.Throttled, RetryAfter: 10 * time.Second})
		g.Done(throttled)
		if n, err := g.Pass(t.Context(), 1); n != 1 || err != nil || time.Since(began) < 10*time.Second {
			t.Errorf("%d passed after %s, %v", n, time.Since(began), err)
		}
	})
}

// TestThrottledThereIsNoBurst, but for codes; and the next token comes when the
// growing rate has made it.
func TestThrottledThereIsNoBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := open(t, gate.Settings{Rate: 1})
		if _, err := p.Gate(lane.SMSOTP).Pass(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		p.Gate(lane.SMSOTP).Done(throttled)
		began := time.Now()
		if n, err := p.Gate(lane.SMSMarketing).Pass(t.Context(), 1); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		// 1 = 0.5 t + 0.05 t²/2
		if took := time.Since(began); took < 1831*time.Millisecond || took > 1833*time.Millisecond {
			t.Errorf("the next token came after %s", took)
		}
		if n, err := p.Gate(lane.SMSOTP).Pass(t.Context(), 5); n != 1 || err != nil {
			t.Errorf("%d codes had kept their token, %v", n, err)
		}
	})
}
