package tier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the client's side of health checks
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"registrar/internal/registration"
	"registrar/internal/tier/tierv1"
)

// DNS begins a server's name that stands for all addresses that it resolves to.
const DNS = "dns:///"

// ClientSettings of a Client.
type ClientSettings struct {
	// Servers are host:port of each application server, or one dns:///host:port
	// that is asked for them again whenever one is lost.
	Servers []string
	TLS     *tls.Config // nil for plain text
	NewID   registration.IDSource
	// Origin gives a context's correlation id and W3C Trace Context, which
	// travel with the call; "" for none.
	Origin func(ctx context.Context) (correlation, traceParent string)
}

// Client is a web server's way to the application servers. Each call goes to
// the next one that is well. It may be used by several goroutines.
type Client struct {
	settings      ClientSettings
	connection    *grpc.ClientConn
	registrations tierv1.RegistrationServiceClient
	callers       tierv1.CallerServiceClient
	consents      tierv1.ConsentServiceClient
	watch         *watch
}

// serviceConfig: gRPC gives a call up on a server that is lost, and makes it
// again at another one. It may: each carries its Call. The tokens bound that to
// as many calls as fail in a row, over all, when every server is lost.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": ""},
	"methodConfig": [{
		"name": [{}],
		"waitForReady": true,
		"retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.01s", "maxBackoff": "0.25s", "backoffMultiplier": 3, "retryableStatusCodes": ["UNAVAILABLE"]}
	}],
	"retryThrottling": {"maxTokens": 1000, "tokenRatio": 1}
}`

const (
	// messageLimit is far above what the contract's own limits let through.
	messageLimit = 8 << 20
	// pingAfter and pingTimeout are for connections on which nothing happens at
	// all; the watch is what notices a silent server.
	pingAfter   = 10 * time.Second
	pingTimeout = 2 * time.Second
	// handshakeTimeout bounds an attempt to connect.
	handshakeTimeout = time.Second
)

// Dial makes a Client. It connects behind its caller's back: see Ready.
func Dial(s ClientSettings, log *slog.Logger) (*Client, error) {
	transport := insecure.NewCredentials()
	if s.TLS != nil {
		transport = credentials.NewTLS(s.TLS)
	}
	c := &Client{settings: s, watch: newWatch(transport, log)}
	target, options := s.target()
	connection, err := grpc.NewClient(target, append(options,
		grpc.WithTransportCredentials(transport),
		grpc.WithContextDialer(c.watch.dial),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // nobody's TXT record changes it
		grpc.WithIdleTimeout(0),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: handshakeTimeout,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)),
		grpc.WithUnaryInterceptor(c.withOrigin),
	)...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("tier: %w", err), c.watch.close())
	}
	c.connection = connection
	c.registrations = tierv1.NewRegistrationServiceClient(connection)
	c.callers = tierv1.NewCallerServiceClient(connection)
	c.consents = tierv1.NewConsentServiceClient(connection)
	connection.Connect()
	return c, nil
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
	return list.Scheme() + ":///", []grpc.DialOption{grpc.WithResolvers(list)}
}

// Ready says whether there is a server that takes calls.
func (c *Client) Ready(ctx context.Context) error {
	for {
		state := c.connection.GetState()
		if state == connectivity.Ready {
			return nil
		}
		c.connection.Connect()
		if !c.connection.WaitForStateChange(ctx, state) {
			return fmt.Errorf("tier: no application server takes calls: %w", ctx.Err())
		}
	}
}

// Close gives up the calls in progress and ends all connections.
func (c *Client) Close() error {
	err := c.connection.Close()
	return errors.Join(err, c.watch.close())
}
