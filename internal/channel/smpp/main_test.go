package smpp_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/channel/smpp"
	"registrar/internal/devstack"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const number = "+966512345678"

func startSMSC(t testing.TB, o devstack.SMSCOptions) *devstack.SMSC {
	t.Helper()
	c, err := devstack.StartSMSC(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Kill() })
	return c
}

func behave(t testing.TB, c *devstack.SMSC, b devstack.SMSCBehaviour) {
	t.Helper()
	if err := c.Behave(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func do(t testing.TB, c *devstack.SMSC, what string) {
	t.Helper()
	if err := c.Do(t.Context(), what); err != nil {
		t.Fatal(err)
	}
}

// newSender reconnects at once: the back-off has tests of its own.
func newSender(t testing.TB, c *devstack.SMSC, config smpp.Config) *smpp.Sender {
	t.Helper()
	config.Host, config.Port = c.Host, c.Port
	if config.SystemID == "" {
		config.SystemID, config.Password = c.SystemID, c.Password
	}
	if config.Wait == 0 {
		config.Wait = 15 * time.Second // the machine may be busy
	}
	if config.ReconnectBase == 0 {
		config.ReconnectBase, config.ReconnectCap = time.Millisecond, 20*time.Millisecond
	}
	s, err := smpp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func messageOf(text string) notify.Message {
	return notify.Message{
		NotificationID: registration.ID{15: 1}, To: number, Text: text, Kind: registration.RegistrationCompleted, Deadline: time.Now().Add(time.Hour),
	}
}

func send(t testing.TB, s *smpp.Sender, text string) notify.Receipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := s.Send(ctx, messageOf(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fails sends a message that must fail so; within is the deadline of its context.
func fails(t testing.TB, s *smpp.Sender, within time.Duration, class notify.Class, status string, provider bool) notify.SendError {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	_, err := s.Send(ctx, messageOf("a text nobody may read"))
	e, ok := errors.AsType[*notify.SendError](err)
	if !ok || e.Class != class || e.Status != status || e.Provider != provider {
		t.Fatalf("%v (%+v), want %s %s", err, e, class, status)
	}
	if strings.Contains(err.Error(), "nobody") || strings.Contains(err.Error(), number[1:]) {
		t.Errorf("the error tells too much: %v", err)
	}
	return *e
}

func submits(t testing.TB, c *devstack.SMSC) []devstack.SMSCEvent {
	t.Helper()
	events, err := c.Submits()
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func events(t testing.TB, c *devstack.SMSC, kind string) []devstack.SMSCEvent {
	t.Helper()
	found, err := c.Events(kind)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come", what)
		}
	}
}

// told is one call of Receipts.
type told struct {
	ref    string
	to     string
	state  registration.State
	reason string
}

// ledger keeps receipts; failing, it gives an error.
type ledger struct {
	mutex   sync.Mutex
	told    []told
	failing int
	block   chan struct{} // nil, or what a call waits for
}

func (l *ledger) Receipt(ctx context.Context, provider, ref, recipient string, state registration.State, reason string) error {
	if l.block != nil {
		select {
		case <-l.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if provider != "smpp" {
		return errors.New("not this provider's")
	}
	if l.failing > 0 {
		l.failing--
		return errors.New("the database is away")
	}
	l.told = append(l.told, told{ref, recipient, state, reason})
	return nil
}

func (l *ledger) all() []told {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]told(nil), l.told...)
}
