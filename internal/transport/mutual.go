package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Pair names the files by which one process proves itself to another of the
// same system, and the authorities that it believes.
type Pair struct {
	CertificateFile string // PEM, the process's own certificate first
	KeyFile         string // PEM
	CAFile          string // PEM
}

// ErrNoAuthority: the file of authorities holds no certificate.
var ErrNoAuthority = errors.New("transport: TLS: the file of authorities holds no certificate")

// Mutual gives both ends of TLS 1.3 in which each end proves itself. The files
// are read at each handshake, so that renewed ones need no restart; here they
// are read once, for their errors.
func Mutual(p Pair) (server, client *tls.Config, err error) {
	if _, _, err := p.read(); err != nil {
		return nil, nil, err
	}
	server = &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		own, authorities, err := p.read()
		return &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{own},
			ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"h2"},
		}, err
	}}
	client = &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			own, _, err := p.read()
			return &own, err
		},
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, by authorities that are read anew
		VerifyConnection: func(s tls.ConnectionState) error {
			_, authorities, err := p.read()
			if err != nil {
				return err
			}
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err = s.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: s.ServerName, Roots: authorities, Intermediates: between})
			return err //nolint:wrapcheck // crypto/tls tells it
		},
	}
	return server, client, nil
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
		return own, nil, ErrNoAuthority
	}
	return own, authorities, nil
}
