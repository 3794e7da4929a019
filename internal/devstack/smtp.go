package devstack

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SMTP is a mail server (Debian's aiosmtpd) that keeps what it takes in a
// Maildir. Whatever was accepted is in a file by then. It is a Part.
type SMTP struct {
	Host    string
	Port    int
	RootCAs *x509.CertPool // of its certificate; nil without TLS
	program
	argv []string
}

// SMTPOptions say what the server offers, and where.
type SMTPOptions struct {
	Host     *Host  // nil is loopback
	TLS      string // "" for none, "starttls" (required), "tls" from the first byte
	SMTPUTF8 bool   // RFC 6531
}

// StartSMTP starts a mail server whose files are in dir, and waits until it
// greets.
func StartSMTP(ctx context.Context, dir string, o SMTPOptions) (*SMTP, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devstack: smtp: %w", err)
	}
	host := cmp.Or(o.Host, Loopback())
	port, err := host.Port()
	if err != nil {
		return nil, fmt.Errorf("devstack: smtp: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("devstack: smtp: %w", err)
	}
	s := &SMTP{Host: host.IP, Port: port, program: program{name: "mail", kind: KindMail, host: host, dir: dir, grace: sinkStop}}
	s.argv = []string{"/usr/bin/aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Mailbox", "-l", net.JoinHostPort(s.Host, strconv.Itoa(port))}
	if o.SMTPUTF8 {
		s.argv = append(s.argv, "--smtputf8")
	}
	if o.TLS != "" {
		cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		if s.RootCAs, err = writeCertificate(cert, key, s.Host); err != nil {
			return nil, fmt.Errorf("devstack: smtp: %w", err)
		}
		if o.TLS == "tls" {
			s.argv = append(s.argv, "--smtpscert", cert, "--smtpskey", key)
		} else {
			s.argv = append(s.argv, "--tlscert", cert, "--tlskey", key)
		}
	}
	s.argv = append(s.argv, s.maildir())
	return s, s.Restart(ctx)
}

// sinkStop is for a server of mail or SMS to end.
const sinkStop = 5 * time.Second

// About implements Part.
func (s *SMTP) About() About { return s.about(net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), "") }

// Restart implements Part: on the same port with the same mail.
func (s *SMTP) Restart(ctx context.Context) error { return s.start(ctx, s.greets, s.argv...) }

// greets asks for the greeting, where it is not behind TLS.
func (s *SMTP) greets(ctx context.Context) error {
	if slices.Contains(s.argv, "--smtpscert") {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
		if err == nil {
			_ = conn.Close()
		}
		return err
	}
	return greets(ctx, s.Host, s.Port)
}

// greets asks a mail server for its greeting.
func greets(ctx context.Context, host string, port int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "220 ") {
		err = fmt.Errorf("greeted with %q", line)
	}
	return err
}

// Inbox is the directory in which each message that it took is a file.
func (s *SMTP) Inbox() string { return filepath.Join(s.maildir(), "new") }

func (s *SMTP) maildir() string { return filepath.Join(s.dir, "mail") }

// Messages gives what the server has taken so far, oldest first. The envelope
// is in the headers X-MailFrom and X-RcptTo.
func (s *SMTP) Messages() ([]*mail.Message, error) {
	entries, err := os.ReadDir(filepath.Join(s.maildir(), "new"))
	if err != nil {
		return nil, err
	}
	type arrival struct {
		at      time.Time
		message *mail.Message
	}
	var arrivals []arrival
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		m, err := readMessage(filepath.Join(s.maildir(), "new", e.Name()))
		if err != nil {
			return nil, err
		}
		arrivals = append(arrivals, arrival{info.ModTime(), m})
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
	messages := make([]*mail.Message, len(arrivals))
	for i, a := range arrivals {
		messages[i] = a.message
	}
	return messages, nil
}

// readMessage reads a message whole.
func readMessage(name string) (*mail.Message, error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return mail.ReadMessage(bytes.NewReader(raw))
}

// writeCertificate makes a certificate of its own authority for host, an
// address, and its key.
func writeCertificate(certFile, keyFile, host string) (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "devstack"}, IPAddresses: []net.IP{net.ParseIP(host)}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(certFile, cert, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool, nil
}
