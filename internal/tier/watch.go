package tier

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"registrar/internal/patience"
)

const (
	// probeEvery is the pause between two probes of a server.
	probeEvery = 40 * time.Millisecond
	// leastPatience is how long a server may be silent where machines are not
	// busy: new calls have left it for others within 300 ms of its end.
	// mostPatience is how long it may be anywhere.
	leastPatience = 240 * time.Millisecond
	mostPatience  = 3 * time.Second
	// deafness is how much later than asked for this process may look at its
	// clock: later than that it is itself that gets no processor.
	deafness = 40 * time.Millisecond
	// doubt is for how long an answer holds for Serving and Ready: one server
	// that takes calls late is better than none.
	doubt = 2 * time.Second
)

// watch ends the connections to servers that do not answer any more, so that
// the calls on them are made elsewhere: a process that hangs or a network that
// is cut ends none by itself. While no other server answers that it takes
// calls, there is nowhere else to go, or it is this process that does not get to
// listen: then nobody is given up. Where answers take long, all of them are busy,
// and a silent one is waited for longer.
type watch struct {
	configure func() *tls.Config
	givenUp   func()
	log       *slog.Logger
	over      context.Context //nolint:containedctx // ends the goroutines
	end       context.CancelFunc
	running   sync.WaitGroup
	patience  *patience.Patience

	mu      sync.Mutex
	servers map[string]*watched  // by address; those with connections
	lost    map[string]time.Time // when a server was given up, until it answers again
}

// watched is a server to which there are connections.
type watched struct {
	authority   string // who it has to prove to be
	address     string
	connections map[*connection]struct{}
	stop        context.CancelFunc
	since       time.Time
	answered    time.Time // zero: not yet
	serving     bool      // as it answered
}

func newWatch(configure func() *tls.Config, givenUp func(), log *slog.Logger) *watch {
	w := &watch{configure: configure, givenUp: givenUp, log: log, patience: &patience.Patience{Least: leastPatience, Most: mostPatience}, servers: map[string]*watched{}, lost: map[string]time.Time{}}
	w.over, w.end = context.WithCancel(context.Background())
	return w
}

// close ends the watch and waits for it.
func (w *watch) close() {
	w.mu.Lock()
	w.end()
	w.mu.Unlock()
	w.running.Wait()
}

// connection tells its watch when it is closed.
type connection struct {
	net.Conn
	socket net.Conn // below TLS
	closed func()
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.closed()
	return c.Conn.Close() //nolint:wrapcheck // the connection's own
}

// keep has a server watched as long as there are connections to it.
func (w *watch) keep(authority string, socket, secured net.Conn) net.Conn {
	address := socket.RemoteAddr().String()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over.Err() != nil {
		return secured
	}
	s := w.servers[address]
	if s == nil {
		s = &watched{authority: authority, address: address, connections: map[*connection]struct{}{}, since: time.Now()}
		var ctx context.Context
		ctx, s.stop = context.WithCancel(w.over)
		w.servers[address] = s
		w.running.Go(func() { w.follow(ctx, s) })
	}
	c := &connection{Conn: secured, socket: socket}
	c.closed = sync.OnceFunc(func() { w.forget(s, c) })
	s.connections[c] = struct{}{}
	return c
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

// serving is how many servers take calls.
func (w *watch) serving() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.servers {
		if s.serving && time.Since(s.answered) < doubt {
			n++
		}
	}
	return n
}

// follow probes a server until ctx ends.
func (w *watch) follow(ctx context.Context, s *watched) {
	probes, err := grpc.NewClient("passthrough:///"+s.address, append(connectOptions(),
		grpc.WithTransportCredentials(handshake{configure: w.configure}), grpc.WithAuthority(s.authority))...)
	if err != nil {
		w.log.ErrorContext(ctx, "an application server cannot be watched", "server", s.address, "error", err)
		return
	}
	defer func() { _ = probes.Close() }()
	health := grpc_health_v1.NewHealthClient(probes)
	answers := make(chan answer, 1)
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	looked := time.Now()
	var asked time.Time // of the first probe that is not answered; zero where all are
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-answers:
			switch status.Code(a.err) {
			case codes.DeadlineExceeded: // asked anew, and silent since the first
				w.ask(ctx, health, answers)
				continue
			case codes.Unavailable: // it takes no new connections: it stops, and still answers on those that it has
			default:
				w.patience.Heard(a.took, time.Now())
				w.heard(ctx, s, a.serving)
			}
			asked = time.Time{}
		case <-ticker.C:
			now := time.Now()
			deaf := now.Sub(looked) > probeEvery+deafness
			looked = now
			switch {
			case asked.IsZero():
				asked = now
				w.ask(ctx, health, answers)
			case !deaf && now.Sub(asked) > w.patience.Limit(now):
				w.giveUp(ctx, s, now)
			}
		}
	}
}

// answer is what a probe came to.
type answer struct {
	serving bool
	took    time.Duration
	err     error
}

// ask probes a server once, behind its caller's back.
func (w *watch) ask(ctx context.Context, health grpc_health_v1.HealthClient, answers chan<- answer) {
	w.running.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, mostPatience)
		defer cancel()
		began := time.Now()
		got, err := health.Check(ctx, &grpc_health_v1.HealthCheckRequest{})
		answers <- answer{serving: got.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING, took: time.Since(began), err: err}
	})
}

// heard notes that a server has answered.
func (w *watch) heard(ctx context.Context, s *watched, serving bool) {
	w.mu.Lock()
	s.answered, s.serving = time.Now(), serving
	lost, again := w.lost[s.address]
	delete(w.lost, s.address)
	w.mu.Unlock()
	if again {
		w.log.InfoContext(ctx, "an application server answers again", "server", s.address, "after", time.Since(lost).Round(time.Millisecond).String())
	}
}

// giveUp ends the connections to a server, where another one takes calls.
func (w *watch) giveUp(ctx context.Context, s *watched, now time.Time) {
	w.mu.Lock()
	silentFor := now.Sub(s.lastHeard())
	var ended []net.Conn
	if silentFor > 0 && w.elsewhere(s, now) {
		for c := range s.connections {
			ended = append(ended, c.socket)
		}
		clear(s.connections)
	}
	if len(ended) > 0 {
		for address, at := range w.lost { // those that never come back
			if time.Since(at) > time.Hour {
				delete(w.lost, address)
			}
		}
		w.lost[s.address] = time.Now()
	}
	w.mu.Unlock()
	if len(ended) == 0 {
		return
	}
	for _, c := range ended {
		_ = c.Close() // gRPC reads an error, and gives up the calls on it
	}
	w.log.WarnContext(ctx, "an application server does not answer; its calls are made at others", "server", s.address, "silent_for", silentFor.Round(time.Millisecond).String())
	if w.givenUp != nil {
		w.givenUp()
	}
}

// lastHeard is when the server answered last. One that never did has the time
// in which gRPC gives up an attempt to connect.
func (s *watched) lastHeard() time.Time {
	if s.answered.IsZero() {
		return s.since.Add(2 * handshakeTimeout)
	}
	return s.answered
}

// elsewhere says whether another server takes calls, and has said so of late.
func (w *watch) elsewhere(than *watched, now time.Time) bool {
	fresh := w.patience.Limit(now)
	for _, s := range w.servers {
		if s != than && s.serving && now.Sub(s.answered) < fresh {
			return true
		}
	}
	return false
}
