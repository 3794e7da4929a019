package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jmoiron/sqlx"
)

const (
	// retryLimit ends the retries of a call whose context has no deadline.
	retryLimit = 15 * time.Second
	// firstPause and longestPause bound the mean of the pauses between
	// retries; each pause is between nothing and twice its mean.
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
	// rollbackTimeout bounds ROLLBACK, which also has to work when the
	// caller's context is over.
	rollbackTimeout = time.Second
)

// writers gives connections for transactions, one transaction each at a time.
type writers interface {
	acquire(ctx context.Context) (*session, error)
	// release takes a session back. A bad one is thrown away: its server side
	// may hold an open transaction, which the next statement on it would
	// commit half.
	release(s *session, bad bool)
}

// session is a connection with its prepared statements.
type session struct {
	conn     *sqlx.Conn
	prepared map[statement]*sqlx.Stmt // nil where preparing costs a round trip
}

// statement is an SQL text that may be kept prepared.
type statement string

// maxPrepared bounds the statements that a session keeps. Those with lists in
// them have a text for each length of the list: the short lists, which are the
// common ones, come first.
const maxPrepared = 256

// drop closes the session's statements and its connection.
func (s *session) drop() {
	for _, p := range s.prepared {
		_ = p.Close()
	}
	discard(s.conn)
	_ = s.conn.Close()
}

// tx is a transaction in the making, or one caller's part in it.
type tx struct {
	*session
	// again says that an earlier attempt of the same work may have been
	// committed: the work must recognize what it did then.
	again bool
	// alone: this is not the first attempt, and what made the earlier one fail
	// must neither meet others nor come from them.
	alone bool
	// bulk: the work is one of many that nobody waits for. On SQLite, which
	// writes one transaction at a time, all others go before it.
	bulk bool
	// atOnce: the work needs no answer of the database, and all of it is sent
	// together, with COMMIT.
	atOnce     bool
	statements compound
}

// run executes a statement, or adds it to those that go at once.
func (t *tx) run(ctx context.Context, text statement, args ...any) error {
	if t.atOnce {
		t.statements.add(text, args)
		return nil
	}
	return t.session.run(ctx, text, args...)
}

// run executes a statement.
func (s *session) run(ctx context.Context, text statement, args ...any) error {
	p, err := s.prepare(ctx, text) //nolint:sqlclosecheck // the session keeps it
	if err != nil {
		return err
	}
	if p == nil {
		_, err = s.conn.ExecContext(ctx, string(text), args...)
		return err
	}
	_, err = p.ExecContext(ctx, args...)
	return err
}

// prepare gives the prepared statement of a text, or nil where it is not worth it.
func (s *session) prepare(ctx context.Context, text statement) (*sqlx.Stmt, error) {
	if s.prepared == nil {
		return nil, nil //nolint:nilnil // both are meant
	}
	if p := s.prepared[text]; p != nil {
		return p, nil
	}
	if len(s.prepared) >= maxPrepared {
		return nil, nil //nolint:nilnil // both are meant
	}
	p, err := s.conn.PreparexContext(ctx, string(text))
	if err == nil {
		s.prepared[text] = p
	}
	return p, err
}

