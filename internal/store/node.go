package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"sync"

	"github.com/go-sql-driver/mysql"
)

// node is one server of the database, and all that waits for it.
type node struct {
	address string

	// As the last probes found it; under the mu of nodes.
	name string // what it calls itself, "" while it has never answered
	down bool

	mu    sync.Mutex
	links map[*link]struct{}
}

// takesWrites says whether the last probe found it so.
func (n *node) takesWrites() bool { return n.name != "" && !n.down }

// link is a connection, or an attempt to get one.
type link struct{ end func() }

// keep makes the node's end that of whatever end ends, until it is forgotten.
func (n *node) keep(end func()) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links == nil {
		n.links = map[*link]struct{}{}
	}
	l := &link{end}
	n.links[l] = struct{}{}
	return l
}

func (n *node) forget(l *link) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.links, l)
}

// sever ends whatever waits for the node. COMMIT takes no context: without
// this it would wait for its read timeout.
func (n *node) sever() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		l.end()
	}
	clear(n.links)
}

// nodeConnector connects to one node in one way: a pool has one for each node.
type nodeConnector struct {
	node *node
	driver.Connector
}

// socketKey is where connect leaves room for the socket that the driver dials.
type socketKey struct{}

func newNodeConnector(o Options, n *node, variables map[string]string) (nodeConnector, error) {
	config := mariadbConfig(o, n.address, variables)
	dialer := net.Dialer{Timeout: o.ConnectTimeout}
	// The socket is the driver's own, not one of ours around it: the driver looks
	// at it before each use, and only knows sockets.
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		socket, err := dialer.DialContext(ctx, network, address)
		if room, ok := ctx.Value(socketKey{}).(*net.Conn); ok && err == nil {
			*room = socket
		}
		return socket, err
	}
	c, err := mysql.NewConnector(config)
	if err != nil {
		return nodeConnector{}, fmt.Errorf("store: %w", err)
	}
	return nodeConnector{n, c}, nil
}

// connect gives a connection to a node that takes writes. A node that is severed
// ends the attempt too.
func (c nodeConnector) connect(ctx context.Context, chosen func(*node) bool) (driver.Conn, error) {
	var socket net.Conn
	attempt, cancel := context.WithCancelCause(context.WithValue(ctx, socketKey{}, &socket))
	defer cancel(nil)
	trying := c.node.keep(func() { cancel(errNotReady) })
	defer c.node.forget(trying)
	conn, err := c.Connect(attempt)
	if err == nil {
		if err = nodeReady(attempt, conn); err != nil {
			_ = conn.Close()
		}
	}
	if err != nil {
		if ctx.Err() == nil && attempt.Err() != nil {
			err = context.Cause(attempt)
		}
		return nil, err //nolint:wrapcheck // classified by its type
	}
	return &nodeConn{mariadbConn: conn.(mariadbConn), node: c.node, link: c.node.keep(func() { _ = socket.Close() }), chosen: chosen}, nil
}

// mariadbConn is all that the driver's connections can do.
type mariadbConn interface {
	driver.Conn
	driver.Pinger
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

// nodeConn is a connection that leaves its pool once another node is chosen.
type nodeConn struct {
	mariadbConn
	node   *node
	link   *link
	chosen func(*node) bool
}

// IsValid implements driver.Validator: it is asked when the connection goes
// back to its pool.
func (c *nodeConn) IsValid() bool { return c.chosen(c.node) && c.mariadbConn.IsValid() }

// ResetSession implements driver.SessionResetter: it is asked when the
// connection leaves its pool.
func (c *nodeConn) ResetSession(ctx context.Context) error {
	if !c.chosen(c.node) {
		return driver.ErrBadConn
	}
	return c.mariadbConn.ResetSession(ctx) //nolint:wrapcheck // database/sql compares it
}

// Close implements driver.Conn. A node that is gone cannot be told goodbye,
// which is nobody's fault.
func (c *nodeConn) Close() error {
	c.node.forget(c.link)
	_ = c.mariadbConn.Close()
	return nil
}
