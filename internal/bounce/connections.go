package bounce

import (
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// connections are those that a listener has accepted and that are open, each
// for sessionTimeout at most.
type connections struct {
	net.Listener
	hello  string // the server's own name
	log    *slog.Logger
	logged time.Time // when it was last told that there are too many

	mutex sync.Mutex
	open  map[net.Conn]*time.Timer // nil once they are to end
}

// Accept implements net.Listener, for one goroutine. One connection too many is
// answered and closed here, so that it keeps nobody else from being heard.
func (c *connections) Accept() (net.Conn, error) {
	for {
		raw, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		switch room, ended := c.add(raw); {
		case ended:
			_ = raw.Close()
			return nil, net.ErrClosed
		case room:
			return connection{raw, c}, nil
		}
		c.refuse(raw)
	}
}

// add takes a connection where there is room for it.
func (c *connections) add(raw net.Conn) (room, ended bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.open == nil || len(c.open) >= maxConnections {
		return false, c.open == nil
	}
	c.open[raw] = time.AfterFunc(sessionTimeout, func() { _ = raw.Close() })
	return true, false
}

const (
	// refusalTimeout bounds the answer to one connection too many: it is shorter
	// than any connection's buffer, so nothing waits.
	refusalTimeout = time.Second
	// refusalLogInterval is between two lines on connections that are too many.
	refusalLogInterval = time.Minute
)

// refuse answers one connection too many (RFC 5321 section 3.8) and closes it.
// Whoever brings the mail keeps it and comes again.
func (c *connections) refuse(raw net.Conn) {
	_ = raw.SetDeadline(time.Now().Add(refusalTimeout))
	_, _ = fmt.Fprintf(raw, "421 %s Too many connections, try again later\r\n", c.hello)
	_ = raw.Close()
	if now := time.Now(); c.logged.IsZero() || now.Sub(c.logged) >= refusalLogInterval {
		c.logged = now
		c.log.Warn("too many connections that bring back mail; more are answered with 421", "most", maxConnections)
	}
}

// end closes those that are open and all that come.
func (c *connections) end() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for raw, timer := range c.open {
		timer.Stop()
		_ = raw.Close()
	}
	c.open = nil
}

// connection is one of them.
type connection struct {
	net.Conn
	of *connections
}

// Close implements net.Conn.
func (c connection) Close() error {
	c.of.mutex.Lock()
	defer c.of.mutex.Unlock()
	if timer, found := c.of.open[c.Conn]; found {
		timer.Stop()
		delete(c.of.open, c.Conn)
	}
	return c.Conn.Close()
}
