package queue

import (
	"context"
	"net"
	"sync"
)

// links are the connections of one consumer group: the library gives no other
// way to end a call to a coordinator that does not answer.
type links struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	isCut bool
}

func (l *links) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	link := &link{Conn: conn, of: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isCut {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if l.conns == nil {
		l.conns = map[net.Conn]struct{}{}
	}
	l.conns[link] = struct{}{}
	return link, nil
}

// cut ends all connections and refuses new ones.
func (l *links) cut() {
	l.mu.Lock()
	l.isCut = true
	open := make([]net.Conn, 0, len(l.conns))
	for conn := range l.conns {
		open = append(open, conn)
	}
	l.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}

type link struct {
	net.Conn
	of *links
}

func (l *link) Close() error {
	l.of.mu.Lock()
	delete(l.of.conns, l)
	l.of.mu.Unlock()
	return l.Conn.Close()
}
