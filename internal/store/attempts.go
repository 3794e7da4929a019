package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
)

// Attempts implements registration.Attempts and attempt.Counts.
type Attempts struct{ db *DB }

// Attempts gives the counts of tries to verify passwords.
func (db *DB) Attempts() *Attempts { return &Attempts{db} }

const (
	// attemptLife is how long a try is known by its call's id: longer than any
	// call may take that is made again.
	attemptLife = int64(10 * time.Minute / time.Microsecond)
	// outlive is by how much rows outlive what they say, for servers whose
	// clocks are behind.
	outlive = time.Minute
)

// Take implements registration.Attempts, in one transaction that locks the rows
// it changes: together, all servers never give more than the rules allow. It is
// the generic cell rate algorithm of Usage.Reserve, with what that says of
// clocks.
func (a *Attempts) Take(ctx context.Context, try registration.Attempt) (known bool, err error) {
	var wait int64
	err = a.db.transact(ctx, "take attempt", func(ctx context.Context, t *tx) (err error) {
		known, wait, err = a.take(ctx, t, try, micros(try.At))
		return err
	})
	if err == nil && wait > 0 {
		err = registration.TooManyPasswords(duration(wait))
	}
	return known, err
}

// take says how long to wait where there is no try left. All that it needs to
// know is read before anything is written: a refusal changes nothing.
func (a *Attempts) take(ctx context.Context, t *tx, try registration.Attempt, now int64) (known bool, wait int64, err error) {
	allowances, known, err := a.allowances(ctx, t, try, now)
	if err != nil {
		return false, 0, err
	}
	for i := range allowances {
		wait = max(wait, allowances[i].take(now))
	}
	if wait > 0 {
		taken, there, err := t.attempt(ctx, try.ID)
		if there {
			return taken, 0, err
		}
		return known, wait, err
	}
	err = t.run(ctx, `INSERT INTO password_attempts (id, known, expires_at) VALUES (?,?,?)`, try.ID[:], flag(known), now+attemptLife)
	if a.db.dialect.classify(err).class == duplicate { // by an attempt whose outcome was not known, or at another server
		taken, there, err := t.attempt(ctx, try.ID)
		if err == nil && !there {
			err = errAborted // given back this moment
		}
		return taken, 0, err
	}
	for i := 0; err == nil && i < len(allowances); i++ {
		err = t.write(ctx, a.db.dialect, allowances[i])
	}
	return known, 0, err
}

// allowances are those that a try stands under, locked, the one that many calls
// share last.
func (a *Attempts) allowances(ctx context.Context, t *tx, try registration.Attempt, now int64) (all []allowance, known bool, err error) {
	if try.HasOrigin() {
		origin, err := a.allowance(ctx, t, try.Origin, try.Rules.Origin, now)
		if err != nil || origin.ExpiresAt > now {
			origin.known = true
			return []allowance{origin}, true, err
		}
	}
	login, err := a.allowance(ctx, t, try.Login, try.Rules.Login, now)
	if err != nil || try.Rules.Caller.Burst == 0 {
		return []allowance{login}, false, err
	}
	caller, err := a.allowance(ctx, t, try.Caller, try.Rules.Caller, now)
	return []allowance{login, caller}, false, err
}

// allowance reads how much of one is taken. What lies more than a minute beyond
// all of it was left by a clock that was wrong, and is all of it from now on.
func (a *Attempts) allowance(ctx context.Context, t *tx, subject [32]byte, rule registration.Allowance, now int64) (allowance, error) {
	var rows []allowanceRow
	err := t.query(ctx, &rows, `SELECT tat, expires_at FROM password_allowances WHERE subject = ?`+a.db.dialect.forUpdate, subject[:])
	if err != nil || len(rows) == 0 {
		return allowance{subject: subject, rule: rule}, err
	}
	s := allowance{allowanceRow: rows[0], subject: subject, rule: rule, there: true}
	if whole := now + s.whole(); s.TAT > whole+wrongClock {
		s.TAT = whole
		err = t.write(ctx, a.db.dialect, s)
	}
	return s, err
}

// attempt says whether a try was taken before, and whether of a known origin's
// allowance.
func (t *tx) attempt(ctx context.Context, id registration.ID) (known, there bool, err error) {
	var rows []int64
	err = t.query(ctx, &rows, `SELECT known FROM password_attempts WHERE id = ?`, id[:])
	return len(rows) > 0 && rows[0] != 0, len(rows) > 0, err
}

