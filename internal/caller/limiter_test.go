package caller_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

func TestWithoutALimitUsageIsNotAsked(t *testing.T) {
	t.Parallel()
	u := &usage{}
	l := caller.NewLimiter(u, time.Now)
	for range 1000 {
		if err := l.Take(t.Context(), caller.Caller{Name: "erp", Policy: caller.Policy{Burst: 7}}); err != nil {
			t.Fatal(err)
		}
	}
	l.GiveBack(caller.Caller{Name: "erp"}, time.Now())
	if u.asked() != 0 {
		t.Errorf("asked %d times", u.asked())
	}
}

func TestARefusalTellsWhichLimitAndUntilWhen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(18 * time.Hour) // the clock began at midnight
		for _, test := range []struct {
			p       caller.Policy
			passing int
			tells   string
			after   time.Duration
		}{
			{caller.Policy{Rate: 2}, 2, "2 calls a second", 500 * time.Millisecond},
			{caller.Policy{Rate: 4, Burst: 1}, 1, "4 calls a second", 250 * time.Millisecond},
			{caller.Policy{DailyQuota: 3}, 3, "3 calls a day", 6 * time.Hour},
			{caller.Policy{DailyQuota: 3, Rate: 10}, 3, "3 calls a day", 6 * time.Hour},
			{caller.Policy{DailyQuota: 30, Rate: 1}, 1, "1 calls a second", time.Second},
		} {
			u := &usage{}
			l, c := caller.NewLimiter(u, time.Now), caller.Caller{Name: "erp", Policy: test.p}
			for range test.passing {
				if err := l.Take(t.Context(), c); err != nil {
					t.Fatalf("%+v: %v", test.p, err)
				}
			}
			told := func(err error, after time.Duration) {
				t.Helper()
				e, ok := errors.AsType[*registration.Error](err)
				if !ok || e.Code != registration.RateLimited || !strings.Contains(e.Message, test.tells) || e.RetryAfter != after {
					t.Errorf("%+v: got %+v, want %q after %v", test.p, err, test.tells, after)
				}
			}
			told(l.Take(t.Context(), c), test.after)
			asked := u.asked()
			time.Sleep(test.after / 2)
			for range 1000 { // a flood
				told(l.Take(t.Context(), c), test.after/2)
			}
			if u.asked() != asked {
				t.Errorf("%+v: the flood has reached Usage %d times", test.p, u.asked()-asked)
			}
			time.Sleep(test.after / 2)
			if err := l.Take(t.Context(), c); err != nil {
				t.Errorf("%+v: %v", test.p, err)
			}
			time.Sleep(18*time.Hour - time.Since(time.Now().Truncate(24*time.Hour)) + 24*time.Hour) // the same time on another day
		}
	})
}

// TestAPermitGivenBackIsAnothers: once, and only where it would still be held.
func TestAPermitGivenBackIsAnothers(t *testing.T) {
	t.Parallel()
	one, both := caller.Policy{DailyQuota: 1}, caller.Policy{DailyQuota: 1, Rate: 5}
	for name, test := range map[string]struct {
		taken, then caller.Policy
		pause       time.Duration // before it is given back
		want        int           // calls that pass then
	}{
		"of the rate":                         {caller.Policy{Rate: 1}, caller.Policy{Rate: 1}, 0, 1},
		"of the rate, when it has come again": {caller.Policy{Rate: 1}, caller.Policy{Rate: 1}, 1001 * time.Millisecond, 1},
		"of the quota":                        {one, one, 0, 1},
		"of the quota, late":                  {one, one, time.Hour, 1},
		"of the quota, on the next day":       {one, one, 24 * time.Hour, 1},
		"of both":                             {both, both, 0, 1},
		"of both, late":                       {both, both, time.Minute, 1},
		"of another policy":                   {caller.Policy{DailyQuota: 7}, one, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Hour) // it is not midnight
				l, at := caller.NewLimiter(&usage{}, time.Now), time.Now()
				if err := l.Take(t.Context(), caller.Caller{Name: "erp", Policy: test.taken}); err != nil {
					t.Fatal(err)
				}
				then := caller.Caller{Name: "erp", Policy: test.then}
				if err := l.Take(t.Context(), then); !limited(err) {
					t.Fatalf("before it is given back: %v", err)
				}
				time.Sleep(test.pause)
				l.GiveBack(caller.Caller{Name: "erp", Policy: test.taken}, at)
				passed := 0
				for passed < 3 && l.Take(t.Context(), then) == nil {
					passed++
				}
				if passed != test.want {
					t.Errorf("%d calls have passed, want %d", passed, test.want)
				}
			})
		})
	}
}

func TestCallsAtOnceShareOneReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &usage{latency: func() time.Duration { return time.Millisecond }}
		l, c := caller.NewLimiter(u, time.Now), caller.Caller{Name: "erp", Policy: caller.Policy{Rate: 1000}}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := l.Take(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if !slices.Equal(u.wanted, []int{1, 49}) {
			t.Errorf("Usage was asked for %v", u.wanted)
		}
	})
}

