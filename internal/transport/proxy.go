package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
)

// proxyVersion is the version of the PROXY protocol that is read: the binary
// one. Version 1 is a line of text, which a client could make its own request
// look like.
const proxyVersion = 2

// withProxyHeaders reads a header from each connection of a proxy. Others are
// left alone: a header of theirs is no HTTP and no TLS, and ends as such.
func withProxyHeaders(l net.Listener, proxies []netip.Prefix, timeout time.Duration) net.Listener {
	return &proxyproto.Listener{
		Listener: l,
		ConnPolicy: func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if contains(proxies, o.Upstream.String()) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.SKIP, nil
		},
		ValidateHeader: func(h *proxyproto.Header) error {
			if h.Version != proxyVersion {
				return errors.New("transport: a PROXY header of another version than 2")
			}
			return nil
		},
		ReadHeaderTimeout: timeout,
	}
}

// contains says whether one of the networks holds an address with a port.
func contains(networks []netip.Prefix, address string) bool {
	peer, err := netip.ParseAddrPort(address)
	return err == nil && slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

type connectionKey struct{}

// keepConnection is for http.Server.ConnContext: Secure asks the connection.
func keepConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// Peers knows how requests have come.
type Peers struct {
	Proxies []netip.Prefix // whose word is believed
}

// Secure says whether what a request holds was seen by nobody on its way: it
// came by TLS, or from this machine itself, or over a proxy that says so by a
// PROXY header (type SSL) or by X-Forwarded-Proto.
func (p Peers) Secure(r *http.Request) bool {
	if p.HTTPS(r) {
		return true
	}
	for _, name := range forwarded {
		if r.Header.Get(name) != "" {
			return false // a proxy on this machine, and a client elsewhere
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback()
}

// HTTPS says whether the client's own connection is TLS.
func (p Peers) HTTPS(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	if conn, ok := r.Context().Value(connectionKey{}).(net.Conn); ok && byProxyTLS(conn) {
		return true
	}
	if !contains(p.Proxies, r.RemoteAddr) {
		return false
	}
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(proto), "https")
}

// WithoutForwarded drops what requests say of forwarding where their connection
// has a PROXY header: a proxy that sends one passes on bytes that it does not
// read, so such headers are the client's own.
func WithoutForwarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, ok := r.Context().Value(connectionKey{}).(net.Conn); ok && proxyHeader(conn) != nil {
			for _, name := range forwarded {
				r.Header.Del(name)
			}
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded are the headers by which proxies say where a request came from.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Via"}

// proxyHeader is that of a connection, nil for none.
func proxyHeader(conn net.Conn) *proxyproto.Header {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if p, ok := conn.(*proxyproto.Conn); ok {
		return p.ProxyHeader()
	}
	return nil
}

// byProxyTLS says whether a connection's PROXY header tells of TLS (PROXY
// protocol, 2.2.5: PP2_TYPE_SSL with the flag PP2_CLIENT_SSL).
func byProxyTLS(conn net.Conn) bool {
	header := proxyHeader(conn)
	if header == nil {
		return false
	}
	tlvs, err := header.TLVs()
	if err != nil {
		return false
	}
	ssl, ok := tlvparse.FindSSL(tlvs)
	return ok && ssl.ClientSSL()
}
