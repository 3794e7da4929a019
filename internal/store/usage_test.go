package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func reserve(t *testing.T, db *store.DB, name string, p caller.Policy, want int, at time.Time) caller.Grant {
	t.Helper()
	g, err := db.Usage().Reserve(t.Context(), name, p, want, at)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestReserve: what is given, step by step, after how long.
func TestReserve(t *testing.T) {
	const ms, s, h = time.Millisecond, time.Second, time.Hour
	noon := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	permits := func(n int) caller.Grant { return caller.Grant{Permits: n} }
	retry := func(d time.Duration) caller.Grant { return caller.Grant{RetryAfter: d} }
	spent := func(d time.Duration) caller.Grant { return caller.Grant{RetryAfter: d, Quota: true} }
	type step struct {
		at   time.Duration // since noon
		p    caller.Policy
		want int
		give caller.Grant
	}
	ten := caller.Policy{Rate: 10}
	bursty := caller.Policy{Rate: 10, Burst: 100}
	quota := caller.Policy{DailyQuota: 5}
	both := caller.Policy{Rate: 10, Burst: 3, DailyQuota: 5}
	cases := map[string][]step{
		"without limits": {{0, caller.Policy{}, 1_000_000, permits(1_000_000)}, {0, caller.Policy{Burst: 3}, 7, permits(7)}},
		"nothing wanted": {{0, ten, 0, permits(0)}, {0, quota, -1, permits(0)}, {0, ten, 10, permits(10)}},
		"one by one": {
			{0, caller.Policy{Rate: 1}, 1, permits(1)}, {0, caller.Policy{Rate: 1}, 1, retry(s)},
			{s - 1000, caller.Policy{Rate: 1}, 1, retry(1000)}, {s, caller.Policy{Rate: 1}, 1, permits(1)}, {s, caller.Policy{Rate: 1}, 1, retry(s)},
		},
		"a rate that does not divide a second": {
			{0, caller.Policy{Rate: 3}, 4, permits(3)}, {333_333 * time.Microsecond, caller.Policy{Rate: 3}, 1, retry(time.Microsecond)},
			{333_334 * time.Microsecond, caller.Policy{Rate: 3}, 3, permits(1)},
		},
		"the burst after a pause, and no more": {
			{0, bursty, 60, permits(60)}, {0, bursty, 60, permits(40)}, {0, bursty, 1, retry(100 * ms)},
			{s, bursty, 60, permits(10)}, {h, bursty, 1000, permits(100)}, {h, bursty, 1000, retry(100 * ms)},
		},
		"a clock that is behind gives less and takes nothing back": {
			{0, ten, 10, permits(10)}, {-500 * ms, ten, 1, retry(600 * ms)}, {500 * ms, ten, 10, permits(5)},
			{400 * ms, ten, 10, retry(200 * ms)}, {s, ten, 10, permits(5)},
		},
		"a clock that was wrong by hours": {{5 * h, ten, 10, permits(10)}, {0, ten, 1, retry(100 * ms)}, {100 * ms, ten, 10, permits(1)}, {2 * s, ten, 99, permits(10)}},
		"a faster policy": {
			{0, ten, 10, permits(10)}, {0, caller.Policy{Rate: 1000}, 1, retry(ms)}, {ms, caller.Policy{Rate: 1000}, 5, permits(1)},
		},
		"a slower policy": {
			{0, bursty, 50, permits(50)}, {0, caller.Policy{Rate: 1, Burst: 4}, 9, permits(2)}, {0, caller.Policy{Rate: 1, Burst: 4}, 9, retry(s)},
		},
		"a policy there and back gives nothing twice": {
			{0, bursty, 100, permits(100)}, {0, caller.Policy{Rate: 1}, 1, retry(s)}, {0, bursty, 1, retry(100 * ms)},
		},
		"a limit after none":   {{0, caller.Policy{}, 1000, permits(1000)}, {0, ten, 1000, permits(10)}},
		"no limit after some":  {{0, ten, 1000, permits(10)}, {0, caller.Policy{}, 1000, permits(1000)}},
		"the numbers' ends":    {{0, caller.Policy{Rate: 1 << 60, Burst: 1 << 60}, 1 << 40, permits(1_000_000_000)}, {0, caller.Policy{Rate: 1 << 60, Burst: 1 << 60, DailyQuota: 1 << 60}, 7, retry(time.Microsecond)}},
		"a burst of one":       {{0, caller.Policy{Rate: 100, Burst: 1}, 5, permits(1)}, {9 * ms, caller.Policy{Rate: 100, Burst: 1}, 5, retry(ms)}, {10 * ms, caller.Policy{Rate: 100, Burst: 1}, 5, permits(1)}},
		"a quota":              {{0, quota, 3, permits(3)}, {h, quota, 3, permits(2)}, {2 * h, quota, 1, spent(10 * h)}, {12 * h, quota, 9, permits(5)}, {13 * h, quota, 9, spent(23 * h)}},
		"a quota that shrinks": {{0, quota, 4, permits(4)}, {0, caller.Policy{DailyQuota: 2}, 1, spent(12 * h)}, {0, caller.Policy{DailyQuota: 6}, 9, permits(2)}},
		"midnight by clocks that differ": {
			{12*h - s, quota, 4, permits(4)}, {12 * h, quota, 4, permits(4)}, {12*h - ms, quota, 9, permits(1)}, {12*h - ms, quota, 9, spent(24*h + ms)},
		},
		"a day of a clock that was wrong": {
			{0, quota, 3, permits(3)}, {24 * 10 * h, quota, 1, permits(1)}, {0, quota, 9, spent(12 * h)}, {h, quota, 9, spent(11 * h)},
			{24 * 10 * h, quota, 9, permits(5)}, {24 * 10 * h, quota, 9, spent(12 * h)}, {2 * h, quota, 9, spent(10 * h)}, {12 * h, quota, 9, permits(5)},
		},
		"a clock that is a day ahead counts for tomorrow": {{0, quota, 3, permits(3)}, {24 * h, quota, 4, permits(4)}, {0, quota, 9, permits(1)}, {12 * h, quota, 9, spent(24 * h)}},
		"rate and quota": {
			{0, both, 9, permits(3)}, {0, both, 9, retry(100 * ms)}, {h, both, 9, permits(2)}, {h, both, 9, spent(11 * h)}, {12 * h, both, 9, permits(3)},
		},
	}
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, steps := range cases {
			for n, s := range steps {
				if got := reserve(t, db, name, s.p, s.want, noon.Add(s.at)); got != s.give {
					t.Errorf("%s, step %d: got %+v, want %+v", name, n+1, got, s.give)
				}
			}
		}
	})
}