// allowanceRow is how much of an allowance is taken. Its zero value is nothing.
type allowanceRow struct {
	TAT       int64 `db:"tat"` // when all of it is there again, in microseconds
	ExpiresAt int64 `db:"expires_at"`
}

// allowance is one that a try stands under.
type allowance struct {
	allowanceRow
	subject [32]byte
	rule    registration.Allowance
	there   bool // as a row
	known   bool // of an origin: how long it is known does not depend on tries
}

// whole is how far ahead of now its arrival time is when all of it is taken.
func (a *allowance) whole() int64 { return int64(a.rule.Burst) * a.rule.Every.Microseconds() }

// take takes one, or says how long to wait for it.
func (a *allowance) take(now int64) (wait int64) {
	next := max(a.TAT, now) + a.rule.Every.Microseconds()
	if next > now+a.whole() {
		return next - a.whole() - now
	}
	a.TAT = next
	if !a.known {
		a.ExpiresAt = next
	}
	return 0
}

func (t *tx) write(ctx context.Context, d dialect, a allowance) error {
	if a.there {
		return t.run(ctx, `UPDATE password_allowances SET tat = ?, expires_at = ? WHERE subject = ?`, a.TAT, a.ExpiresAt, a.subject[:])
	}
	err := t.run(ctx, `INSERT INTO password_allowances (tat, expires_at, subject) VALUES (?,?,?)`, a.TAT, a.ExpiresAt, a.subject[:])
	if d.classify(err).class == duplicate {
		return errAborted // somebody else's first try
	}
	return err
}

// GiveBack implements registration.Attempts.
func (a *Attempts) GiveBack(ctx context.Context, try registration.Attempt, known, succeeded bool) error {
	return a.db.transact(ctx, "give attempt back", func(ctx context.Context, t *tx) error {
		n, err := t.exec(ctx, `DELETE FROM password_attempts WHERE id = ?`, try.ID[:])
		if err != nil || n == 0 { // given back before, by an attempt whose outcome was not known
			return err
		}
		if known {
			err = t.refund(ctx, try.Origin, try.Rules.Origin)
		} else if err = t.refund(ctx, try.Login, try.Rules.Login); err == nil && try.Rules.Caller.Burst > 0 {
			err = t.refund(ctx, try.Caller, try.Rules.Caller)
		}
		if err == nil && succeeded && try.HasOrigin() {
			err = a.know(ctx, t, try)
		}
		return err
	})
}

// refund gives one back. What time has given back meanwhile is not counted
// twice: a theoretical arrival time that is over is none.
func (t *tx) refund(ctx context.Context, subject [32]byte, rule registration.Allowance) error {
	return t.run(ctx, `UPDATE password_allowances SET tat = tat - ? WHERE subject = ?`, rule.Every.Microseconds(), subject[:])
}

// know makes an origin known for its life from now on.
func (a *Attempts) know(ctx context.Context, t *tx, try registration.Attempt) error {
	origin, err := a.allowance(ctx, t, try.Origin, try.Rules.Origin, micros(try.At))
	if err != nil {
		return err
	}
	origin.ExpiresAt = micros(try.At.Add(try.Rules.OriginLife))
	return t.write(ctx, a.db.dialect, origin)
}

// Forget implements attempt.Counts.
func (a *Attempts) Forget(ctx context.Context, now time.Time) error {
	before := micros(now.Add(-outlive))
	if err := a.forget(ctx, "password_allowances", "subject", before); err != nil {
		return err
	}
	return a.forget(ctx, "password_attempts", "id", before)
}

// forget deletes the rows of a table that say nothing any more. Servers that
// forget at the same time do each other no harm.
func (a *Attempts) forget(ctx context.Context, table, key string, before int64) error {
	for {
		var over [][]byte
		err := a.db.view(ctx, "forget attempts", func(ctx context.Context, conn *sqlx.Conn) error {
			over = nil
			return conn.SelectContext(ctx, &over, `SELECT `+key+` FROM `+table+` WHERE expires_at < ? ORDER BY expires_at LIMIT ?`, before, forgetBatch)
		})
		if err != nil || len(over) == 0 {
			return err
		}
		err = a.db.transact(ctx, "forget attempts", func(ctx context.Context, t *tx) error {
			query, args, err := sqlx.In(`DELETE FROM `+table+` WHERE `+key+` IN (?) AND expires_at < ?`, over, before)
			if err != nil {
				return err
			}
			// Not prepared: there is a text for each length of the list.
			_, err = t.conn.ExecContext(ctx, query, args...)
			return err
		})
		if err != nil || len(over) < forgetBatch {
			return err
		}
	}
}
