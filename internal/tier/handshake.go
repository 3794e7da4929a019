package tier

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// handshake is how connections to servers are secured: by TLS as it is
// configured at that moment, so that renewed certificates need no restart.
type handshake struct {
	configure func() *tls.Config // nil for plain text
	// made, if not nil, is given each new connection and may put its own around
	// it. It is here and not in a dialer since gRPC sets options of sockets,
	// which it finds in no connection but the dialer's own.
	made func(authority string, socket, connection net.Conn) net.Conn
}

// ClientHandshake implements credentials.TransportCredentials.
func (h handshake) ClientHandshake(ctx context.Context, authority string, socket net.Conn) (net.Conn, credentials.AuthInfo, error) {
	inner := insecure.NewCredentials()
	if h.configure != nil {
		inner = credentials.NewTLS(h.configure())
	}
	connection, info, err := inner.ClientHandshake(ctx, authority, socket)
	if err == nil && h.made != nil {
		connection = h.made(authority, socket, connection)
	}
	return connection, info, err //nolint:wrapcheck // gRPC tells it
}

var errServerSide = errors.New("tier: a client's credentials")

// ServerHandshake implements credentials.TransportCredentials.
func (handshake) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errServerSide
}

// Info implements credentials.TransportCredentials.
func (h handshake) Info() credentials.ProtocolInfo {
	if h.configure == nil {
		return insecure.NewCredentials().Info()
	}
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13}).Info()
}

// Clone implements credentials.TransportCredentials.
func (h handshake) Clone() credentials.TransportCredentials { return h }

// OverrideServerName implements credentials.TransportCredentials; gRPC has it
// no more but in the interface.
func (handshake) OverrideServerName(string) error { return errServerSide }
