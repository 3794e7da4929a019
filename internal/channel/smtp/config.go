package smtp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// Security is how a connection is protected.
type Security string

// The values of Security.
const (
	STARTTLS  Security = "starttls" // required: a server without it is an error (RFC 3207)
	TLS       Security = "tls"      // from the first byte (RFC 8314 section 3.3)
	Plaintext Security = "none"
)

// Config is how to reach the mail server, and as whom to write. A zero
// duration or number stands for its default.
type Config struct {
	Name     string // in the ledger, in logs and in metrics; default "smtp"
	Host     string
	Port     int      // default 587; 465 with TLS
	Security Security // default STARTTLS
	// AllowPlaintext lets Plaintext leave the machine. Passwords do not, except
	// by mechanisms that do not show them.
	AllowPlaintext bool
	RootCAs        *x509.CertPool // nil for the system's
	CAFile         string         // instead of RootCAs: authorities in PEM form
	Username       string         // "" does not sign in
	Password       string
	// Auth is a SASL mechanism, such as PLAIN; "" is the strongest that the
	// server offers of SCRAM-SHA-256 and SCRAM-SHA-1 with and without channel
	// binding, CRAM-MD5, PLAIN and LOGIN.
	Auth    string
	From    mail.Address
	ReplyTo mail.Address // zero for none
	// BounceAddress is the sender of the envelope, to which servers return what
	// cannot be delivered; default that of From.
	BounceAddress string
	DKIM          DKIM
	Hello         string // the name in EHLO; default the machine's
	// Domain is the right side of Message-IDs; default the domain of From.
	Domain string
	// Connections is how many are open at most; default 2.
	Connections int
	// IdleTimeout closes a connection that nobody has used for so long;
	// default 60 s. RFC 5321 section 4.5.3.2.7 has servers wait 5 minutes.
	IdleTimeout time.Duration
	// Warm is how many connections are kept open however idle they are, so that
	// a message after a pause does not wait for TLS and sign-in; default none.
	Warm int
	// KeepAlive is how long a warm connection is silent before a NOOP;
	// default 30 s.
	KeepAlive time.Duration
	// DialTimeout bounds connection, TLS and sign-in; default 10 s.
	DialTimeout time.Duration
}

// mechanisms are what Auth may say, and the order of preference.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1PLUS, gomail.SMTPAuthSCRAMSHA1,
	gomail.SMTPAuthCramMD5, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin,
}

// complete fills in defaults and tells everything that is wrong.
func (c *Config) complete() error {
	c.Name = or(c.Name, "smtp")
	c.Security = or(c.Security, STARTTLS)
	if c.Port == 0 {
		c.Port = 587
		if c.Security == TLS {
			c.Port = 465
		}
	}
	c.Connections = or(c.Connections, 2)
	c.IdleTimeout = or(c.IdleTimeout, time.Minute)
	c.KeepAlive = or(c.KeepAlive, 30*time.Second)
	c.DialTimeout = or(c.DialTimeout, 10*time.Second)
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf("smtp: "+format, args...)) }
	switch {
	case c.Security != STARTTLS && c.Security != TLS && c.Security != Plaintext:
		wrong("security is %q; it must be %s, %s or %s", c.Security, STARTTLS, TLS, Plaintext)
	case c.Security == Plaintext && !c.AllowPlaintext && !isLoopback(c.Host):
		wrong("without TLS only a server on this machine is used, unless plaintext is allowed")
	}
	if c.Host == "" || strings.ContainsAny(c.Host, "/ ") {
		wrong("host is not a name or an address")
	}
	if c.Port < 1 || c.Port > 65535 {
		wrong("port is not between 1 and 65535")
	}
	if c.Connections < 1 || c.IdleTimeout < 0 || c.KeepAlive < 0 || c.DialTimeout < 0 {
		wrong("connections, idle time-out, keep-alive and dial time-out must be above zero")
	}
	if c.Warm < 0 || c.Warm > c.Connections {
		wrong("warm connections must be none to all of the connections")
	}
	if c.Auth != "" && c.mechanism() == "" {
		wrong("the mechanism %q is none of %v", c.Auth, mechanisms)
	}
	var err error
	if c.From.Address, err = wireAddress(c.From.Address); err != nil {
		wrong("from is not an e-mail address")
	}
	if c.ReplyTo.Address != "" {
		if c.ReplyTo.Address, err = wireAddress(c.ReplyTo.Address); err != nil {
			wrong("reply-to is not an e-mail address")
		}
	}
	c.BounceAddress = or(c.BounceAddress, c.From.Address)
	if c.BounceAddress, err = wireAddress(c.BounceAddress); err != nil {
		wrong("the bounce address is not an e-mail address")
	}
	c.Domain = or(c.Domain, domainOf(c.From.Address))
	if c.DKIM.Domain != "" {
		if c.DKIM.Domain, err = idna.Lookup.ToASCII(c.DKIM.Domain); err != nil {
			wrong("the domain of DKIM is no host name")
		}
	}
	return errors.Join(problems...)
}

// tls is for all connections: a session is resumed where the server allows it.
func (c *Config) tls() (*tls.Config, error) {
	config := &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(c.Connections)}
	if c.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("smtp: the authorities: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("smtp: %s holds no certificate in PEM form", c.CAFile)
	}
	return config, nil
}

func domainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// mechanism is Auth as the library writes it; "" where it has none.
func (c *Config) mechanism() gomail.SMTPAuthType {
	for _, m := range mechanisms {
		if strings.EqualFold(string(m), c.Auth) {
			return m
		}
	}
	return ""
}

func or[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var errAddress = errors.New("smtp: not an address that can be written to")

// wireAddress gives address with its domain in the ASCII form (RFC 5891), in
// which every server takes it. The local part is its owner's.
func wireAddress(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || strings.ContainsFunc(address, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '<' || r == '>' }) {
		return "", errAddress
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil || domain == "" {
		return "", errAddress
	}
	return address[:at+1] + domain, nil
}

// isASCII says whether s can be sent without SMTPUTF8 (RFC 6531).
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
