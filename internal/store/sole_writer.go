package store

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

var errClosed = errors.New("the database is closed")

// soleWriter keeps one connection, with its prepared statements, for all
// transactions: SQLite writes one at a time, and waiting in order for a turn
// here is fair and cheap, which waiting for its lock is not.
type soleWriter struct {
	pool      *sqlx.DB
	classify  func(error) failure
	groupTime time.Duration // a group that has run so long takes nobody more in
	session   *session      // of whoever has the turn; nil before it is connected

	mu      sync.Mutex
	taken   bool         // somebody has the turn
	waiting [2]list.List // of *waiter, by class, the first one next; empty while the turn is free
	before  int          // how many went before the first waiter of bulk
	closed  bool
}

// bulkShare is how many may go before work that is done in bulk, which would
// never come to its turn otherwise.
const bulkShare = 8

// classOf is the index of a waiting list.
func classOf(bulk bool) int { return int(flag(bulk)) }

// waiter is a caller that waits for its turn.
type waiter struct {
	alone bool        // it cannot join a group
	bulk  bool        // whoever is not goes before it, and is in no group with it
	turn  chan *group // gives the turn, with the open group or nil; closed when the writer is
	gone  bool        // from the queue
}

// take waits for the turn. With it comes the group to join; nil is for a
// connection with no open transaction, which is sure with alone.
func (w *soleWriter) take(ctx context.Context, alone, bulk bool) (*group, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, errClosed
	}
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil, nil //nolint:nilnil // both are meant
	}
	me := &waiter{alone: alone, bulk: bulk, turn: make(chan *group, 1)}
	place := w.waiting[classOf(bulk)].PushBack(me)
	w.mu.Unlock()
	select {
	case g, open := <-me.turn:
		return g, closedUnless(open)
	case <-ctx.Done():
	}
	w.mu.Lock()
	tooLate := me.gone
	if !tooLate {
		w.waiting[classOf(bulk)].Remove(place)
	}
	w.mu.Unlock()
	if !tooLate {
		return nil, ctx.Err()
	}
	g, open := <-me.turn // the turn came first; it cannot be given back
	return g, closedUnless(open)
}

func closedUnless(open bool) error {
	if open {
		return nil
	}
	return errClosed
}

// first gives the list whose first waiter is next, or nil where nobody waits.
// mu is held.
func (w *soleWriter) first() *list.List {
	ordinary, bulk := &w.waiting[classOf(false)], &w.waiting[classOf(true)]
	switch {
	case ordinary.Len() == 0 && bulk.Len() == 0:
		return nil
	case ordinary.Len() == 0, bulk.Len() > 0 && w.before >= bulkShare:
		return bulk
	default:
		return ordinary
	}
}

// next takes the next waiter out of the queue, or gives nil. mu is held.
func (w *soleWriter) next() *waiter {
	l := w.first()
	if l == nil {
		return nil
	}
	next := l.Remove(l.Front()).(*waiter)
	next.gone = true
	if w.before++; next.bulk || w.waiting[classOf(true)].Len() == 0 {
		w.before = 0
	}
	return next
}

// pass gives the turn to whoever has waited longest, bulk after the others. An
// open group, one that is not nil, must be ended before where nobody can join
// it: then pass says false, and the turn stays.
func (w *soleWriter) pass(g *group) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g != nil {
		l := w.first()
		if l == nil || g.full() {
			return false
		}
		if next := l.Front().Value.(*waiter); next.alone || next.bulk != g.bulk {
			return false
		}
	}
	first := w.next()
	if first == nil {
		w.taken = false
		return true
	}
	first.turn <- g
	return true
}

// acquire implements writers.
func (w *soleWriter) acquire(ctx context.Context) (*session, error) {
	if _, err := w.take(ctx, true, false); err != nil {
		return nil, err
	}
	s, err := w.connect(ctx)
	if err != nil {
		w.pass(nil)
	}
	return s, err
}

// release implements writers.
func (w *soleWriter) release(_ *session, bad bool) {
	if bad {
		w.drop()
	}
	w.pass(nil)
}

// connect gives the session to whoever has the turn.
func (w *soleWriter) connect(ctx context.Context) (*session, error) {
	if w.session != nil {
		return w.session, nil
	}
	conn, err := w.pool.Connx(ctx)
	if err != nil {
		return nil, err
	}
	w.session = &session{conn: conn, prepared: make(map[statement]*sqlx.Stmt)}
	return w.session, nil
}

// drop closes the session, which rolls back what is open in it. The turn is
// the caller's.
func (w *soleWriter) drop() {
	if s := w.session; s != nil {
		w.session = nil
		s.drop()
	}
}

// close turns away whoever waits, and waits for the group that is running.
func (w *soleWriter) close() error {
	last := &waiter{alone: true, turn: make(chan *group, 1)}
	w.mu.Lock()
	w.closed = true
	for first := w.next(); first != nil; first = w.next() {
		close(first.turn)
	}
	if w.taken {
		w.waiting[0].PushBack(last)
	} else {
		last.turn <- nil
	}
	w.taken = true // for good
	w.mu.Unlock()
	<-last.turn
	w.drop()
	return w.pool.Close()
}
