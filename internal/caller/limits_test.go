package caller_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// usage is a caller.Usage of one caller: exactly the generic cell rate
// algorithm (ITU-T I.371) for rates that divide a second's nanoseconds, and a quota.
type usage struct {
	mu      sync.Mutex
	tat     time.Time
	day     time.Time
	used    int
	calls   int
	wanted  []int
	latency func() time.Duration // on the way there, and back
	fail    func(ctx context.Context) error
}

func (u *usage) Reserve(ctx context.Context, _ string, p caller.Policy, want int, now time.Time) (caller.Grant, error) {
	u.sleep()
	defer u.sleep()
	u.mu.Lock()
	u.calls++
	u.wanted = append(u.wanted, want)
	fail := u.fail
	u.mu.Unlock()
	if fail != nil {
		return caller.Grant{}, fail(ctx)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	grant := caller.Grant{Permits: want}
	if p.DailyQuota > 0 {
		if today := now.UTC().Truncate(24 * time.Hour); today.After(u.day) {
			u.day, u.used = today, 0
		}
		if grant.Permits = min(want, p.DailyQuota-u.used); grant.Permits <= 0 {
			return caller.Grant{RetryAfter: u.day.Add(24 * time.Hour).Sub(now), Quota: true}, nil
		}
	}
	if p.Rate > 0 {
		burst := p.Burst
		if burst == 0 {
			burst = p.Rate
		}
		interval := time.Second / time.Duration(p.Rate)
		tat := u.tat
		if tat.Before(now) {
			tat = now
		}
		grant.Permits = min(grant.Permits, int((time.Duration(burst)*interval-tat.Sub(now))/interval))
		if grant.Permits <= 0 {
			return caller.Grant{RetryAfter: tat.Add(interval).Sub(now) - time.Duration(burst)*interval}, nil
		}
		u.tat = tat.Add(time.Duration(grant.Permits) * interval)
	}
	if p.DailyQuota > 0 {
		u.used += grant.Permits
	}
	return grant, nil
}

func (u *usage) sleep() {
	if u.latency != nil {
		time.Sleep(u.latency())
	}
}

// asked is how often Reserve was called.
func (u *usage) asked() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls
}

func (u *usage) set(fail func(context.Context) error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.fail = fail
}

// load is what a caller does to several servers.
type load struct {
	servers, workers int           // workers of each server
	pause            time.Duration // of a worker between two calls, at most
	rest             time.Duration // of all, every so often
	time             time.Duration
	replays          bool // every third call is one, and gives its permit back
}

// run gives the times of the calls that passed.
func (l load) run(t *testing.T, u *usage, p caller.Policy) (passed []time.Time) {
	t.Helper()
	c := caller.Caller{Name: "erp", Policy: p}
	var mu sync.Mutex
	var all sync.WaitGroup
	start := time.Now()
	for range l.servers {
		limiter := caller.NewLimiter(u, time.Now)
		for range l.workers {
			all.Go(func() {
				for time.Since(start) < l.time {
					began := time.Now()
					switch err := limiter.Take(t.Context(), c); {
					case err == nil && l.replays && rand.N(3) == 0:
						time.Sleep(latency())
						limiter.GiveBack(c, began)
					case err == nil:
						mu.Lock()
						passed = append(passed, time.Now())
						mu.Unlock()
					case !limited(err):
						t.Error(err)
					}
					time.Sleep(rand.N(l.pause) + 1)
					if l.rest > 0 && rand.N(50) == 0 {
						time.Sleep(l.rest)
					}
				}
			})
		}
	}
	all.Wait()
	slices.SortFunc(passed, time.Time.Compare)
	return passed
}

// limited says whether err is of RATE_LIMITED with a time to wait.
func limited(err error) bool {
	e, ok := errors.AsType[*registration.Error](err)
	return ok && e.Code == registration.RateLimited && e.RetryAfter > 0
}

func latency() time.Duration { return rand.N(10 * time.Millisecond) }

