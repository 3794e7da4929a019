package transport

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// connections bounds those that are open at once. A connection waits while
// it has sent no whole request header: it is new, idle, or slow. It is known
// by what http.Server says of it.
type connections struct {
	limit int

	mu      sync.Mutex
	waiting *list.List                 // of net.Conn, the one that waits longest in front
	open    map[net.Conn]*list.Element // nil for one that is busy
	evicted int64
}

func newConnections(limit int) *connections {
	return &connections{limit: limit, waiting: list.New(), open: map[net.Conn]*list.Element{}}
}

// observe is for http.Server.ConnState.
func (c *connections) observe(conn net.Conn, state http.ConnState) {
	if last := c.note(conn, state); last != nil {
		_ = last.Close() // its server notes the end
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
		c.open[conn] = c.waiting.PushBack(conn)
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
	last, _ = front.Value.(net.Conn)
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