// exec executes a text with lists in it (sqlx.In) and gives the number of rows
// that it matched.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int, error) {
	if t.atOnce {
		return 0, errAtOnce
	}
	query, args, err := sqlx.In(query, args...)
	if err != nil {
		return 0, err
	}
	p, err := t.prepare(ctx, statement(query)) //nolint:sqlclosecheck // the session keeps it
	if err != nil {
		return 0, err
	}
	var result sql.Result
	if p != nil {
		result, err = p.ExecContext(ctx, args...)
	} else {
		result, err = t.conn.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// query reads rows by a text with lists in it into dest.
func (t *tx) query(ctx context.Context, dest any, query string, args ...any) error {
	if t.atOnce {
		return errAtOnce
	}
	query, args, err := sqlx.In(query, args...)
	if err != nil {
		return err
	}
	p, err := t.prepare(ctx, statement(query)) //nolint:sqlclosecheck // the session keeps it
	if err != nil {
		return err
	}
	if p != nil {
		return p.SelectContext(ctx, dest, args...)
	}
	return t.conn.SelectContext(ctx, dest, query, args...)
}

// transact runs work in a transaction and commits it. Whatever the database
// aborts is run again, whole, until ctx's deadline, and so is what could not
// be brought to the database at all. After an attempt whose outcome is
// unknown the next one is told by tx.again. An error of work's own rolls back
// and is given as it is; every other one is told by category.
func (db *DB) transact(ctx context.Context, op string, work func(context.Context, *tx) error) error {
	return db.repeat(ctx, op, tx{}, work)
}

// transactAs is transact for work that may be one of many.
func (db *DB) transactAs(ctx context.Context, op string, bulk bool, work func(context.Context, *tx) error) error {
	return db.repeat(ctx, op, tx{bulk: bulk}, work)
}

// transactAtOnce is transact for work that needs no answers where all goes
// well, as it mostly does. What does not is run again in steps, which tell why:
// that a key is there already does not say whose.
func (db *DB) transactAtOnce(ctx context.Context, op string, work func(context.Context, *tx) error) error {
	return db.repeat(ctx, op, tx{atOnce: db.dialect.compounds}, work)
}

// repeat runs work in transactions of a kind until one is committed.
func (db *DB) repeat(ctx context.Context, op string, kind tx, work func(context.Context, *tx) error) error {
	return db.retry(ctx, op, func(ctx context.Context) error {
		t := kind
		committing, err := db.attempt(ctx, &t, work)
		if class := db.dialect.classify(err).class; t.atOnce && class == duplicate {
			err = errAborted
		} else {
			// At once, what has aborted a statement may as well have come after COMMIT.
			kind.again = kind.again || err != nil && committing && (class != aborted || t.atOnce)
		}
		kind.alone, kind.atOnce = true, false
		return err
	})
}

// inPool is one run of work in a transaction on a connection of its own.
// committing says that COMMIT was sent.
func (db *DB) inPool(ctx context.Context, t *tx, work func(context.Context, *tx) error) (committing bool, err error) {
	s, err := db.writers.acquire(ctx)
	if err != nil {
		return false, err
	}
	bad := true // until shown otherwise, also when work panics
	defer func() { db.writers.release(s, bad) }()
	t.session = s
	if err = t.run(ctx, "START TRANSACTION"); err != nil {
		return false, err
	}
	if err = work(ctx, t); err == nil {
		committing = true
		if err = t.commit(ctx); err == nil {
			bad = false
			return committing, nil
		}
	}
	class := db.dialect.classify(err).class
	if class.severed() {
		// Nothing that this connection says can be trusted any more: closing
		// it is what rolls back.
		return committing, err
	}
	rollback, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	rollbackErr := s.run(rollback, "ROLLBACK")
	// After a failed COMMIT the connection goes in any case. A key that is there
	// already was found before it.
	bad = rollbackErr != nil || committing && class != duplicate
	return committing, err
}

// commit ends the transaction, with all of it where it goes at once.
func (t *tx) commit(ctx context.Context) error {
	if !t.atOnce {
		return t.run(ctx, "COMMIT")
	}
	return t.statements.execute(ctx, t.session)
}

// view reads, and reads again while the database cannot be reached.
func (db *DB) view(ctx context.Context, op string, read func(context.Context, *sqlx.Conn) error) error {
	return db.retry(ctx, op, func(ctx context.Context) error { return db.readOnce(ctx, read) })
}

// viewAsIs is view without what other nodes of a cluster have committed and this
// one has not executed yet. It spares the cluster a message.
func (db *DB) viewAsIs(ctx context.Context, op string, read func(context.Context, *sqlx.Conn) error) error {
	return db.retry(ctx, op, func(ctx context.Context) error { return db.readFrom(ctx, db.asIs, read) })
}

// readOnce is one attempt to read.
func (db *DB) readOnce(ctx context.Context, read func(context.Context, *sqlx.Conn) error) error {
	return db.readFrom(ctx, db.read, read)
}

func (db *DB) readFrom(ctx context.Context, pool *sqlx.DB, read func(context.Context, *sqlx.Conn) error) error {
	conn, err := pool.Connx(ctx)
	if err != nil {
		return err
	}
	err = read(ctx, conn)
	if db.dialect.classify(err).class.severed() {
		discard(conn)
	}
	_ = conn.Close() // gives it back
	return err
}

// retry calls once until it succeeds, fails for good or time is up.
func (db *DB) retry(ctx context.Context, op string, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, retryLimit)
	defer cancel()
	pause := &backoff.ExponentialBackOff{InitialInterval: firstPause, RandomizationFactor: 1, Multiplier: 2, MaxInterval: longestPause}
	var last error
	for {
		err := once(ctx)
		if err == nil {
			return nil
		}
		f := db.dialect.classify(err)
		if f.class == interrupted && last != nil {
			err = ended{err, last} // the deadline alone says nothing of why
		}
		if !f.class.retryable() || ctx.Err() != nil {
			return db.told(ctx, op, err)
		}
		last = f
		timer := time.NewTimer(pause.NextBackOff())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return db.told(ctx, op, err)
		}
	}
}

// discard closes the network connection under conn instead of giving it back.
func discard(conn *sqlx.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}
