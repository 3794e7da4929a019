package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/textproto"
	"syscall"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// connection is one signed-in session with the server. One Send uses it at a time.
type connection struct {
	text *textproto.Conn // within TLS
	raw  net.Conn        // under TLS; closing it ends whatever the others wait for

	pipelining, dsn, utf8 bool // what the server offers

	lastUsed  time.Time // by a message
	lastHeard time.Time // an answer of any kind
	used      bool      // has carried a message: the server may have closed it since
	open      bool      // a transaction was begun and refused: RSET comes before the next

	message, wire []byte // of the current message; kept for the next one
}

// fresh is how long a connection is trusted without a look at its socket.
const fresh = time.Second

// keptBytes bounds what a connection keeps of its buffers between messages.
const keptBytes = 256 << 10

// dial opens a connection. No failure says anything of a message.
func (s *Sender) dial(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.DialTimeout)
	defer cancel()
	outer, c, release := ctx, new(connection), func() {}
	defer func() { release() }()
	options := []gomail.Option{
		gomail.WithPort(s.config.Port), gomail.WithTimeout(s.config.DialTimeout), gomail.WithTLSConfig(s.tls),
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
			secured := tls.Client(raw, s.tls)
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
	client, err := gomail.NewClient(s.config.Host, options...)
	if err != nil {
		return nil, (&failure{phase: connecting, cause: err}).sendError(ctx)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err == nil {
		err = c.raw.SetDeadline(time.Time{}) // the library's; from here on contexts bound everything
	}
	if err != nil {
		c.drop()
		f := &failure{phase: connecting, cause: err}
		if e, ok := errors.AsType[*textproto.Error](err); ok {
			f.reply = reply{e.Code, enhancedStatus(e.Code, e.Msg)}
		}
		return nil, f.sendError(ctx)
	}
	offers := func(extension string) bool { ok, _ := session.Extension(extension); return ok }
	c.text, c.pipelining, c.dsn, c.utf8 = session.Text, offers("PIPELINING"), offers("DSN"), offers("SMTPUTF8")
	c.lastHeard = time.Now()
	return c, nil
}

// bind ends everything on c when ctx ends, until the returned function is called.
func (c *connection) bind(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, c.drop)
	return func() { stop() }
}

// quiet says whether nothing has come from the server since its last answer: no
// end, and no 421. It waits for nothing and asks nothing.
func (c *connection) quiet(now time.Time) bool {
	if now.Sub(c.lastHeard) < fresh {
		return true
	}
	conn, ok := c.raw.(syscall.Conn)
	if !ok || c.text.R.Buffered() > 0 {
		return false
	}
	socket, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = socket.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && quiet
}

// ping asks for a sign of life, which also keeps the server from closing c.
func (c *connection) ping(ctx context.Context) bool {
	defer c.bind(ctx)()
	if c.write([]byte("NOOP"+crlf)) != nil {
		return false
	}
	r, err := readReply(c.text.R)
	c.lastHeard = time.Now()
	return err == nil && r.is(2)
}

func (c *connection) write(b []byte) error {
	if _, err := c.text.W.Write(b); err != nil {
		return err
	}
	return c.text.W.Flush()
}

// drop closes c without a word.
func (c *connection) drop() {
	if c.raw != nil {
		_ = c.raw.Close()
	}
}

// quit closes c as RFC 5321 section 4.1.1.10 asks for, without waiting long.
func (c *connection) quit() {
	defer c.drop()
	if c.raw.SetDeadline(time.Now().Add(time.Second)) == nil && c.write([]byte("QUIT"+crlf)) == nil {
		_, _ = readReply(c.text.R)
	}
}
