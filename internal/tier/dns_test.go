package tier_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"registrar/internal/registration"
)

// names is a DNS server that knows the addresses of each name.
type names struct {
	address string
	mu      sync.Mutex
	known   []net.IP
	asked   int
}

func newNames(t *testing.T) *names {
	t.Helper()
	on, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{address: on.LocalAddr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		question := make([]byte, 1500)
		for {
			size, from, err := on.ReadFrom(question)
			if err != nil {
				return
			}
			answer, err := n.answer(question[:size])
			if err == nil {
				_, err = on.WriteTo(answer, from)
			}
			if err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
	})
	t.Cleanup(func() {
		_ = on.Close()
		running.Wait()
	})
	return n
}

func (n *names) are(addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known = nil
	for _, a := range addresses {
		n.known = append(n.known, net.ParseIP(a).To4())
	}
}

func (n *names) answer(question []byte) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	if len(n.known) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	for _, q := range m.Questions {
		if q.Type != dnsmessage.TypeA {
			continue
		}
		n.asked++
		for _, ip := range n.known {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: [4]byte(ip)},
			})
		}
	}
	return m.Pack()
}

// TestANameOfManyServers: each of its addresses is asked, one that is added is
// found, and one that went away is not missed.
func TestANameOfManyServers(t *testing.T) {
	t.Parallel()
	n := newNames(t)
	var asked [3]atomic.Int64
	b := func(i int) backend {
		return backend{register: func(context.Context, registration.Request) (registration.Receipt, error) {
			asked[i].Add(1)
			return registration.Receipt{}, nil
		}}
	}
	first := serveOn(t, listen(t, "127.0.0.1:0"), b(0))
	_, port, _ := net.SplitHostPort(first.address)
	second := serveOn(t, listen(t, "127.0.0.2:"+port), b(1))
	n.are("127.0.0.1", "127.0.0.2")
	c := dial(t, []string{"dns://" + n.address + "/registrar-app.test.:" + port})
	c.await(t, 2)
	l := startLoad(t, c, 2)
	defer l.end()
	l.more(100)
	for i := range 2 {
		if asked[i].Load() < 40 {
			t.Errorf("server %d was asked %d times", i, asked[i].Load())
		}
	}

	// A server moves: its connection ends, and the name is asked for again.
	serveOn(t, listen(t, "127.0.0.3:"+port), b(2))
	n.are("127.0.0.1", "127.0.0.3")
	if err := second.stop(); err != nil {
		t.Error(err)
	}
	began := time.Now()
	c.await(t, 2)
	t.Logf("the server that was added is asked after %v", time.Since(began))
	before := asked[2].Load()
	l.more(100)
	if asked[2].Load() == before {
		t.Error("a server that was added is not asked")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked > 20 {
		t.Errorf("the name was asked for %d times", n.asked)
	}
}

// TestANameThatIsNotThereYet: it is asked for until it is.
func TestANameThatIsNotThereYet(t *testing.T) {
	t.Parallel()
	n := newNames(t)
	s := serve(t, backend{})
	_, port, _ := net.SplitHostPort(s.address)
	c := dial(t, []string{"dns://" + n.address + "/registrar-app.test.:" + port})
	if err := c.Ready(within(t, time.Second)); err == nil || !strings.Contains(err.Error(), "registrar-app.test") {
		t.Errorf("ready: %v", err)
	}
	n.are("127.0.0.1")
	c.await(t, 1)
	if _, err := c.Register(within(t, 5*time.Second), registration.Request{}); err != nil {
		t.Error(err)
	}
}
