package store

import (
	"context"
	"time"
)

const (
	// maxMembers and maxGroupTime bound a group: its first member waits for
	// the work of all the others.
	maxMembers   = 64
	maxGroupTime = 5 * time.Millisecond
)

// group is a transaction of SQLite that several callers share, and with it
// what COMMIT costs: the disk's sync, and the pages that all of them change.
//
// The members work one after the other, each in its own goroutine and, but
// for the first, inside a savepoint: its error takes back its own work alone.
// The one that finds nobody waiting commits. Nobody is answered before that,
// not even with an error: that a key is taken may have been seen in the work
// of a member that is then not committed.
//
// Its fields belong to whoever has the writer's turn, until it is over.
type group struct {
	w          *soleWriter
	alone      bool // nobody may join
	bulk       bool // only bulk may join
	members    int
	began      time.Time
	committing bool          // COMMIT was sent
	err        error         // why it is not committed, or may not be; told to every member
	over       chan struct{} // closed when it is committed or given up
}

// attempt is one run of work, as a member of a group. committing says that
// COMMIT was sent with work in it.
func (w *soleWriter) attempt(ctx context.Context, t *tx, work func(context.Context, *tx) error) (committing bool, err error) {
	g, err := w.take(ctx, t.alone, t.bulk)
	if err != nil {
		return false, err
	}
	if g == nil {
		if g, err = w.begin(ctx, t.alone, t.bulk); err != nil {
			w.pass(nil)
			return false, err
		}
	}
	// Whatever becomes of the caller's context, its work runs to the end: it
	// takes no network, and others may be in the same transaction.
	own := g.turn(context.WithoutCancel(ctx), t, work)
	<-g.over
	if g.err != nil {
		return g.committing && own == nil, g.err
	}
	return own == nil, own
}

// begin opens a transaction for a new group.
func (w *soleWriter) begin(ctx context.Context, alone, bulk bool) (*group, error) {
	s, err := w.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err = s.run(context.WithoutCancel(ctx), "BEGIN IMMEDIATE"); err != nil {
		w.drop()
		return nil, err
	}
	return &group{w: w, alone: alone, bulk: bulk, began: time.Now(), over: make(chan struct{})}, nil
}

// full says that nobody may join any more.
func (g *group) full() bool {
	return g.alone || g.members >= maxMembers || time.Since(g.began) >= g.w.groupTime
}

// turn runs a member's work and passes the writer's turn on: with the open
// transaction in it, if somebody waits who may join. The error is the work's.
func (g *group) turn(ctx context.Context, t *tx, work func(context.Context, *tx) error) (own error) {
	passed := false
	defer func() {
		if !passed { // work panicked: what it left behind is thrown away with the connection
			g.end(g.forAll(failure{class: unknown, code: "a panic"}), true)
			g.w.pass(nil)
		}
	}()
	t.session = g.w.session
	own, err := g.join(ctx, t, work)
	if err == nil {
		if passed = g.w.pass(g); passed {
			return own
		}
		g.commit(ctx)
	} else {
		g.undo(ctx, err)
	}
	passed = true
	g.w.pass(nil)
	return own
}

// join runs work. After err the whole transaction is to be rolled back.
//
// Work has to give back every error but a duplicate's: an error that has
// rolled all back by itself would else go unseen, and what follows it be
// committed statement by statement.
func (g *group) join(ctx context.Context, t *tx, work func(context.Context, *tx) error) (own, err error) {
	g.members++
	if g.members == 1 {
		err = work(ctx, t)
		return err, err
	}
	if err = t.run(ctx, "SAVEPOINT member"); err != nil {
		return nil, err
	}
	if own = work(ctx, t); own != nil {
		if g.w.classify(own).class.severed() {
			return own, own
		}
		// This fails when the error has already rolled all back by itself, as
		// that of a full disk does.
		if t.run(ctx, "ROLLBACK TO member") != nil {
			return own, own
		}
	}
	return own, t.run(ctx, "RELEASE member")
}

// commit ends the group with COMMIT.
func (g *group) commit(ctx context.Context) {
	g.committing = true
	if err := g.w.session.run(ctx, "COMMIT"); err != nil {
		g.undo(ctx, err)
		return
	}
	g.end(nil, false)
}

// undo ends the group without its work, after an error.
func (g *group) undo(ctx context.Context, err error) {
	bad := true
	// Nothing that a severed connection says can be trusted any more: closing
	// it is what rolls back.
	if !g.w.classify(err).class.severed() {
		rollback, cancel := context.WithTimeout(ctx, rollbackTimeout)
		defer cancel()
		bad = g.w.session.run(rollback, "ROLLBACK") != nil
	}
	g.end(g.forAll(err), bad)
}

// forAll makes of an error of one member's, or of the group's, what each of
// several members is told: that it was rolled back for no fault of its own,
// if that is sure. Repeated alone, it meets its own errors only.
func (g *group) forAll(err error) error {
	f := g.w.classify(err)
	if g.members == 1 || g.committing && f.class.severed() {
		return err
	}
	return failure{class: aborted, code: "rolled back with others after " + f.code}
}

// end answers the members.
func (g *group) end(err error, bad bool) {
	if bad {
		g.w.drop()
	}
	g.err = err
	close(g.over)
}
