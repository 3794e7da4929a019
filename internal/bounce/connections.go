package bounce

import (
	"net"
	"sync"
	"time"
)

// connections are those that a listener has accepted and that are open, each
// for sessionTimeout at most.
type connections struct {
	net.Listener

	mutex sync.Mutex
	open  map[net.Conn]*time.Timer // nil once they are to end
}

// Accept implements net.Listener.
func (c *connections) Accept() (net.Conn, error) {
	raw, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.open == nil {
		_ = raw.Close()
		return nil, net.ErrClosed
	}
	c.open[raw] = time.AfterFunc(sessionTimeout, func() { _ = raw.Close() })
	return connection{raw, c}, nil
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
