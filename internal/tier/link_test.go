package tier_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// link is the way to a server, which a test can cut: a TCP proxy.
type link struct {
	address string
	to      string
	accept  net.Listener
	running sync.WaitGroup

	mu     sync.Mutex
	moving *sync.Cond
	frozen bool
	cut    bool
	ends   map[net.Conn]struct{}
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l := &link{to: to, accept: listen(t, "127.0.0.1:0"), ends: map[net.Conn]struct{}{}}
	l.moving = sync.NewCond(&l.mu)
	l.address = l.accept.Addr().String()
	l.running.Go(l.run)
	t.Cleanup(func() {
		l.accept.Close()
		l.thaw()
		l.drop()
		l.running.Wait()
	})
	return l
}

func (l *link) run() {
	for {
		from, err := l.accept.Accept()
		if err != nil {
			return
		}
		l.running.Go(func() { l.join(from) })
	}
}

// join moves what is sent between both ends until one of them ends.
func (l *link) join(from net.Conn) {
	defer from.Close()
	to, err := net.DialTimeout("tcp", l.to, time.Second)
	if err != nil {
		return
	}
	defer to.Close()
	l.mu.Lock()
	refused := l.cut
	l.ends[from], l.ends[to] = struct{}{}, struct{}{}
	l.mu.Unlock()
	if refused {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			l.move(way[0], way[1])
			from.Close()
			to.Close()
		})
	}
	both.Wait()
	l.mu.Lock()
	delete(l.ends, from)
	delete(l.ends, to)
	l.mu.Unlock()
}

func (l *link) move(from io.Reader, to io.Writer) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		l.mu.Lock()
		for l.frozen {
			l.moving.Wait()
		}
		l.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// freeze has nothing move any more, and nobody told: a process that hangs, a
// cable that is pulled.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = true
}

func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = false
	l.moving.Broadcast()
}

// drop ends all connections, as the end of a process does, and lets nobody in
// again until mend.
func (l *link) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for c := range l.ends {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
	}
}

func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}
