package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"time"
)

// Settings of a Listener.
type Settings struct {
	Address string // host:port
	TLS     *TLS   // nil for plain text
	// Proxies begin each connection with a PROXY header of version 2; nil for none.
	Proxies []netip.Prefix
	// HeaderTimeout is for the PROXY header. That of the HTTP headers, which is
	// also the TLS handshake's, is the server's.
	HeaderTimeout time.Duration
	Connections   int // open at once
}

// Listener accepts connections for an http.Server.
type Listener struct {
	net.Listener
	certificates *certificates // nil for plain text
	connections  *connections
}

// Listen opens the socket. Files of TLS that cannot be used are an error.
func Listen(ctx context.Context, s Settings, log *slog.Logger) (*Listener, error) {
	l := &Listener{connections: newConnections(s.Connections)}
	if s.TLS != nil {
		var err error
		if l.certificates, err = openCertificates(*s.TLS, log); err != nil {
			return nil, err
		}
	}
	var err error
	if l.Listener, err = new(net.ListenConfig).Listen(ctx, "tcp", s.Address); err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	if s.Proxies != nil {
		l.Listener = withProxyHeaders(l.Listener, s.Proxies, s.HeaderTimeout)
	}
	if l.certificates != nil {
		l.Listener = tls.NewListener(l.Listener, l.certificates.config())
	}
	return l, nil
}

// HTTPS says whether the listener speaks TLS.
func (l *Listener) HTTPS() bool { return l.certificates != nil }

// Attach makes s keep to the listener's bound and tell of its connections.
func (l *Listener) Attach(s *http.Server, log *slog.Logger) {
	s.ConnState = l.connections.observe
	s.RegisterOnShutdown(l.connections.drain)
	s.ConnContext = keepConnection
	s.ErrorLog = errorLog(log)
}

// Run reads changed TLS files until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	if l.certificates == nil {
		<-ctx.Done()
		return nil
	}
	l.certificates.run(ctx)
	return nil
}

// Connections counts those that are open, and those that had to make room for
// others since the start.
func (l *Listener) Connections() (open int, evicted int64) { return l.connections.stats() }

// errorLog is for http.Server: what clients do wrong on their connections, at
// level debug, without their network addresses.
func errorLog(to *slog.Logger) *log.Logger {
	return log.New(debugWriter{to}, "", 0)
}

type debugWriter struct{ log *slog.Logger }

var networkAddress = regexp.MustCompile(`(\d+\.){3}\d+(:\d+)?|\[[0-9a-fA-F:.%]+\](:\d+)?`)

func (w debugWriter) Write(p []byte) (int, error) {
	w.log.Debug("http server", "event", networkAddress.ReplaceAllString(string(p), "peer"))
	return len(p), nil
}
