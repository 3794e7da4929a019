package transport

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// reloadPause is the time between two looks at the files.
const reloadPause = 2 * time.Second

// TLS says how a listener speaks TLS.
type TLS struct {
	CertificateFile string // PEM, the server's own certificate first
	KeyFile         string // PEM
	ClientCAFile    string // PEM; "" asks for no client certificate
	MinVersion      uint16 // such as tls.VersionTLS12
	// LegacyCiphers adds the suites of TLS 1.2 with RSA key exchange and AES
	// (RFC 5246, A.5), which have no forward secrecy.
	LegacyCiphers bool
}

// legacyCiphers are the suites that LegacyCiphers adds.
var legacyCiphers = []uint16{
	tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
	tls.TLS_RSA_WITH_AES_128_CBC_SHA,
	tls.TLS_RSA_WITH_AES_256_CBC_SHA,
}

// certificates are the files as they were last read and found good.
type certificates struct {
	settings TLS
	log      *slog.Logger
	current  atomic.Pointer[tls.Config]
	sum      [sha256.Size]byte // of the files' content when they were last read
}

// openCertificates reads the files. Files that cannot be used are an error here, and later
// only a line in the log: what was good stays in use.
func openCertificates(s TLS, log *slog.Logger) (*certificates, error) {
	c := &certificates{settings: s, log: log}
	files, err := c.read()
	if err != nil {
		return nil, err
	}
	config, err := c.compose(files)
	if err != nil {
		return nil, err
	}
	c.sum = files.sum()
	c.current.Store(config)
	return c, nil
}

// config is for a listener: each handshake takes the files as they are now.
func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion:         c.settings.MinVersion,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load(), nil },
	}
}

// run looks for changed files until ctx ends.
func (c *certificates) run(ctx context.Context) {
	ticker := time.NewTicker(reloadPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.reload(ctx)
		}
	}
}

// reload takes changed files into use. Certificate and key are two files, so
// one may be new while the other is still old: that is told once, and mended
// by a later look.
func (c *certificates) reload(ctx context.Context) {
	files, err := c.read()
	if err == nil {
		sum := files.sum()
		if sum == c.sum {
			return
		}
		c.sum = sum
		var config *tls.Config
		if config, err = c.compose(files); err == nil {
			c.current.Store(config)
			c.log.InfoContext(ctx, "TLS certificate read again", "valid_until", config.Certificates[0].Leaf.NotAfter.UTC().Format(time.RFC3339))
			return
		}
	} else if c.sum == ([sha256.Size]byte{}) {
		return // told already
	} else {
		c.sum = [sha256.Size]byte{}
	}
	c.log.ErrorContext(ctx, "the changed TLS files cannot be used; those from before stay in use", "error", err)
}

type pemFiles struct{ certificate, key, clientCA []byte }

func (f pemFiles) sum() [sha256.Size]byte {
	h := sha256.New()
	for _, content := range [][]byte{f.certificate, f.key, f.clientCA} {
		part := sha256.Sum256(content)
		h.Write(part[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func (c *certificates) read() (f pemFiles, err error) {
	for _, file := range []struct {
		name string
		into *[]byte
	}{{c.settings.CertificateFile, &f.certificate}, {c.settings.KeyFile, &f.key}, {c.settings.ClientCAFile, &f.clientCA}} {
		if file.name == "" {
			continue
		}
		if *file.into, err = os.ReadFile(file.name); err != nil {
			return f, fmt.Errorf("transport: TLS: %w", err)
		}
	}
	return f, nil
}

func (c *certificates) compose(f pemFiles) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(f.certificate, f.key)
	if err != nil {
		return nil, fmt.Errorf("transport: TLS: certificate and key: %w", err)
	}
	config := &tls.Config{
		MinVersion:   c.settings.MinVersion,
		Certificates: []tls.Certificate{pair},
		NextProtos:   []string{"http/1.1"}, // SOAP clients speak no other, and one connection is one caller's
	}
	if c.settings.LegacyCiphers {
		for _, suite := range tls.CipherSuites() {
			config.CipherSuites = append(config.CipherSuites, suite.ID)
		}
		config.CipherSuites = append(config.CipherSuites, legacyCiphers...)
	}
	if f.clientCA != nil {
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(f.clientCA) {
			return nil, errors.New("transport: TLS: the file of client authorities holds no certificate")
		}
		config.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return config, nil
}
