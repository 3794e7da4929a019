package transport

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections bounds those that are open at once. A connection waits while
// it has sent no whole request header: it is new, idle, or slow. It is known
// by what http.Server says of it.
type connections struct {
	limit int

	mu      sync.Mutex
	waiting *list.List                 // of wait, the longest in front
	open    map[net.Conn]*list.Element // nil for one that is busy
	evicted int64
}

// wait is a connection and since when it waits.
type wait struct {
	conn  net.Conn
	since time.Time
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, waiting: list.New(), open: map[net.Conn]*list.Element{}}
}

// observe is for http.Server.ConnState.
func (c *connections) observe(conn net.Conn, state http.ConnState) {
	if last := c.note(conn, state); last != nil {
		cut(last)
	}
}

// cut closes a connection, whose server notes the end. TLS would first tell
// the peer, and wait until that is sent.
func cut(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close()
}

// freshness is how long a connection without a request is believed to be about
// to send one.
const freshness = 500 * time.Millisecond

// drain is for http.Server.RegisterOnShutdown: it closes what has waited for
// long. The server itself closes connections that were used before, but takes
// one that never had a request for busy, for five seconds.
func (c *connections) drain() {
	var stale []net.Conn
	c.mu.Lock()
	for e := c.waiting.Front(); e != nil; e = e.Next() {
		if w, ok := e.Value.(wait); ok && time.Since(w.since) >= freshness {
			stale = append(stale, w.conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range stale {
		cut(conn)
	}
}

// note keeps the books and gives the connection that has to go, nil for none.
func (c *connections) note(conn net.Conn, state http.ConnState) (last net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place := c.open[conn]; place != nil {
		c.waiting.Remove(place)
	}
	switch state {
	case http.StateNew, http.StateIdle:
		c.open[conn] = c.waiting.PushBack(wait{conn, time.Now()})
	case http.StateActive:
		c.open[conn] = nil
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
	if len(c.open) <= c.limit || state != http.StateNew {
		return nil
	}
	// The new one waits too, so there is always one: itself, if all others are busy.
	front := c.waiting.Front()
	longest, _ := front.Value.(wait)
	last = longest.conn
	c.waiting.Remove(front)
	delete(c.open, last)
	c.evicted++
	return last
}

// stats counts those that are open, and those that had to go since the start.
func (c *connections) stats() (open int, evicted int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.evicted
}
