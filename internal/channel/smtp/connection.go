package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"time"

	gomail "github.com/wneessen/go-mail"
	gosmtp "github.com/wneessen/go-mail/smtp"

	"registrar/internal/notify"
)

// connection is one signed-in session with the server. One Send uses it at a time.
type connection struct {
	mail     *gomail.Client
	smtp     *gosmtp.Client
	raw      net.Conn // under TLS; closing it ends whatever the others wait for
	lastUsed time.Time
	used     bool // has carried a message: the server may have closed it since
}

// fresh is how long a connection is trusted without a NOOP.
const fresh = time.Second

// ioTimeout is the library's own limit; the context of each Send comes first.
const ioTimeout = 5 * time.Minute

// dial opens a connection. Every failure is Transient: it says nothing of a message.
func (s *Sender) dial(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.DialTimeout)
	defer cancel()
	outer, c, release := ctx, new(connection), func() {}
	defer func() { release() }()
	options := []gomail.Option{
		gomail.WithPort(s.config.Port), gomail.WithTimeout(ioTimeout), gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithoutNoop(), gomail.WithoutRset(), // awake and after a failure do so where it is needed
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			raw, err := new(net.Dialer).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			c.raw = raw
			// The library looks at the context only until it is connected.
			release = c.bind(outer)
			if s.config.Security != TLS {
				return raw, nil
			}
			secured := tls.Client(raw, s.tlsConfig())
			return secured, secured.HandshakeContext(ctx)
		}),
	}
	if s.config.Security == STARTTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	} else {
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.config.Hello != "" {
		options = append(options, gomail.WithHELO(s.config.Hello))
	}
	if s.config.Username != "" {
		options = append(options, gomail.WithUsername(s.config.Username), gomail.WithPassword(s.config.Password))
		if m := s.config.mechanism(); m != "" {
			options = append(options, gomail.WithSMTPAuth(m))
		} else {
			options = append(options, gomail.WithOpportunisticSMTPAuth(mechanisms...))
		}
	}
	var err error
	if c.mail, err = gomail.NewClient(s.config.Host, options...); err != nil {
		return nil, failure(connecting, 0, "", err)
	}
	if c.smtp, err = c.mail.DialToSMTPClientWithContext(ctx); err != nil {
		c.drop()
		code := 0
		if reply, ok := errors.AsType[*textproto.Error](err); ok {
			code = reply.Code
		}
		return nil, failure(connecting, code, "", err)
	}
	return c, nil
}

func (s *Sender) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.config.Host, RootCAs: s.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// awake says whether the server still listens.
func (c *connection) awake(ctx context.Context, now time.Time) bool {
	if now.Sub(c.lastUsed) < fresh {
		return true
	}
	defer c.bind(ctx)()
	return c.smtp.UpdateDeadline(ioTimeout) == nil && c.smtp.Noop() == nil
}

// bind ends everything on c when ctx ends, until the returned function is called.
func (c *connection) bind(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, c.drop)
	return func() { stop() }
}

// send hands over one message. The library adds SMTPUTF8 to every MAIL where the
// server offers it, which binds all later servers to it too (RFC 6531 section
// 3.6): here only where an address needs it.
func (c *connection) send(ctx context.Context, msg *gomail.Msg, utf8 bool) error {
	defer c.bind(ctx)()
	c.smtp.SkipSMTPUTF8(!utf8)
	c.used = true
	return c.mail.SendWithSMTPClient(c.smtp, msg)
}

// usable says whether another message may follow a failure: only when the
// server answered before DATA and stays.
func (c *connection) usable(ctx context.Context, p phase, e *notify.SendError) bool {
	return (p == sender || p == recipient) && ctx.Err() == nil && len(e.Status) >= 3 && (e.Status[0] == '4' || e.Status[0] == '5') && e.Status[:3] != "421"
}

// drop closes c without a word. QUIT in the middle of DATA would end the
// message there: the library writes the missing dot before any command.
func (c *connection) drop() {
	if c.raw != nil {
		_ = c.raw.Close()
	}
}

// quit closes c as RFC 5321 section 4.1.1.10 asks for, without waiting long.
func (c *connection) quit() {
	if c.smtp.UpdateDeadline(time.Second) == nil {
		_ = c.mail.CloseWithSMTPClient(c.smtp)
	}
	c.drop()
}
