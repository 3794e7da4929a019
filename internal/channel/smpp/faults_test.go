package smpp_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/channel/smpp"
	"registrar/internal/devstack"
	"registrar/internal/notify"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{})
	for _, k := range []struct {
		status   uint32
		class    notify.Class
		name     string
		provider bool
	}{
		{0x0b, notify.Permanent, "ESME_RINVDSTADR", false},
		{0x08, notify.Transient, "ESME_RSYSERR", true},
		{0x0a, notify.Transient, "ESME_RINVSRCADR", true},
		{0x64, notify.Transient, "ESME_RX_T_APPN", false},
		{0x453, notify.Transient, "0x00000453", false},
	} {
		behave(t, c, devstack.SMSCBehaviour{Fail: 1, FailStatus: k.status})
		fails(t, s, 5*time.Second, k.class, k.name, k.provider)
		send(t, s, "the next one")
	}
	behave(t, c, devstack.SMSCBehaviour{Nack: 1})
	fails(t, s, 5*time.Second, notify.Transient, "ESME_RINVCMDID", true)
	send(t, s, "the next one")
	if n := len(events(t, c, "bind")); n != 1 {
		t.Errorf("%d binds", n)
	}
	// A message centre that has forgotten the bind gets a new one.
	behave(t, c, devstack.SMSCBehaviour{Fail: 1, FailStatus: 4})
	fails(t, s, 5*time.Second, notify.Transient, "ESME_RINVBNDSTS", true)
	send(t, s, "by a new bind")
	if n := len(events(t, c, "bind")); n != 2 {
		t.Errorf("%d binds", n)
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	for status, want := range map[uint32]string{
		0x01: "PERMANENT false ESME_RINVMSGLEN", 0x03: "TRANSIENT true ESME_RINVCMDID", 0x0d: "TRANSIENT true ESME_RBINDFAIL",
		0x14: "THROTTLED true ESME_RMSGQFUL", 0x43: "PERMANENT false ESME_RINVESMCLASS", 0x45: "TRANSIENT true ESME_RSUBMITFAIL",
		0x58: "THROTTLED true ESME_RTHROTTLED", 0x65: "PERMANENT false ESME_RX_P_APPN", 0xc3: "PERMANENT false 0x000000C3",
		0xff: "TRANSIENT true ESME_RUNKNOWNERR", 0x499: "TRANSIENT false 0x00000499", 0x33: "TRANSIENT false 0x00000033", 0xffffffff: "TRANSIENT false 0xFFFFFFFF",
	} {
		if class, provider, name := smpp.ClassOf(status); fmt.Sprint(class, " ", provider, " ", name) != want {
			t.Errorf("%#x is %s %v %s, want %s", status, class, provider, name, want)
		}
	}
	for status, line := range smpp.Sources() {
		if line[1] == "" {
			t.Errorf("the line of %#x has no source", status)
		}
	}
}

func TestNoBind(t *testing.T) {
	t.Parallel()
	nobody := &devstack.SMSC{Host: "127.0.0.1", Port: 1, SystemID: "registrar"}
	s := newSender(t, nobody, smpp.Config{Wait: 50 * time.Millisecond})
	fails(t, s, 5*time.Second, notify.Transient, "bind", true)
	s = newSender(t, nobody, smpp.Config{Wait: time.Hour})
	fails(t, s, 50*time.Millisecond, notify.Transient, "bind", true)

	// Somebody who takes connections and says nothing.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s = newSender(t, &devstack.SMSC{Host: "127.0.0.1", Port: silent.Addr().(*net.TCPAddr).Port, SystemID: "registrar"}, smpp.Config{Wait: 50 * time.Millisecond})
	fails(t, s, 5*time.Second, notify.Transient, "bind", true)
}

func TestBindRefused(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{SystemID: "registrar", Password: "wrong", Wait: 100 * time.Millisecond})
	attempts := func(n int) { // all but the last one are known to have failed
		t.Helper()
		eventually(t, "attempts to bind", func() bool { return len(events(t, c, "bind")) >= n })
	}
	attempts(2)
	fails(t, s, 5*time.Second, notify.Transient, "bind ESME_RINVPASWD", true)
	behave(t, c, devstack.SMSCBehaviour{RefuseBind: 0x05})
	before := len(events(t, c, "bind"))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = newSender(t, c, smpp.Config{Wait: 100 * time.Millisecond})
	attempts(before + 3)
	fails(t, s, 5*time.Second, notify.Transient, "bind ESME_RALYBND", true)
	behave(t, c, devstack.SMSCBehaviour{})
	eventually(t, "a bind", func() bool {
		_, err := s.Send(t.Context(), messageOf(""))
		return err == nil
	})
}

