package smtp

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Sender is one mail server. Several goroutines may use it; each Send has a
// connection of its own while it runs.
type Sender struct {
	config        Config
	tls           *tls.Config
	from, replyTo string // as header fields have them
	dkim          signer
	slots         chan struct{} // one for each connection that may be open

	mutex sync.Mutex
	idle  []*connection // the last used one is the last

	stop    context.CancelFunc
	janitor sync.WaitGroup
}

// New checks config and reads its files; with Warm it connects in the
// background, else with the first Send. Close it.
func New(config Config) (*Sender, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	s := &Sender{config: config, slots: make(chan struct{}, config.Connections), from: encodedAddress(config.From)}
	if config.ReplyTo.Address != "" {
		s.replyTo = encodedAddress(config.ReplyTo)
	}
	var err error
	if s.dkim, err = config.DKIM.signer(domainOf(config.From.Address)); err != nil {
		return nil, err
	}
	if s.tls, err = config.tls(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.janitor.Go(func() { s.tend(ctx) })
	return s, nil
}

// Name is the configured one.
func (s *Sender) Name() string { return s.config.Name }

// Repeatable is false: a server that gets a message twice delivers it twice.
func (s *Sender) Repeatable() bool { return false }

// Send hands m to the server. It waits for a free connection while ctx lasts.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	to, err := wireAddress(m.To)
	if err != nil {
		return notify.Receipt{}, &notify.SendError{Class: notify.Permanent, Status: "ADDRESS"}
	}
	if m.Unsubscribe != "" && !isUnsubscribe(m.Unsubscribe) {
		return notify.Receipt{}, &notify.SendError{Class: notify.Permanent, Status: "UNSUBSCRIBE"}
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Status: "connect", Err: ctx.Err()}
	}
	if err := s.send(ctx, m, to); err != nil {
		return notify.Receipt{}, err
	}
	return notify.Receipt{State: registration.Accepted}, nil
}

func (s *Sender) send(ctx context.Context, m notify.Message, to string) error {
	e := envelope{id: m.NotificationID.String(), from: s.config.BounceAddress, to: to}
	e.utf8 = !isASCII(to) || !isASCII(e.from) || !isASCII(s.config.From.Address) || !isASCII(s.config.ReplyTo.Address)
	for {
		c, err := s.take(ctx)
		if err != nil {
			return err
		}
		if e.utf8 && !c.utf8 {
			s.put(c)
			// RFC 6531 section 3.4, item 2, with the code of RFC 6531 section 3.5.
			return &notify.SendError{Class: notify.Permanent, Status: "5.6.7"}
		}
		wasUsed := c.used
		f := c.submit(ctx, e, func(c *connection) error { return s.compose(c, m, to) })
		if f == nil || f.reusable() {
			c.lastUsed = c.lastHeard
			s.put(c)
		} else {
			c.drop()
		}
		if f == nil {
			return nil
		}
		// The server has closed an old connection before it heard of this message.
		if wasUsed && f.phase == sender && !f.reusable() && ctx.Err() == nil {
			continue
		}
		return f.sendError(ctx)
	}
}

// compose leaves m in c.wire, signed, as it follows DATA.
func (s *Sender) compose(c *connection, m notify.Message, to string) error {
	if cap(c.message)+cap(c.wire) > keptBytes {
		c.message, c.wire = nil, nil
	}
	c.message = s.appendMessage(c.message[:0], m, to, time.Now())
	fields := signedFields
	if s.replyTo != "" {
		fields = append(fields[:len(fields):len(fields)], "Reply-To")
	}
	if m.Unsubscribe != "" {
		fields = append(fields[:len(fields):len(fields)], "List-Unsubscribe", "List-Unsubscribe-Post")
	}
	wire, err := s.dkim.appendSignatures(c.wire[:0], c.message, fields)
	if err != nil {
		return err
	}
	c.wire = appendStuffed(wire, c.message)
	return nil
}

// Close waits for running Sends and says goodbye to the server. No Send may
// begin after it.
func (s *Sender) Close() error {
	s.stop()
	s.janitor.Wait()
	for range cap(s.slots) {
		s.slots <- struct{}{} // kept: a later Send waits for its context and fails
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, c := range s.idle {
		c.quit()
	}
	s.idle = nil
	return nil
}
