package store

import (
	"context"
	"math"
	"time"

	"registrar/internal/caller"
)

// Usage implements caller.Usage.
type Usage struct{ db *DB }

// Usage gives the count of callers' calls.
func (db *DB) Usage() *Usage { return &Usage{db} }

const (
	second = int64(time.Second / time.Microsecond)
	day    = 24 * 60 * 60 * second
	// mostPermits bounds what is counted with: a product of two of it and
	// second still fits.
	mostPermits = 1_000_000_000
	// wrongClock is how far ahead of all that its policy allows a caller's
	// state must be to be taken for that of a clock which was wrong.
	wrongClock = int64(time.Minute / time.Microsecond)
)

// Reserve implements caller.Usage, in one transaction that locks the caller's
// row: together, all servers never give more than the policy allows.
//
// The rate is the generic cell rate algorithm (ITU-T I.371) in whole
// microseconds, rounded against the caller. Each server brings its own clock:
// where one is behind the others, it gives less until it has caught up, and
// counts for their day. A state that lies more than a minute beyond what the
// policy allows was left by a clock that was wrong, and is taken as used up; so
// is today's quota where the day counted is later than tomorrow. A clock that
// is ahead by more than that cannot be told from a caller that comes back after
// days: its server begins a day of its own and gives of that day's quota, and
// of a whole one again each time that another server has found it. The others
// give nothing more until their midnight, and do not ask before unless they are
// started again: for as long as the clock is wrong, n servers give n+1 quotas a
// day at most.
//
// Another policy than the one before takes effect at once: the same share of
// its burst is free. A quota counts while there is one. After a COMMIT whose
// outcome is not known the permits are taken once more, never given twice.
func (u *Usage) Reserve(ctx context.Context, name string, p caller.Policy, want int, now time.Time) (caller.Grant, error) {
	if want <= 0 || p.Rate <= 0 && p.DailyQuota <= 0 {
		return caller.Grant{Permits: max(0, want)}, nil
	}
	l, at := limitsOf(p), micros(now)
	var grant caller.Grant
	err := u.db.transact(ctx, "reserve", func(ctx context.Context, t *tx) error {
		var rows []usageRow
		err := t.query(ctx, &rows, `SELECT tat, rate, burst, day, used FROM caller_usage WHERE caller = ?`+u.db.dialect.forUpdate, name)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			next := usageRow{}
			grant = next.reserve(l, int64(want), at)
			err := t.run(ctx, `INSERT INTO caller_usage (caller, tat, rate, burst, day, used) VALUES (?,?,?,?,?,?)`, name, next.TAT, next.Rate, next.Burst, next.Day, next.Used)
			if u.db.dialect.classify(err).class == duplicate {
				return errAborted // somebody else's first call
			}
			return err
		}
		next := rows[0]
		if grant = next.reserve(l, int64(want), at); next == rows[0] {
			return nil
		}
		_, err = t.exec(ctx, `UPDATE caller_usage SET tat = ?, rate = ?, burst = ?, day = ?, used = ? WHERE caller = ?`, next.TAT, next.Rate, next.Burst, next.Day, next.Used, name)
		return err
	})
	if err != nil {
		return caller.Grant{}, err
	}
	return grant, nil
}

// limits are a policy's numbers; 0 is without limit.
type limits struct{ rate, burst, quota int64 }

func limitsOf(p caller.Policy) limits {
	bounded := func(n int) int64 { return int64(min(max(n, 0), mostPermits)) }
	l := limits{rate: bounded(p.Rate), burst: bounded(p.Burst), quota: bounded(p.DailyQuota)}
	if l.burst == 0 {
		l.burst = l.rate
	}
	return l
}

// usageRow is how much a caller has called. Its zero value is not at all.
type usageRow struct {
	TAT   int64 `db:"tat"` // when the whole burst is free again, in microseconds
	Rate  int64 `db:"rate"`
	Burst int64 `db:"burst"`
	Day   int64 `db:"day"` // since 1970-01-01 UTC
	Used  int64 `db:"used"`
}

// reserve takes permits at a time.
func (r *usageRow) reserve(l limits, want, now int64) caller.Grant {
	free, quota := int64(math.MaxInt64), int64(math.MaxInt64)
	if l.rate > 0 {
		r.adopt(l, now)
		free = l.burst - up((max(r.TAT, now)-now)*l.rate, second)
	}
	if l.quota > 0 {
		r.turn(now/day, l.quota)
		quota = l.quota - r.Used
	}
	permits := max(0, min(want, free, quota))
	switch {
	case permits > 0:
		if l.rate > 0 {
			r.TAT = max(r.TAT, now) + up(permits*second, l.rate)
		}
		if l.quota > 0 {
			r.Used += permits
		}
		return caller.Grant{Permits: int(permits)}
	case quota <= 0:
		return caller.Grant{RetryAfter: duration((r.Day+1)*day - now), Quota: true}
	default:
		return caller.Grant{RetryAfter: duration(r.TAT - (l.burst-1)*second/l.rate - now)}
	}
}

// adopt makes the state one of the policy in force.
func (r *usageRow) adopt(l limits, now int64) {
	whole := up(l.burst*second, l.rate)
	switch {
	case r.Rate == l.rate && r.Burst == l.burst:
		if r.TAT > now+whole+wrongClock {
			r.TAT = now + whole
		}
	case r.Rate > 0 && r.TAT > now:
		share := float64(r.TAT-now) * float64(r.Rate) / (float64(r.Burst) * float64(second))
		r.TAT = now + int64(math.Ceil(min(1, share)*float64(whole)))
	}
	r.Rate, r.Burst = l.rate, l.burst
}

// turn begins a new day. One that is over does not come back for a clock that
// is behind; one that is still far away was a wrong clock's, and how much of
// today was used is not known any more.
func (r *usageRow) turn(today, quota int64) {
	switch {
	case today > r.Day:
		r.Day, r.Used = today, 0
	case r.Day > today+1:
		r.Day, r.Used = today, quota
	}
}

// up is a/b, rounded up.
func up(a, b int64) int64 { return (a + b - 1) / b }

func duration(micros int64) time.Duration { return time.Duration(micros) * time.Microsecond }