// TestBackOff: a wait is anything up to a ceiling that doubles and ends.
func TestBackOff(t *testing.T) {
	t.Parallel()
	const base, most = 100 * time.Millisecond, 2 * time.Second
	for failures, ceiling := range []time.Duration{base, 2 * base, 4 * base, 8 * base, 16 * base, most, most, most} {
		least, longest := most, time.Duration(0)
		for range 1000 {
			wait := smpp.Backoff(base, most, failures)
			least, longest = min(least, wait), max(longest, wait)
		}
		if longest > ceiling || longest < ceiling*9/10 || least > ceiling/10 {
			t.Errorf("after %d failures %v to %v, ceiling %v", failures, least, longest, ceiling)
		}
	}
	if wait := smpp.Backoff(base, most, 1_000_000); wait > most {
		t.Errorf("after very many %v", wait)
	}
}

func TestConnectionLost(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{})
	behave(t, c, devstack.SMSCBehaviour{DropBefore: 1})
	fails(t, s, 10*time.Second, notify.Ambiguous, "answer", false)
	send(t, s, "by a new bind")
	behave(t, c, devstack.SMSCBehaviour{DropAfter: 1})
	if r := send(t, s, "taken"); r.Ref == "" {
		t.Error("no id")
	}
	// What leaves before the end is known is ambiguous, and rightly.
	eventually(t, "a third bind", func() bool { return len(events(t, c, "bind")) == 3 })
	send(t, s, "by a third bind")
	do(t, c, "drop") // in vain: nothing was on its way
	eventually(t, "a fourth bind", func() bool { return len(events(t, c, "bind")) == 4 })
	send(t, s, "by a fourth bind")
	if got := len(submits(t, c)); got != 5 {
		t.Errorf("%d messages came", got)
	}
	if got := len(events(t, c, "bind")); got != 4 {
		t.Errorf("%d binds", got)
	}
	c.Kill()
	eventually(t, "the loss to be known", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := s.Send(ctx, messageOf(""))
		e, ok := errors.AsType[*notify.SendError](err)
		return ok && e.Class == notify.Transient && e.Status == "bind" && e.Provider
	})
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	send(t, s, "to the one that came back")
}

func TestUnbind(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{})
	send(t, s, "")
	// What is on its way when the message centre ends the bind may still be answered.
	behave(t, c, devstack.SMSCBehaviour{DelayMS: 100})
	answered := make(chan error, 1)
	go func() {
		_, err := s.Send(t.Context(), messageOf(""))
		answered <- err
	}()
	eventually(t, "the message", func() bool { return len(submits(t, c)) == 2 })
	do(t, c, "unbind")
	eventually(t, "a new bind", func() bool { return len(events(t, c, "bind")) == 2 })
	send(t, s, "by a new bind")
	if err := <-answered; err != nil && notify.ClassOf(err) != notify.Ambiguous {
		t.Error(err)
	}
	if n := len(events(t, c, "bind")); n != 2 {
		t.Errorf("%d binds", n)
	}
}

// TestAnswerThatDoesNotCome: the context's end and the time-out are ambiguous,
// and the place in the window is free again in the end.
func TestAnswerThatDoesNotCome(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{Window: 1, Timeout: time.Second, EnquireInterval: 80 * time.Millisecond})
	send(t, s, "")
	behave(t, c, devstack.SMSCBehaviour{Silent: 2})
	e := fails(t, s, 100*time.Millisecond, notify.Ambiguous, "answer", false)
	if !errors.Is(e.Err, context.DeadlineExceeded) {
		t.Errorf("%v", e.Err)
	}
	// The message centre has not answered the first one: the window is full.
	fails(t, s, 50*time.Millisecond, notify.Transient, "window", true)
	// It is overdue now.
	fails(t, s, 10*time.Second, notify.Ambiguous, "answer", false)
	send(t, s, "")
	if n := len(submits(t, c)); n != 4 {
		t.Errorf("%d messages came", n)
	}
}

// TestPaused: a message centre that is there and does not work.
func TestPaused(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{Window: 5, EnquireInterval: 100 * time.Millisecond, Timeout: 500 * time.Millisecond, Wait: 100 * time.Millisecond})
	eventually(t, "an enquiry", func() bool { return len(events(t, c, "enquire")) > 1 })
	if err := c.Pause(); err != nil {
		t.Fatal(err)
	}
	var sending sync.WaitGroup
	for range 20 {
		sending.Go(func() {
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			_, err := s.Send(ctx, messageOf(""))
			if class := notify.ClassOf(err); err == nil || class != notify.Ambiguous && class != notify.Transient {
				t.Errorf("%v", err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("a Send took %v", took)
			}
		})
	}
	sending.Wait()
	// The enquiry has no answer either: the bind is over, and there is no new one.
	eventually(t, "the end of the bind", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := s.Send(ctx, messageOf(""))
		e, ok := errors.AsType[*notify.SendError](err)
		return ok && e.Class == notify.Transient && e.Status == "bind" && e.Provider
	})
	if err := c.Resume(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new bind", func() bool {
		_, err := s.Send(t.Context(), messageOf(""))
		return err == nil
	})
}

