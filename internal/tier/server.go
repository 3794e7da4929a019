package tier

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path"
	"runtime/debug"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// ServerSettings of a Server.
type ServerSettings struct {
	TLS *tls.Config // nil for plain text
	// Ready says whether this server can do what it is asked. While it says no,
	// web servers ask others.
	Ready func(ctx context.Context) error
	// Within gives a call's context what it is part of; see ClientSettings.Origin.
	Within func(ctx context.Context, correlation, traceParent string) context.Context
	// TraceParent is the W3C Trace Context that Within found right in a context of
	// its own, as it is to be stored; "" for none.
	TraceParent func(ctx context.Context) string
	// Served, if not nil, is told of each call: its method, the code of its
	// error, "" for none, and how long it took.
	Served func(method, code string, took time.Duration)
	// Grace is how long calls in progress may take once the server stops.
	Grace time.Duration
	// ConnectionAge is after how long a web server has to connect anew, by which
	// those that go by DNS find servers that were added; 0 is a minute.
	ConnectionAge time.Duration
}

// Server answers web servers.
type Server struct {
	settings ServerSettings
	log      *slog.Logger
	grpc     *grpc.Server
	health   *health.Server
	progress atomic.Int64  // calls
	stopping chan struct{} // closed when Serve comes to its end
}

const (
	// readyEvery is the pause between two looks at whether the server is ready.
	readyEvery = 200 * time.Millisecond
	// unreadyAfter is how long it may not be before it says so: a cluster that
	// chooses its members anew holds every server up for as long, and calls that
	// wait are better than none.
	unreadyAfter = 3 * time.Second
	// callLimit is how long calls may go on over a connection that is too old:
	// longer than any request may take.
	callLimit = 10 * time.Minute
)

// NewServer makes a Server.
func NewServer(s ServerSettings, r Registrar, c Callers, n Consents, log *slog.Logger) *Server {
	server := &Server{settings: s, log: log, health: health.NewServer(), stopping: make(chan struct{})}
	age := cmp.Or(s.ConnectionAge, time.Minute)
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(messageLimit),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout, MaxConnectionAge: age, MaxConnectionAgeGrace: callLimit}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingAfter / 2, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(server.within),
	}
	if s.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(s.TLS)))
	}
	server.grpc = grpc.NewServer(options...)
	tierv1.RegisterRegistrationServiceServer(server.grpc, registrations{registrar: r, traceParent: s.TraceParent})
	tierv1.RegisterCallerServiceServer(server.grpc, callers{callers: c})
	tierv1.RegisterConsentServiceServer(server.grpc, consents{consents: n})
	grpc_health_v1.RegisterHealthServer(server.grpc, watches{server.health, server.stopping})
	server.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	return server
}

// Serve answers on a listener until ctx ends. Then it takes no new calls, and
// those in progress have ServerSettings.Grace to be answered. It is to be called
// once.
func (s *Server) Serve(ctx context.Context, on net.Listener) error {
	defer s.grpc.Stop()
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(on) }()
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.tellHealth(watching)
	}()
	defer func() {
		stop()
		<-watched
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("tier: serve %s: %w", on.Addr(), err)
	case <-ctx.Done():
	}
	s.Drain()
	close(s.stopping)
	err := s.finish()
	if serveErr := <-failed; serveErr != nil && !errors.Is(serveErr, grpc.ErrServerStopped) {
		err = errors.Join(err, fmt.Errorf("tier: serve %s: %w", on.Addr(), serveErr))
	}
	return err
}

// finish brings calls in progress to their end. A web server that does not
// answer is not waited for longer than it has for a ping.
func (s *Server) finish() error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.grpc.GracefulStop()
	}()
	grace := time.After(s.settings.Grace)
	quiet := time.NewTicker(pingTimeout)
	defer quiet.Stop()
	for {
		select {
		case <-stopped:
			return nil
		case <-quiet.C:
			if s.progress.Load() == 0 {
				s.grpc.Stop()
				<-stopped
				return nil
			}
		case <-grace:
			s.grpc.Stop()
			<-stopped
			return fmt.Errorf("tier: calls were still in progress after %v", s.settings.Grace)
		}
	}
}

// watches is the health service; who watches has to go when the server stops.
type watches struct {
	*health.Server
	stopping <-chan struct{}
}

// Watch implements grpc_health_v1.HealthServer.
func (w watches) Watch(in *grpc_health_v1.HealthCheckRequest, stream grpc_health_v1.Health_WatchServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-w.stopping:
		case <-ctx.Done():
		}
	}()
	return w.Server.Watch(in, endingStream{stream, ctx}) //nolint:wrapcheck // gRPC's own
}

// endingStream is a stream with another end.
type endingStream struct {
	grpc_health_v1.Health_WatchServer
	ctx context.Context //nolint:containedctx // as a stream has it
}

// Context implements grpc.ServerStream.
func (s endingStream) Context() context.Context { return s.ctx }

// Drain tells web servers to ask others from now on. What they ask all the
// same is answered.
func (s *Server) Drain() { s.health.Shutdown() }

// tellHealth tells web servers whether to ask here, until ctx ends.
func (s *Server) tellHealth(ctx context.Context) {
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	var well time.Time
	for {
		err := s.ready(ctx)
		serving := grpc_health_v1.HealthCheckResponse_SERVING
		switch {
		case err == nil:
			well = time.Now()
		case time.Since(well) > unreadyAfter:
			serving = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		}
		if ctx.Err() == nil && (err == nil || serving == grpc_health_v1.HealthCheckResponse_NOT_SERVING) {
			s.health.SetServingStatus("", serving)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, unreadyAfter)
	defer cancel()
	return s.settings.Ready(ctx)
}

// within gives a call what it is part of, and tells its outcome in the hop's
// form. What went wrong inside is told to the log, here alone.
func (s *Server) within(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (out any, err error) {
	if _, own := info.Server.(grpc_health_v1.HealthServer); own {
		return handle(ctx, in)
	}
	if s.settings.Within != nil {
		ctx = s.settings.Within(ctx, carried(ctx, correlationKey), carried(ctx, traceKey))
	}
	s.progress.Add(1)
	defer s.progress.Add(-1)
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "a call panicked", "method", info.FullMethod, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errPanic
		} else if err != nil && isOwnFault(err) {
			s.log.WarnContext(ctx, "a call failed", "method", info.FullMethod, "error", err)
		}
		if s.settings.Served != nil {
			s.settings.Served(path.Base(info.FullMethod), codeOf(err), time.Since(began))
		}
		err = toStatus(err)
	}()
	return handle(ctx, in)
}

// isOwnFault says whether operators are told of an error.
func isOwnFault(err error) bool {
	code := domain(err).Code
	return code == registration.Internal || code == registration.Unavailable
}

var errPanic = errors.New("tier: a call panicked")

// carried is a value that a call carries, "" for none.
func carried(ctx context.Context, key string) string {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) == 1 && len(values[0]) <= 64 {
		return values[0]
	}
	return ""
}
