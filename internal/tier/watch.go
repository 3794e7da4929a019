package tier

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
)

const (
	// probeEvery is the pause between two probes of a server.
	probeEvery = 50 * time.Millisecond
	// silence is how long a server may take to answer a probe.
	silence = 125 * time.Millisecond
	// silences in a row give a server up.
	silences = 2
)

// watch ends the connections to servers that do not answer any more, so that
// the calls on them are made elsewhere: a process that hangs or a network that
// is cut ends none by itself. While no other server answers either, there is
// nowhere else to go, or it is this process that does not get to listen: then
// nobody is given up.
type watch struct {
	transport credentials.TransportCredentials
	log       *slog.Logger
	dialer    net.Dialer
	over      context.Context //nolint:containedctx // ends the goroutines
	end       context.CancelFunc
	running   sync.WaitGroup

	mu      sync.Mutex
	servers map[string]*watched // by address; those with connections
}

// watched is a server to which there are connections.
type watched struct {
	address     string
	connections map[*connection]struct{}
	stop        context.CancelFunc
	answered    time.Time
}

func newWatch(transport credentials.TransportCredentials, log *slog.Logger) *watch {
	w := &watch{transport: transport, log: log, dialer: net.Dialer{Timeout: handshakeTimeout}, servers: map[string]*watched{}}
	w.over, w.end = context.WithCancel(context.Background())
	return w
}

// close ends the watch and waits for it.
func (w *watch) close() error {
	w.end()
	w.running.Wait()
	return nil
}

// connection tells its watch when it is closed.
type connection struct {
	net.Conn
	closed func()
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.closed()
	return c.Conn.Close() //nolint:wrapcheck // the connection's own
}

// dial connects to a server, and has it watched as long as there are
// connections to it.
func (w *watch) dial(ctx context.Context, address string) (net.Conn, error) {
	dialed, err := w.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err //nolint:wrapcheck // gRPC tells it
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over.Err() != nil {
		_ = dialed.Close()
		return nil, w.over.Err() //nolint:wrapcheck // nobody asks any more
	}
	s := w.servers[address]
	if s == nil {
		s = &watched{address: address, connections: map[*connection]struct{}{}}
		var ctx context.Context
		ctx, s.stop = context.WithCancel(w.over)
		w.servers[address] = s
		w.running.Go(func() { w.follow(ctx, s) })
	}
	c := &connection{Conn: dialed}
	c.closed = sync.OnceFunc(func() { w.forget(s, c) })
	s.connections[c] = struct{}{}
	return c, nil
}

func (w *watch) forget(s *watched, c *connection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(s.connections, c)
	if len(s.connections) == 0 && w.servers[s.address] == s {
		s.stop()
		delete(w.servers, s.address)
	}
}

// follow probes a server until ctx ends.
func (w *watch) follow(ctx context.Context, s *watched) {
	probes, err := grpc.NewClient("passthrough:///"+s.address, grpc.WithTransportCredentials(w.transport), grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0))
	if err != nil {
		w.log.ErrorContext(ctx, "an application server cannot be watched", "server", s.address, "error", err)
		return
	}
	defer probes.Close()
	health := grpc_health_v1.NewHealthClient(probes)
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	silent := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if w.answers(ctx, health) {
			silent = 0
			w.mu.Lock()
			s.answered = time.Now()
			w.mu.Unlock()
			continue
		}
		if silent++; silent >= silences && ctx.Err() == nil {
			w.giveUp(ctx, s)
			silent = 0
		}
	}
}

// answers says whether a server answers at all, whatever it says.
func (w *watch) answers(ctx context.Context, health grpc_health_v1.HealthClient) bool {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	return err == nil
}

// giveUp ends the connections to a server, where another one answers.
func (w *watch) giveUp(ctx context.Context, s *watched) {
	w.mu.Lock()
	elsewhere := false
	for _, other := range w.servers {
		elsewhere = elsewhere || other != s && time.Since(other.answered) < silence+2*probeEvery
	}
	var ended []net.Conn
	if elsewhere {
		for c := range s.connections {
			ended = append(ended, c.Conn)
		}
	}
	w.mu.Unlock()
	for _, c := range ended {
		_ = c.Close() // gRPC reads an error, and closes the connection
	}
	if len(ended) > 0 {
		w.log.WarnContext(ctx, "an application server does not answer; its calls are made at others", "server", s.address, "silent_for", fmt.Sprint(silences*silence))
	}
}