func TestEnquiries(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{EnquireInterval: 50 * time.Millisecond, Timeout: 2 * time.Second})
	eventually(t, "enquiries", func() bool { return len(events(t, c, "enquire")) >= 3 })
	do(t, c, "enquire")
	eventually(t, "an answer to the message centre's own", func() bool { return len(events(t, c, "enquire_answer")) == 1 })
	if n := len(events(t, c, "bind")); n != 1 {
		t.Errorf("%d binds", n)
	}
	behave(t, c, devstack.SMSCBehaviour{IgnoreEnquiries: true})
	eventually(t, "a new bind", func() bool { return len(events(t, c, "bind")) >= 2 })
	behave(t, c, devstack.SMSCBehaviour{})
	eventually(t, "a message", func() bool {
		_, err := s.Send(t.Context(), messageOf(""))
		return err == nil
	})
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{})
	send(t, s, "")
	for _, harmless := range []string{"unknown", "truncated"} {
		do(t, c, harmless)
		send(t, s, "after what is "+harmless)
	}
	if n := len(events(t, c, "bind")); n != 1 {
		t.Errorf("%d binds", n)
	}
	do(t, c, "garbage")
	eventually(t, "a new bind", func() bool { return len(events(t, c, "bind")) == 2 })
	send(t, s, "after garbage")
}

func TestClose(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{Window: 4})
	send(t, s, "")
	behave(t, c, devstack.SMSCBehaviour{DelayMS: 200})
	var sending sync.WaitGroup
	for range 8 {
		sending.Go(func() {
			if _, err := s.Send(t.Context(), messageOf("")); err != nil {
				t.Errorf("a running Send: %v", err)
			}
		})
	}
	eventually(t, "messages", func() bool { return len(submits(t, c)) == 5 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := len(submits(t, c)); n != 9 {
		t.Errorf("closed with %d messages sent", n)
	}
	sending.Wait()
	if n := len(events(t, c, "unbind")); n != 1 {
		t.Errorf("%d goodbyes", n)
	}
	fails(t, s, time.Second, notify.Transient, "bind", true)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestErrorsAreTrue: whatever happens to the connection, a message that is said
// to be taken came, one that is said not to be taken for want of a connection
// did not, and none came twice.
func TestErrorsAreTrue(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{Window: 8, Timeout: time.Second})
	done := make(chan struct{})
	var faults sync.WaitGroup
	faults.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-time.After(time.Duration(10+rand.IntN(40)) * time.Millisecond):
			}
			var err error
			switch i % 4 {
			case 0:
				err = c.Behave(t.Context(), devstack.SMSCBehaviour{DropBefore: 1, DelayMS: rand.IntN(10)})
			case 1:
				err = c.Behave(t.Context(), devstack.SMSCBehaviour{DropAfter: 1})
			case 2:
				err = c.Do(t.Context(), "drop")
			case 3:
				err = c.Do(t.Context(), "unbind")
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	errs := make([]error, 400)
	refs := make([]string, len(errs))
	var sending sync.WaitGroup
	for worker := range 8 {
		sending.Go(func() {
			for i := worker; i < len(errs); i += 8 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+rand.IntN(500))*time.Millisecond)
				var r notify.Receipt
				r, errs[i] = s.Send(ctx, messageOf(fmt.Sprint("number ", i)))
				refs[i] = r.Ref
				cancel()
			}
		})
	}
	sending.Wait()
	close(done)
	faults.Wait()
	came := map[string][]string{}
	for _, e := range submits(t, c) {
		came[e.Text] = append(came[e.Text], e.MessageID)
	}
	counts := map[notify.Class]int{}
	for i, err := range errs {
		ids := came[fmt.Sprint("number ", i)]
		class := notify.Class("TAKEN")
		if err != nil {
			class = notify.ClassOf(err)
		}
		counts[class]++
		switch {
		case len(ids) > 1:
			t.Errorf("message %d came %d times", i, len(ids))
		case err == nil && (len(ids) != 1 || !strings.EqualFold(ids[0], refs[i])):
			t.Errorf("message %d has id %s and came as %v", i, refs[i], ids)
		case class == notify.Transient && len(ids) != 0:
			t.Errorf("message %d came although: %v", i, err)
		case class == notify.Permanent || class == notify.Throttled:
			t.Errorf("message %d: %v", i, err)
		}
	}
	t.Log(counts)
	if counts["TAKEN"] == 0 || counts[notify.Ambiguous] == 0 {
		t.Errorf("nothing was tried: %v", counts)
	}
}
