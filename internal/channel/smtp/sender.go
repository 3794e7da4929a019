package smtp

import (
	"context"
	"sync"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Sender is one mail server. Several goroutines may use it; each Send has a
// connection of its own while it runs.
type Sender struct {
	config Config
	slots  chan struct{} // one for each connection that may be open

	mutex sync.Mutex
	idle  []*connection // the last used one is the last

	stop    context.CancelFunc
	janitor sync.WaitGroup
}

// New checks config; it connects with the first Send. Close it.
func New(config Config) (*Sender, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Sender{config: config, slots: make(chan struct{}, config.Connections), stop: stop}
	s.janitor.Go(func() { s.closeIdle(ctx) })
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
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return notify.Receipt{}, failure(connecting, 0, "", ctx.Err())
	}
	if err := s.send(ctx, m, to); err != nil {
		return notify.Receipt{}, err
	}
	return notify.Receipt{State: registration.Accepted}, nil
}

func (s *Sender) send(ctx context.Context, m notify.Message, to string) error {
	utf8 := !isASCII(to) || !isASCII(s.config.From.Address)
	for {
		c, err := s.take(ctx)
		if err != nil {
			return err
		}
		if ok, _ := c.smtp.Extension("SMTPUTF8"); utf8 && !ok {
			s.put(c)
			// RFC 6531 section 3.4, item 2, with the code of RFC 6531 section 3.5.
			return &notify.SendError{Class: notify.Permanent, Status: "5.6.7"}
		}
		wasUsed := c.used
		msg := s.compose(m, to, time.Now())
		err = c.send(ctx, msg, utf8)
		if err == nil {
			s.put(c)
			return nil
		}
		e, p := failureOf(err, ctx.Err())
		if c.usable(ctx, p, e) {
			s.put(c)
			return e
		}
		c.drop()
		// The server has closed an old connection before it heard of this message.
		if wasUsed && p <= sender && e.Class == notify.Transient && ctx.Err() == nil {
			continue
		}
		return e
	}
}

// take gives an idle connection that still works, or a new one.
func (s *Sender) take(ctx context.Context) (*connection, error) {
	for {
		s.mutex.Lock()
		last := len(s.idle) - 1
		if last < 0 {
			s.mutex.Unlock()
			return s.dial(ctx)
		}
		c := s.idle[last]
		s.idle = s.idle[:last]
		s.mutex.Unlock()
		if c.awake(ctx, time.Now()) {
			return c, nil
		}
		c.drop()
	}
}

func (s *Sender) put(c *connection) {
	c.lastUsed = time.Now()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.idle = append(s.idle, c)
}

// closeIdle ends connections that nobody has used for IdleTimeout.
func (s *Sender) closeIdle(ctx context.Context) {
	ticker := time.NewTicker(max(s.config.IdleTimeout/4, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, c := range s.unused(now.Add(-s.config.IdleTimeout)) {
				c.quit()
			}
		}
	}
}

// unused takes out the connections that were last used before t.
func (s *Sender) unused(t time.Time) []*connection {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	n := 0
	for n < len(s.idle) && s.idle[n].lastUsed.Before(t) {
		n++
	}
	old := s.idle[:n:n]
	s.idle = append([]*connection(nil), s.idle[n:]...)
	return old
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
