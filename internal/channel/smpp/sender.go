package smpp

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Sender is one bind to one message centre. Several goroutines may use it.
type Sender struct {
	config     Config
	source     AddressType
	sourceText string
	link       *link
	window     *window
	receipts   *receipts
	reference  atomic.Uint32 // of the last message of several parts

	stop    context.CancelFunc
	working sync.WaitGroup

	mutex   sync.Mutex
	closed  bool
	sending sync.WaitGroup
}

// New checks config, and begins to bind: receipts come without any Send. Close it.
func New(config Config) (*Sender, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	s := &Sender{config: config, window: newWindow(config.Window)}
	s.source, s.sourceText, _ = sourceAddress(config.Source, config.SourceType) // complete has looked at it
	s.reference.Store(rand.Uint32())                                            //nolint:gosec // a number, not a secret
	s.receipts = newReceipts(&s.config)
	s.link = newLink(&s.config, s.receipts.take)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.working.Go(func() { s.link.run(ctx) })
	for range receiptWorkers {
		s.working.Go(func() { s.receipts.work(ctx) })
	}
	return s, nil
}

// Name is the configured one.
func (s *Sender) Name() string { return s.config.Name }

// Repeatable is false: a message centre that gets a message twice delivers it twice.
func (s *Sender) Repeatable() bool { return false }

// Send hands m to the message centre, part by part, and waits for its answers.
// Receipt.Ref is its id for the message; of several parts those of all, with
// one space between: each has a delivery receipt of its own.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	if !s.enter() {
		return notify.Receipt{}, unsent(statusBind, errClosed)
	}
	defer s.sending.Done()
	now := time.Now()
	if !m.Deadline.IsZero() && !now.Before(m.Deadline) {
		return notify.Receipt{}, &notify.SendError{Class: notify.Transient, Status: "deadline"}
	}
	parts, err := s.compose(m, byte(s.reference.Add(1)), now)
	if err != nil {
		status := "ADDRESS"
		if errors.Is(err, errTooLong) {
			status = "LENGTH"
		}
		return notify.Receipt{}, &notify.SendError{Class: notify.Permanent, Status: status, Err: err}
	}
	ids := make([]string, len(parts))
	for i := 0; i < len(parts); {
		id, err := s.submit(ctx, parts[i])
		switch {
		case err == nil:
			ids[i] = s.config.ReceiptID.ofAnswer(id)
			i++
		case i > 0 && notify.ClassOf(err) == notify.Throttled && s.pause(ctx):
			// Better late than torn: the parts before were taken.
		default:
			return notify.Receipt{}, err
		}
	}
	ref := join(ids)
	return notify.Receipt{Ref: ref, State: registration.Accepted, Pending: s.config.Receipts != nil && ref != ""}, nil
}

func (s *Sender) enter() bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		return false
	}
	s.sending.Add(1)
	return true
}

// pause waits for the end of throttling; false where ctx ends before.
func (s *Sender) pause(ctx context.Context) bool {
	timer := time.NewTimer(s.window.left())
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// maxTries is how many binds a part is tried by that end before it has left.
const maxTries = 3

// submit sends one part. The error is a *notify.SendError.
func (s *Sender) submit(ctx context.Context, p *pdu.SubmitSM) (messageID string, err error) {
	for try := 1; ; try++ {
		a, err := s.trySubmit(ctx, p)
		switch {
		case err != nil:
			return "", err
		case errors.Is(a.err, errUnsent) && try < maxTries && ctx.Err() == nil:
			// The bind was over before anybody knew.
		case errors.Is(a.err, errUnsent):
			return "", unsent(statusWrite, a.err)
		case a.err != nil:
			return "", unanswered(a.err)
		case a.status != uint32(data.ESME_ROK):
			return "", refusal(a.status, a.retryAfter)
		default:
			return a.messageID, nil
		}
	}
}

// trySubmit sends one part by the bind that there is. The error is of a part
// that came by no bind.
func (s *Sender) trySubmit(ctx context.Context, p *pdu.SubmitSM) (answer, error) {
	// Without a bind nobody is to wait for a place in the window first.
	if _, err := s.link.wait(ctx, s.config.Wait); err != nil {
		return answer{}, err
	}
	switch err := s.acquire(ctx); {
	case errors.Is(err, errHeld):
		return answer{}, &notify.SendError{Class: notify.Throttled, Status: statusHeld, Provider: true, RetryAfter: s.window.left()}
	case err != nil:
		return answer{}, unsent(statusWindow, err)
	}
	session, err := s.link.wait(ctx, s.config.Wait)
	if err != nil {
		s.window.release()
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	sent := time.Now()
	a := session.submit(ctx, p, func(a *answer) {
		if a != nil {
			s.weigh(a, sent)
		}
		s.window.release()
	})
	if a.err == nil && a.status == uint32(data.ESME_RINVBNDSTS) {
		session.fail(errUnbound)
	}
	return a, nil
}

// acquire waits for a place in the window, for as long as an answer may take.
func (s *Sender) acquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	return s.window.acquire(ctx, s.config.Wait)
}

// weigh lets an answer open or narrow the window.
func (s *Sender) weigh(a *answer, sent time.Time) {
	switch {
	case a.status == uint32(data.ESME_ROK):
		s.window.accepted(sent)
	case ruleOf(a.status).class == notify.Throttled:
		a.retryAfter = s.window.throttled(sent)
	}
}

// maxRef is the longest reference that is kept, in octets.
const maxRef = 255

// join is the reference of a message of which the parts have ids: "" where one
// has none, or where they are too long together, since then nothing could be
// said of the whole.
func join(ids []string) string {
	ref := strings.Join(ids, " ")
	if len(ref) > maxRef || strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	for _, id := range ids {
		if id == "" || strings.Contains(id, " ") {
			return ""
		}
	}
	return ref
}

// Close waits for running Sends, says goodbye to the message centre and ends
// everything. A Send that begins after it fails.
func (s *Sender) Close() error {
	s.mutex.Lock()
	s.closed = true
	s.mutex.Unlock()
	s.sending.Wait()
	if session := s.link.current(); session != nil {
		session.unbind()
	}
	s.stop()
	s.working.Wait()
	s.window.stop()
	return nil
}
