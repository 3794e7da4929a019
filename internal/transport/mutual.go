package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// Pair names the files by which one process proves itself to another of the
// same system, and the authorities that it believes.
type Pair struct {
	CertificateFile string // PEM, the process's own certificate first
	KeyFile         string // PEM
	CAFile          string // PEM
}

// ErrNoAuthority says that the file of authorities holds no certificate.
var ErrNoAuthority = errors.New("transport: TLS: the file of authorities holds no certificate")

// Mutual is both ends of TLS 1.3 in which each end proves itself: a server by a
// certificate for its name, and both by one of a common authority. The files are
// read at each handshake, so that renewed ones need no restart. While they cannot be used, as
// between the renewal of a certificate and that of its key, those from before
// stay in use. It may be used by several goroutines.
type Mutual struct {
	pair Pair
	log  *slog.Logger

	mu          sync.Mutex
	own         tls.Certificate
	authorities *x509.CertPool
	told        bool // that the files cannot be used
}

// OpenMutual reads the files. Its errors name the file and hold nothing of the
// key.
func OpenMutual(p Pair, log *slog.Logger) (*Mutual, error) {
	m := &Mutual{pair: p, log: log}
	var err error
	m.own, m.authorities, err = p.read()
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Server is for whoever is connected to.
func (m *Mutual) Server() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		own, authorities := m.current()
		return &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
			ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert,
		}, nil
	}}
}

// Client is for whoever connects now: a connection that is made later asks
// again. The name of the server is to be added.
func (m *Mutual) Client() *tls.Config {
	own, authorities := m.current()
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own}, RootCAs: authorities}
}

// current gives the files as they are, or as they were when they could be used
// last.
func (m *Mutual) current() (tls.Certificate, *x509.CertPool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	own, authorities, err := m.pair.read()
	if err == nil {
		m.own, m.authorities, m.told = own, authorities, false
	} else if !m.told {
		m.told = true
		m.log.Error("the changed TLS files cannot be used; those from before stay in use", "error", err)
	}
	return m.own, m.authorities
}

func (p Pair) read() (own tls.Certificate, authorities *x509.CertPool, err error) {
	if own, err = tls.LoadX509KeyPair(p.CertificateFile, p.KeyFile); err != nil {
		return own, nil, fmt.Errorf("transport: TLS: certificate and key: %w", err)
	}
	text, err := os.ReadFile(p.CAFile)
	if err != nil {
		return own, nil, fmt.Errorf("transport: TLS: %w", err)
	}
	authorities = x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(text) {
		return own, nil, fmt.Errorf("%w: %s", ErrNoAuthority, p.CAFile)
	}
	return own, authorities, nil
}