// TestReserveByChance: over any span, from any call to any later one, no more
// is given than the burst and the rate allow; at the time that a refusal
// names there is a permit, and just before there is none.
func TestReserveByChance(t *testing.T) {
	o := backends[0].new(t)
	migrate(t, o)
	db := open(t, o)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		name := fmt.Sprint(seed)
		p := caller.Policy{Rate: 1 + random.IntN(3000), Burst: random.IntN(50)}
		burst := p.Burst
		if burst == 0 {
			burst = p.Rate
		}
		at := time.Now()
		type given struct {
			at time.Time
			n  int
		}
		var all []given
		for range 60 {
			g := reserve(t, db, name, p, 1+random.IntN(burst+3), at)
			if g.Permits > 0 {
				all = append(all, given{at, g.Permits})
			} else {
				if early := reserve(t, db, name, p, 1, at.Add(g.RetryAfter-time.Microsecond)); early.Permits != 0 {
					t.Fatalf("seed %d: a permit before %s", seed, g.RetryAfter)
				}
				at = at.Add(g.RetryAfter)
				g = reserve(t, db, name, p, 1, at)
				if g.Permits != 1 {
					t.Fatalf("seed %d: no permit in time", seed)
				}
				all = append(all, given{at, 1})
			}
			at = at.Add(rand.N(time.Duration(burst) * time.Second / time.Duration(p.Rate)))
		}
		for i := range all {
			sum := 0
			for _, g := range all[i:] {
				sum += g.n
				allowed := float64(burst) + float64(p.Rate)*(g.at.Sub(all[i].at)+time.Microsecond).Seconds()
				if float64(sum) > allowed {
					t.Fatalf("seed %d: %d in %s under %+v", seed, sum, g.at.Sub(all[i].at), p)
				}
			}
		}
	}
}

// TestReserveTogether: servers whose clocks differ, many calls at once on each,
// together get what the policy allows, all of it and no more.
func TestReserveTogether(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		handles := []*store.DB{open(t, o), open(t, o)}
		t0 := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
		for name, tt := range map[string]struct {
			p    caller.Policy
			want int64
		}{
			"rate":  {caller.Policy{Rate: 10, Burst: 150}, 150 + 5}, // the clocks differ by 500 ms
			"quota": {caller.Policy{Rate: 10_000, DailyQuota: 120}, 120},
		} {
			var total atomic.Int64
			var wg sync.WaitGroup
			for server, db := range handles {
				for range 8 {
					wg.Go(func() {
						for range 10 {
							g, err := db.Usage().Reserve(t.Context(), name, tt.p, 2, t0.Add(time.Duration(server)*500*time.Millisecond))
							if err != nil {
								t.Error(err)
							}
							total.Add(int64(g.Permits))
						}
					})
				}
			}
			wg.Wait()
			last := reserve(t, handles[1], name, tt.p, 1000, t0.Add(500*time.Millisecond))
			if got := total.Load() + int64(last.Permits); got > tt.want || got < tt.want-5 {
				t.Errorf("%s: %d were given, want %d", name, got, tt.want)
			}
		}
	})
}

// TestReserveUnknownOutcome: a lost answer to COMMIT may cost permits and gives
// none twice.
func TestReserveUnknownOutcome(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	p := caller.Policy{Rate: 1, Burst: 10, DailyQuota: 100}
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, committed := range []bool{true, false} {
		name := fmt.Sprintf("erp-%t", committed)
		total := reserve(t, db, name, p, 3, at).Permits
		i.set(once("COMMIT", 1, fault{run: committed, sever: true, err: mysql.ErrInvalidConn}))
		total += reserve(t, db, name, p, 3, at).Permits
		i.set(nil)
		total += reserve(t, db, name, p, 10, at).Permits
		if want := map[bool]int{true: 7, false: 10}[committed]; total != want {
			t.Errorf("committed: %t: %d were given, want %d", committed, total, want)
		}
	}
	i.set(func(statement string) *fault {
		if statement == "COMMIT" {
			return &fault{err: serverError(1213)}
		}
		return nil
	})
	ctx, cancel := contextWithin(t, 100*time.Millisecond)
	defer cancel()
	if g, err := db.Usage().Reserve(ctx, "erp", p, 1, at); !errors.Is(err, registration.ErrUnavailable) || g.Permits != 0 {
		t.Errorf("got %+v, %v", g, err)
	}
}
