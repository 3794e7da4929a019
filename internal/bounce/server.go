package bounce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Server takes mail by SMTP (RFC 5321), for the addresses that reports go to and
// for nobody else. A mail is answered with 250 once what it says is in the
// ledger, and with 451 when that cannot be now: the mail server that brings it
// keeps it. It offers neither TLS nor sign-in, and is meant to be reached by
// the own mail server alone.
type Server struct {
	config   ServerConfig
	handler  *Handler
	listener net.Listener
	accepted map[suppression.Recipient]bool
}

// ServerConfig says where mail comes to, and how much of it.
type ServerConfig struct {
	Addresses []string // that mail is taken for
	Hello     string   // the server's own name in its greeting
	MaxBytes  int64    // of a mail; larger ones are refused
	Log       *slog.Logger
}

const (
	// maxConnections are open at once; each one more is answered with 421.
	maxConnections = 256
	// maxEnvelope bounds the recipients of one mail. RFC 5321 section 4.5.3.1.8
	// wants 100, but reports have one.
	maxEnvelope = 100
	// commandTimeout bounds the wait for one command, and the content of one mail.
	commandTimeout = 30 * time.Second
	// sessionTimeout bounds a connection.
	sessionTimeout = 10 * time.Minute
)

// NewServer serves on listener, which it closes at the end of Run.
func NewServer(listener net.Listener, config ServerConfig, handler *Handler) *Server {
	s := &Server{config: config, handler: handler, listener: listener, accepted: make(map[suppression.Recipient]bool)}
	for _, address := range config.Addresses {
		s.accepted[mailbox(address)] = true
	}
	return s
}

// mailbox is by what addresses are compared.
func mailbox(address string) suppression.Recipient {
	return suppression.RecipientOf(registration.EmailChannel, strings.ToLower(address))
}

// Run serves until ctx ends. Mail in progress is cut off then: whoever brings it
// keeps it, and a second copy changes nothing.
func (s *Server) Run(ctx context.Context) error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return session{s, ctx}, nil }))
	server.Domain = s.config.Hello
	server.MaxMessageBytes = s.config.MaxBytes
	server.MaxRecipients = maxEnvelope
	server.ReadTimeout, server.WriteTimeout = commandTimeout, commandTimeout
	server.EnableSMTPUTF8 = true // for reports on addresses with other letters (RFC 6533)
	server.ErrorLog = serverLog{s.config.Log}

	listener := &connections{Listener: s.listener, hello: s.config.Hello, log: s.config.Log, open: make(map[net.Conn]*time.Timer)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	var failed error
	select {
	case err := <-ended:
		failed = fmt.Errorf("bounce: the mail server ended: %w", err)
		ended <- nil
	case <-ctx.Done():
	}
	listener.end()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), handleTimeout)
	defer cancel()
	if err := server.Shutdown(drain); err != nil && failed == nil {
		failed = fmt.Errorf("bounce: the mail server does not end: %w", err)
	}
	if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
		failed = errors.Join(failed, fmt.Errorf("bounce: %w", err))
	}
	return failed
}

// serverLog keeps the library's texts, which may quote a client, out of the log.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Printf(format string, _ ...any) {
	l.log.Warn("a connection that brings back mail has failed", "what", format)
}

func (l serverLog) Println(...any) { l.log.Warn("a connection that brings back mail has failed") }

// session is the mail of one connection.
type session struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the server's; the library hands on none
}

// The answers.
var (
	errNotHere = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "Only reports on undelivered mail are taken here"}
	errLater   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Not now; try again later"}
	errTooSoon = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "The message is still being sent; try again later"}
)

// Mail takes any sender: reports have none, complaints have their provider's.
func (session) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt takes the configured addresses.
func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !s.server.accepted[mailbox(to)] {
		return errNotHere
	}
	return nil
}

// Data handles one mail. What is no report is taken too, and dropped: to refuse
// it would send another report about this one.
func (s session) Data(r io.Reader) error {
	mail, err := io.ReadAll(r) // bounded by MaxMessageBytes
	if err != nil {
		return err
	}
	_, err = s.server.handler.Handle(s.ctx, mail)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, delivery.ErrNotSettled):
		return errTooSoon
	default:
		if s.ctx.Err() == nil {
			s.server.config.Log.Error("mail that came back cannot be taken now; whoever brings it keeps it", "error", err)
		}
		return errLater
	}
}

// Reset ends a mail; nothing is kept of it.
func (session) Reset() {}

// Logout ends the connection.
func (session) Logout() error { return nil }
