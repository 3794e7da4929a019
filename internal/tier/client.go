package tier

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	_ "google.golang.org/grpc/health" // the client's side of health checks
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/dns"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// DNS begins a server's name that stands for all addresses that it resolves
// to: dns:///host:port, or dns://resolver:port/host:port.
const DNS = "dns://"

// ClientSettings of a Client.
type ClientSettings struct {
	// Servers are host:port of each application server, or one name with DNS,
	// which is asked for its addresses again whenever a connection ends.
	Servers []string
	// TLS is asked at each handshake; nil for plain text.
	TLS   func() *tls.Config
	NewID registration.IDSource
	// Origin gives a context's correlation id and W3C Trace Context, which
	// travel with the call; "" for none.
	Origin   func(ctx context.Context) (correlation, traceParent string)
	Observer ClientObserver
}

// ClientObserver is told what becomes of calls. Its zero value tells nobody.
type ClientObserver struct {
	// Called: a call of a method ended, by the code of its error, "" for none.
	Called func(method, code string, took time.Duration)
	// Repeated: a call is made again, since a server was lost under it.
	Repeated func(method string)
	// GivenUp: a server did not answer any more, and its connections were ended.
	GivenUp func()
}

// Client is a web server's way to the application servers. Each call goes to
// the next one that is well. It may be used by several goroutines.
type Client struct {
	settings      ClientSettings
	connection    *grpc.ClientConn
	registrations tierv1.RegistrationServiceClient
	callers       tierv1.CallerServiceClient
	consents      tierv1.ConsentServiceClient
	health        grpc_health_v1.HealthClient
	watch         *watch
}

// serviceConfig: calls wait for a server that is well. What a lost one leaves
// open is made again by repeat: gRPC's own retries end where a server has begun
// to answer, and at a thousand calls that fail together.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": ""},
	"methodConfig": [{"name": [{}], "waitForReady": true}]
}`

const (
	// messageLimit is far above what the contract's own limits let through.
	messageLimit = 8 << 20
	// pingAfter is for connections on which nothing happens at all; the watch is
	// what notices a silent server. pingTimeout is for the answer, and for
	// what the other end's machine has to acknowledge (TCP_USER_TIMEOUT), so
	// that a connection does not outlive a cable that was pulled.
	pingAfter   = 10 * time.Second
	pingTimeout = 2 * time.Second
	// handshakeTimeout bounds an attempt to connect.
	handshakeTimeout = time.Second
	// lookUpPause is the shortest time between two questions to DNS.
	lookUpPause = time.Second
)

// setLookUpPause takes the place of gRPC's half a minute, for which a lost
// server's successor would not be found.
var setLookUpPause = sync.OnceFunc(func() { dns.SetMinResolutionInterval(lookUpPause) })

// Dial makes a Client. It connects behind its caller's back: see Ready.
func Dial(s ClientSettings, log *slog.Logger) (*Client, error) {
	setLookUpPause()
	c := &Client{settings: s, watch: newWatch(s.TLS, s.Observer.GivenUp, log)}
	target, options := s.target()
	connection, err := grpc.NewClient(target, append(append(options, connectOptions()...),
		grpc.WithTransportCredentials(handshake{configure: s.TLS, made: c.watch.keep}),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableRetry(),
		grpc.WithUnaryInterceptor(c.invoke),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)),
	)...)
	if err != nil {
		c.watch.close()
		return nil, fmt.Errorf("tier: %w", err)
	}
	c.connection = connection
	c.registrations = tierv1.NewRegistrationServiceClient(connection)
	c.callers = tierv1.NewCallerServiceClient(connection)
	c.consents = tierv1.NewConsentServiceClient(connection)
	c.health = grpc_health_v1.NewHealthClient(connection)
	connection.Connect()
	return c, nil
}

// connectOptions are the same for calls and for probes.
func connectOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(), // nobody's TXT record changes it
		grpc.WithIdleTimeout(0),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: handshakeTimeout,
		}),
	}
}

// target is how gRPC finds the servers.
func (s ClientSettings) target() (string, []grpc.DialOption) {
	if len(s.Servers) == 1 && strings.HasPrefix(s.Servers[0], DNS) {
		return s.Servers[0], nil
	}
	list := manual.NewBuilderWithScheme("list")
	state := resolver.State{}
	for _, server := range s.Servers {
		host, _, _ := net.SplitHostPort(server)
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: server, ServerName: host}}})
	}
	list.InitialState(state)
	return list.Scheme() + ":///registrar-app", []grpc.DialOption{grpc.WithResolvers(list)}
}

// Ready says whether there is a server that takes calls, and if not, why.
func (c *Client) Ready(ctx context.Context) error {
	if c.connection.GetState() == connectivity.Ready && c.watch.serving() > 0 {
		return nil
	}
	if _, err := c.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(false)); err != nil {
		return fmt.Errorf("tier: none of %s takes calls: %s", strings.Join(c.settings.Servers, ", "), status.Convert(err).Message())
	}
	return nil
}

// Serving is how many servers are connected, answer and take calls.
func (c *Client) Serving() int { return c.watch.serving() }

// Close gives up the calls in progress and ends all connections.
func (c *Client) Close() error {
	err := c.connection.Close()
	c.watch.close()
	if err != nil && status.Code(err) != codes.Canceled { // closed before
		return fmt.Errorf("tier: %w", err)
	}
	return nil
}
