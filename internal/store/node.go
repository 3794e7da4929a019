package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"
)

// node is one server of the database, and all that is connected to it.
type node struct {
	address string
	down    atomic.Bool // as the last probes found it

	mu      sync.Mutex
	sockets map[net.Conn]struct{}
}

func (n *node) keep(socket net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets == nil {
		n.sockets = map[net.Conn]struct{}{}
	}
	n.sockets[socket] = struct{}{}
}

func (n *node) forget(socket net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sockets, socket)
}

// sever ends whatever waits for the node. COMMIT takes no context: without
// this it would wait for its read timeout.
func (n *node) sever() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for socket := range n.sockets {
		_ = socket.Close()
	}
	clear(n.sockets)
}

// nodeConnector connects to one node in one way: a pool has one for each node.
type nodeConnector struct {
	node *node
	driver.Connector
}

// socketKey is where Connect leaves room for the socket that the driver dials.
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

// connect gives a connection to a node that takes writes.
func (c nodeConnector) connect(ctx context.Context, chosen func(*node) bool) (driver.Conn, error) {
	var socket net.Conn
	conn, err := c.Connect(context.WithValue(ctx, socketKey{}, &socket))
	if err != nil {
		return nil, err //nolint:wrapcheck // classified by its type
	}
	if err := nodeReady(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	c.node.keep(socket)
	return &nodeConn{mariadbConn: conn.(mariadbConn), node: c.node, socket: socket, chosen: chosen}, nil
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
	socket net.Conn
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

// Close implements driver.Conn.
func (c *nodeConn) Close() error {
	c.node.forget(c.socket)
	return c.mariadbConn.Close() //nolint:wrapcheck // the driver's own
}