// TestTheRateHoldsOverAllServers: in any window, however long, no more calls
// pass than the rate, the burst and what the servers held allow; altogether no
// more than rate and burst; and a caller over its limit gets what it may have.
func TestTheRateHoldsOverAllServers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p    caller.Policy
		load load
		most int // calls of Usage a second by each server
	}{
		{caller.Policy{Rate: 1}, load{servers: 3, workers: 2, pause: 100 * time.Millisecond, time: time.Minute}, 3},
		{caller.Policy{Rate: 10, Burst: 1}, load{servers: 2, workers: 4, pause: 10 * time.Millisecond, time: 20 * time.Second}, 20},
		{caller.Policy{Rate: 100}, load{servers: 3, workers: 5, pause: 10 * time.Millisecond, time: 20 * time.Second}, 20},
		{caller.Policy{Rate: 100, Burst: 300}, load{servers: 2, workers: 5, pause: 10 * time.Millisecond, rest: 3 * time.Second, time: 30 * time.Second}, 15},
		{caller.Policy{Rate: 1000, Burst: 100}, load{servers: 3, workers: 10, pause: 5 * time.Millisecond, time: 5 * time.Second}, 30},
		{caller.Policy{Rate: 1000}, load{servers: 4, workers: 10, pause: 10 * time.Millisecond, rest: time.Second, time: 5 * time.Second}, 15},
		{caller.Policy{Rate: 10, Burst: 1}, load{servers: 2, workers: 4, pause: 10 * time.Millisecond, time: 20 * time.Second, replays: true}, 20},
		{caller.Policy{Rate: 100}, load{servers: 3, workers: 5, pause: 10 * time.Millisecond, time: 20 * time.Second, replays: true}, 20},
	} {
		t.Run(fmt.Sprintf("%d a second, %d at once, %d servers, replays: %t", test.p.Rate, test.p.Burst, test.load.servers, test.load.replays), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u := &usage{latency: latency}
				start := time.Now()
				passed := test.load.run(t, u, test.p)
				rate, burst := float64(test.p.Rate), float64(test.p.Burst)
				if burst == 0 {
					burst = rate
				}
				// Of all windows the fullest is found by the emptiest start before each end.
				held := float64(test.load.servers * max(test.p.Rate/10, test.load.workers))
				if test.load.replays {
					held += float64(test.load.servers * test.load.workers)
				}
				emptiest := 0.0
				for i, at := range passed {
					since := at.Sub(start).Seconds()
					emptiest = min(emptiest, float64(i)-rate*since)
					if over := float64(i+1) - rate*since - emptiest; over > burst+held+1e-6 {
						t.Fatalf("%.1f calls above the rate in a window, more than %.0f and %.0f", over, burst, held)
					}
					if float64(i+1) > rate*since+burst+1e-6 {
						t.Fatalf("%d calls have passed after %.3f s", i+1, since)
					}
				}
				seconds := time.Since(start).Seconds()
				if test.load.rest == 0 && float64(len(passed)) < 0.9*rate*seconds {
					t.Errorf("%d calls have passed in %.0f s, not %.0f a second", len(passed), seconds, rate)
				}
				if asked := float64(u.asked()) / seconds / float64(test.load.servers); asked > float64(test.most) {
					t.Errorf("each server asks %.1f times a second", asked)
				}
				t.Logf("%d calls in %.0f s, each server asked %.1f times a second", len(passed), seconds, float64(u.asked())/seconds/float64(test.load.servers))
			})
		})
	}
}

// TestTheQuotaIsExact: on no day pass more calls than the quota, over midnight
// too, and nearly all of it can be used, also by a caller that pauses.
func TestTheQuotaIsExact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		p       caller.Policy
		replays bool
	}{
		{caller.Policy{DailyQuota: 5000}, false}, {caller.Policy{DailyQuota: 5000, Rate: 100}, false},
		{caller.Policy{DailyQuota: 1, Rate: 100}, false}, {caller.Policy{DailyQuota: 5000, Rate: 1000, Burst: 20}, false},
		{caller.Policy{DailyQuota: 5000}, true}, {caller.Policy{DailyQuota: 5000, Rate: 100}, true},
		{caller.Policy{DailyQuota: 1}, true}, {caller.Policy{DailyQuota: 1, Rate: 100}, true},
	} {
		p := test.p
		t.Run(fmt.Sprintf("%d a day, %d a second, replays: %t", p.DailyQuota, p.Rate, test.replays), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(24*time.Hour - 70*time.Second - time.Since(time.Now().Truncate(24*time.Hour))) // it is before midnight
				l := load{servers: 3, workers: 3, pause: 30 * time.Millisecond, rest: 2 * time.Second, time: 240 * time.Second, replays: test.replays}
				byDay := map[time.Time]int{}
				for _, at := range l.run(t, &usage{latency: latency}, p) {
					byDay[at.UTC().Truncate(24*time.Hour)]++
				}
				if len(byDay) != 2 {
					t.Fatalf("calls passed on %d days", len(byDay))
				}
				for day, n := range byDay {
					if n > p.DailyQuota || n < p.DailyQuota-l.servers*max(1, p.DailyQuota/1000) {
						t.Errorf("%s: %d calls", day.Format(time.DateOnly), n)
					}
				}
			})
		})
	}
}

// TestADaysQuotaEndsWithIt: what is held at midnight, or comes behind it, is
// of the day before.
func TestADaysQuotaEndsWithIt(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]bool{"held": false, "on its way": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const quota = 2000
				midnight := time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
				u := &usage{}
				l, c := caller.NewLimiter(u, time.Now), caller.Caller{Name: "erp", Policy: caller.Policy{DailyQuota: quota}}
				take := func() error { return l.Take(t.Context(), c) }
				time.Sleep(time.Until(midnight) - time.Millisecond)
				if err := errors.Join(take(), take()); err != nil || u.used != 3 {
					t.Fatalf("%v; %d permits are taken, not one more than was needed", err, u.used)
				}
				var passed atomic.Int32
				var behind sync.WaitGroup
				if slow {
					u.latency = func() time.Duration { return 2 * time.Millisecond }
					_ = take() // what is held
					for range 2 {
						behind.Go(func() {
							if take() == nil {
								passed.Add(1)
							}
						})
						synctest.Wait()
						time.Sleep(time.Millisecond) // the second one finds a new day, and the first one waiting
					}
				}
				time.Sleep(time.Until(midnight))
				behind.Wait()
				for take() == nil {
					passed.Add(1)
				}
				if passed.Load() != quota {
					t.Errorf("%d calls have passed on the new day", passed.Load())
				}
			})
		})
	}
}