// TestBatchesFollowThePace: a busy caller costs few calls of Usage, and one
// that is not leaves its permits to the other servers.
func TestBatchesFollowThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &usage{}
		l, c := caller.NewLimiter(u, time.Now), caller.Caller{Name: "erp", Policy: caller.Policy{Rate: 1000}}
		pace := func(n int, pause time.Duration) (asked int, largest int) {
			before := len(u.wanted)
			for range n {
				if err := l.Take(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				time.Sleep(pause)
			}
			return len(u.wanted) - before, slices.Max(u.wanted[before:])
		}
		if asked, largest := pace(10, time.Second); asked != 10 || largest != 1 {
			t.Errorf("one call a second: asked %d times, for %d", asked, largest)
		}
		if asked, largest := pace(2500, 2*time.Millisecond); asked > 60 || largest > 100 {
			t.Errorf("500 calls a second for 5 s: asked %d times, for %d", asked, largest)
		}
		time.Sleep(1001 * time.Millisecond)
		if asked, largest := pace(1, 0); asked != 1 || largest != 1 {
			t.Errorf("after a pause: asked %d times, for %d", asked, largest)
		}
	})
}

func TestANewPolicyHoldsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, c := caller.NewLimiter(&usage{}, time.Now), caller.Caller{Name: "erp", Policy: caller.Policy{DailyQuota: 1}}
		take := func(p caller.Policy) error {
			c.Policy = p
			return l.Take(t.Context(), c)
		}
		first := take(caller.Policy{DailyQuota: 1})
		if over := take(caller.Policy{DailyQuota: 1}); first != nil || !limited(over) {
			t.Errorf("of a quota of 1: %v, %v", first, over)
		}
		if err := take(caller.Policy{DailyQuota: 2}); err != nil {
			t.Errorf("with a larger quota: %v", err)
		}
		if err := take(caller.Policy{DailyQuota: 1}); !limited(err) {
			t.Errorf("with the smaller one again: %v", err)
		}
		if err := take(caller.Policy{Rate: 1}); err != nil {
			t.Errorf("with a rate only: %v", err)
		}
		if err := take(caller.Policy{Rate: 1}); !limited(err) {
			t.Errorf("with the rate used up: %v", err)
		}
		if err := take(caller.Policy{}); err != nil {
			t.Errorf("without limit: %v", err)
		}
	})
}

func TestWithoutUsageNobodyPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &usage{}
		l, c := caller.NewLimiter(u, time.Now), caller.Caller{Name: "erp", Policy: caller.Policy{Rate: 10}}
		together := func(ctx context.Context, want error) {
			t.Helper()
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if err := l.Take(ctx, c); !errors.Is(err, want) {
						t.Errorf("got %v, want %v", err, want)
					}
				})
			}
			all.Wait()
		}
		u.set(func(context.Context) error { return registration.ErrUnavailable })
		together(t.Context(), registration.ErrUnavailable)
		u.set(func(context.Context) error { return errors.New("a driver's words") })
		together(t.Context(), registration.ErrUnavailable)

		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		u.set(hang)
		began := time.Now()
		together(t.Context(), registration.ErrUnavailable)
		if d := time.Since(began); d != 3*time.Second {
			t.Errorf("a Usage that hangs holds up calls for %v", d)
		}

		// Who asks has gone, who waits gets the answer all the same; who waits
		// and has to go gets its own.
		u.set(func(context.Context) error { time.Sleep(time.Second); return registration.ErrUnavailable })
		gone, leave := context.WithCancel(t.Context())
		leave()
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began = time.Now()
		var all sync.WaitGroup
		all.Go(func() { _ = l.Take(gone, c) })
		synctest.Wait()
		all.Go(func() {
			if err := l.Take(impatient, c); !errors.Is(err, registration.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 100*time.Millisecond {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
		all.Go(func() {
			if err := l.Take(t.Context(), c); !errors.Is(err, registration.ErrUnavailable) || time.Since(began) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
		all.Wait()

		u.set(nil)
		if err := l.Take(t.Context(), c); err != nil {
			t.Errorf("Usage is back: %v", err)
		}
	})
}

func TestAPanicOfUsageLeavesNobodyWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &usage{}
		l, c := caller.NewLimiter(u, time.Now), caller.Caller{Name: "erp", Policy: caller.Policy{Rate: 10}}
		u.set(func(context.Context) error { time.Sleep(time.Second); panic("broken") })
		var all sync.WaitGroup
		all.Go(func() {
			defer func() {
				if p := recover(); p != "broken" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = l.Take(t.Context(), c)
		})
		synctest.Wait()
		all.Go(func() {
			if err := l.Take(t.Context(), c); !errors.Is(err, registration.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
		all.Wait()
		u.set(nil)
		if err := l.Take(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
}
