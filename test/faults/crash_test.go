// Package faults_test kills what the service is made of, under load, and counts
// what was lost or done twice.
package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/test/harness"
)

// rounds is how many times the service is killed: $ROUNDS, else few.
func rounds(t *testing.T) int {
	t.Helper()
	s := os.Getenv("ROUNDS")
	if s == "" {
		return 5
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("ROUNDS=%q is not a number of rounds", s)
	}
	return n
}

// ledger is what callers were told.
type ledger struct {
	mu    sync.Mutex
	acked map[string]acknowledged // by request id
}

type acknowledged struct {
	request harness.Register
	receipt harness.Receipt
}

// person makes the n-th request; every third person has no mobile number.
func person(n int64) harness.Register {
	r := harness.Register{
		RequestID: fmt.Sprintf("crash-%d", n), Username: fmt.Sprintf("person%d", n), Email: fmt.Sprintf("person%d@example.com", n),
		Password: fmt.Sprintf("velvet-anchor-%d", n), FirstName: "Noor", Locale: "ar",
	}
	if n%3 != 0 {
		r.MobileNumber = fmt.Sprintf("+9665%08d", 10_000_000+n)
	}
	return r
}

// caller registers people one after the other as a real caller does: the same
// request id again until there is an answer.
func (l *ledger) caller(ctx context.Context, t *testing.T, s *harness.Service, next *atomic.Int64) {
	for ctx.Err() == nil {
		r := person(next.Add(1))
		for ctx.Err() == nil {
			callCtx, cancel := context.WithTimeout(ctx, 10*time.Second)
			receipt, err := s.Register(callCtx, r)
			cancel()
			if err == nil {
				l.mu.Lock()
				l.acked[r.RequestID] = acknowledged{r, receipt}
				l.mu.Unlock()
				break
			}
			if fault, ok := errors.AsType[*harness.Fault](err); ok && !fault.Retryable {
				t.Errorf("%s was refused: %v", r.RequestID, fault)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// TestCrashLosesNothing kills the service with SIGKILL at random moments under
// load, again and again on one data directory. Every acknowledged registration
// must then be there exactly once, with each of its notifications in the inbox
// exactly once, and a repeated request must get the reply that the first got.
func TestCrashLosesNothing(t *testing.T) {
	n := rounds(t)
	// A short lease: what the killed process held is taken up again soon.
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+"notify: {lease: 5s}\n"))
	s.Start(t)

	l := &ledger{acked: map[string]acknowledged{}}
	var next atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() { l.caller(ctx, t, s, &next) })
	}
	for round := range n {
		time.Sleep(300*time.Millisecond + rand.N(1500*time.Millisecond))
		s.Kill()
		down := time.Now()
		s.Start(t)
		l.mu.Lock()
		t.Logf("kill %d of %d: ready again after %v, %d acknowledged so far", round+1, n, time.Since(down).Round(time.Millisecond), len(l.acked))
		l.mu.Unlock()
	}
	time.Sleep(500 * time.Millisecond)
	stop()
	callers.Wait()
	l.check(t, s)
	if err := s.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.Log(t))
	}
}

// check holds what the callers were told against what is there.
func (l *ledger) check(t *testing.T, s *harness.Service) {
	t.Helper()
	if len(l.acked) < 50 {
		t.Fatalf("only %d registrations were acknowledged: that is no load", len(l.acked))
	}
	want := map[string]string{} // notification id -> address
	for id, a := range l.acked {
		again, err := s.Register(t.Context(), a.request)
		if err != nil {
			t.Fatalf("%s again: %v", id, err)
		}
		if again != a.receipt {
			t.Errorf("%s again got another reply: %+v, first %+v", id, again, a.receipt)
		}
		there, err := s.Lookup(t.Context(), "username", a.request.Username)
		if err != nil {
			t.Errorf("%s was acknowledged and is not there: %v", id, err)
			continue
		}
		if there.RegistrationID != a.receipt.RegistrationID {
			t.Errorf("%s was acknowledged as %s and is %s", id, a.receipt.RegistrationID, there.RegistrationID)
		}
		expected := 1
		if a.request.MobileNumber != "" {
			expected = 2
		}
		if len(there.Notifications) != expected {
			t.Errorf("%s has %d notifications, not %d", id, len(there.Notifications), expected)
		}
		for _, n := range there.Notifications {
			want[n.ID] = a.request.Email
			if n.Channel == "SMS" {
				want[n.ID] = a.request.MobileNumber
			}
		}
	}
	harness.Eventually(t, 90*time.Second, func(ctx context.Context) error {
		inbox, err := s.Inbox(ctx)
		if err != nil {
			return err
		}
		got := map[string]bool{}
		for _, m := range inbox {
			got[m.ID] = true
		}
		missing := 0
		for id := range want {
			if !got[id] {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d notifications of acknowledged registrations are not in the inbox", missing, len(want))
		}
		return nil
	})
	inbox, err := s.Inbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	perAddress := map[string]int{}
	for _, m := range inbox {
		if len(m.To) != 1 {
			t.Fatalf("message %s has %d recipients", m.ID, len(m.To))
		}
		if address, ok := want[m.ID]; ok && m.To[0].Address != address {
			t.Errorf("notification %s went to another address than its account's", m.ID)
		}
		perAddress[m.To[0].Address]++
	}
	for address, n := range perAddress {
		if n != 1 {
			t.Errorf("%s got %d messages", address, n)
		}
	}
	t.Logf("%d registrations acknowledged, %d notifications, %d messages in the inbox", len(l.acked), len(want), len(inbox))
}
