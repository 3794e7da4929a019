package smpp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// link keeps one bind: it makes a new one whenever the last is over.
type link struct {
	config  *Config
	inbound func(*session, frame)

	mutex   sync.Mutex
	session *session      // nil while there is none
	changed chan struct{} // closed when session changes
	refused string        // why the last attempt to bind failed: a status
}

func newLink(c *Config, inbound func(*session, frame)) *link {
	return &link{config: c, inbound: inbound, changed: make(chan struct{}), refused: statusBind}
}

// wait gives the bind, once there is one that takes messages.
func (l *link) wait(ctx context.Context, patience time.Duration) (*session, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		l.mutex.Lock()
		s, changed, refused := l.session, l.changed, l.refused
		l.mutex.Unlock()
		if s != nil {
			select {
			case <-s.leaving: // the change follows
			default:
				return s, nil
			}
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, unsent(refused, nil)
		case <-ctx.Done():
			return nil, unsent(refused, ctx.Err())
		}
	}
}

func (l *link) set(s *session, refused string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.session, l.refused = s, refused
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *link) current() *session {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.session
}

// stable is how long a bind must have held for the next attempt to come at once.
const stable = 10 * time.Second

// run keeps the bind until ctx ends.
func (l *link) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		s, err := l.bind(ctx)
		if err == nil {
			l.config.Log.InfoContext(ctx, "bound to the message centre")
			begun := time.Now()
			l.set(s, statusBind)
			err = s.serve(ctx)
			if time.Since(begun) >= stable {
				failures = 0
			}
			l.set(nil, statusBind)
		} else {
			status := statusBind
			if refused, ok := errors.AsType[*bindError](err); ok {
				status += " " + statusName(refused.status)
			}
			l.set(nil, status)
		}
		if ctx.Err() != nil {
			return
		}
		wait := l.backoff(failures)
		failures++
		l.config.Log.WarnContext(ctx, "no bind to the message centre", "error", err, "failures", failures, "next_attempt_in", wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// backoff is a random wait of zero up to a ceiling that doubles with each
// failure: those that were cut off together do not come back together.
func (l *link) backoff(failures int) time.Duration {
	ceiling := l.config.ReconnectBase
	for range failures {
		if ceiling >= l.config.ReconnectCap {
			break
		}
		ceiling *= 2
	}
	return rand.N(min(ceiling, l.config.ReconnectCap) + 1) //nolint:gosec // a wait, not a secret
}

// bindError is a message centre's refusal.
type bindError struct{ status uint32 }

func (e *bindError) Error() string {
	return fmt.Sprintf("smpp: the message centre refuses the bind: %s", statusName(e.status))
}

// bind connects and binds as a transceiver (SMPP 3.4 section 4.1.5).
func (l *link) bind(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(l.config.Host, strconv.Itoa(l.config.Port)))
	if err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	raw := conn
	if l.config.TLS {
		secured := tls.Client(raw, l.config.tlsConfig())
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("smpp: %w", err)
		}
		conn = secured
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	reader := bufio.NewReader(conn)
	err = l.greet(conn, reader)
	if err == nil && !stop() {
		err = ctx.Err() // too late: it is closed
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return newSession(conn, reader, l.config, l.inbound), nil
}

func (l *link) greet(conn net.Conn, reader *bufio.Reader) error {
	request := pdu.NewBindRequest(pdu.Transceiver)
	request.SystemID, request.Password, request.SystemType = l.config.SystemID, l.config.Password, l.config.SystemType
	if _, err := conn.Write(encode(request, 1)); err != nil {
		return fmt.Errorf("smpp: bind: %w", err)
	}
	for {
		f, err := readFrame(reader)
		if err != nil {
			return fmt.Errorf("smpp: bind: %w", err)
		}
		switch {
		case f.CommandID != data.BIND_TRANSCEIVER_RESP && f.CommandID != data.GENERIC_NACK: // nothing else counts before the bind
		case f.status() == 0 && f.CommandID == data.BIND_TRANSCEIVER_RESP:
			return nil
		default:
			return &bindError{f.status()}
		}
	}
}
