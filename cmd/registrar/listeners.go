package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"registrar/internal/config"
	"registrar/internal/transport"
)

// servicePath is where the contract's address has the service.
const servicePath = "/registration"

// listeners are the sockets of the SOAP service and of the operators' pages.
type listeners struct {
	soap  *transport.Listener
	admin net.Listener
}

func listen(ctx context.Context, c config.Config, log *slog.Logger) (*listeners, error) {
	settings := transport.Settings{Address: c.Listen, HeaderTimeout: c.Limits.HeaderTimeout, Connections: c.Limits.Connections}
	if c.TLS.CertificateFile != "" {
		settings.TLS = &transport.TLS{
			CertificateFile: c.TLS.CertificateFile, KeyFile: c.TLS.KeyFile, ClientCAFile: c.TLS.ClientCAFile,
			MinVersion: tls.VersionTLS12, LegacyCiphers: c.TLS.LegacyCiphers,
		}
		if c.TLS.MinVersion == "1.3" {
			settings.TLS.MinVersion = tls.VersionTLS13
		}
	}
	if c.ProxyProtocol {
		proxies, err := c.Proxies()
		if err != nil {
			return nil, err
		}
		settings.Proxies = proxies
	}
	soap, err := transport.Listen(ctx, settings, log)
	if errors.As(err, new(*net.OpError)) {
		err = fmt.Errorf("listen: %w; choose another address by --listen", err)
	}
	if err != nil {
		return nil, err
	}
	admin, err := listenAdmin(ctx, c)
	if err != nil {
		return nil, errors.Join(err, soap.Close())
	}
	return &listeners{soap: soap, admin: admin}, nil
}

func listenAdmin(ctx context.Context, c config.Config) (net.Listener, error) {
	admin, err := new(net.ListenConfig).Listen(ctx, "tcp", c.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("admin listen: %w; choose another address by --admin-listen", err)
	}
	return admin, nil
}

// Close closes what no server has closed.
func (l *listeners) Close() error {
	var failed error
	for _, one := range []net.Listener{l.soap, l.admin} {
		if err := one.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func (l *listeners) soapBase() string {
	if l.soap.HTTPS() {
		return baseURL("https", l.soap)
	}
	return baseURL("http", l.soap)
}

func (l *listeners) soapURL() string  { return l.soapBase() + servicePath }
func (l *listeners) adminURL() string { return baseURL("http", l.admin) }

// baseURL is an address at which a listener answers on this machine.
func baseURL(scheme string, l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// serveHTTP answers on a listener until ctx ends; calls in progress then have
// grace to be answered.
func serveHTTP(ctx context.Context, s *http.Server, on net.Listener, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(on) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", on.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("calls were still in progress after %v: %w", grace, err), s.Close())
	}
	if serveErr := <-failed; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
