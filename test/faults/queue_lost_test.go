package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/test/harness"
)

// TestCrashWithTheQueueLost is TestCrashLosesNothing where each kill takes the
// embedded broker's disk with it, and then news that only that broker had.
func TestCrashWithTheQueueLost(t *testing.T) {
	const lease = "notify: {lease: 5s}\n"
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+lease))
	s.Start(t)
	l := &ledger{acked: map[string]acknowledged{}}
	var next atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() { l.caller(ctx, t, s, &next) })
	}
	for range 3 {
		time.Sleep(300*time.Millisecond + rand.N(time.Second))
		s.Kill()
		loseQueue(t, s)
		s.Start(t)
	}
	harness.Eventually(t, time.Minute, func(context.Context) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if n := len(l.acked); n < 100 {
			return fmt.Errorf("only %d registrations were acknowledged", n)
		}
		return nil
	})
	stop()
	callers.Wait()
	l.check(t, s)

	// Some verify their addresses while nobody takes news out of the queue.
	const verified = 20
	type news struct{ registration, code string }
	var due []news
	for _, a := range l.acked {
		codes, err := s.Codes(t.Context(), a.request.Email)
		if err != nil || len(codes) != 1 {
			t.Fatalf("%d codes came, %v", len(codes), err)
		}
		if due = append(due, news{a.receipt.RegistrationID, codes[0]}); len(due) == verified {
			break
		}
	}
	before, err := s.InboxCount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	deaf := harness.New(t, "--config", harness.Config(t, harness.CheapHash+"notify: {lanes: [none]}\n"), "--data-dir", filepath.Join(s.Dir, "data"))
	deaf.Start(t)
	want := 0
	for _, n := range due {
		if _, err := deaf.Verify(t.Context(), n.registration, "EMAIL", n.code); err != nil {
			t.Fatal(err)
		}
		d, err := deaf.Lookup(t.Context(), "registrationId", n.registration)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range d.Notifications {
			if one.Kind == "REGISTRATION_COMPLETED" {
				want++
			}
		}
	}
	time.Sleep(2 * time.Second) // they are published, and marked so
	deaf.Kill()
	loseQueue(t, s)
	s.Start(t)
	began := time.Now()
	// Far less than the time after which unread news are published again anyhow.
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		count, err := s.InboxCount(ctx)
		if err == nil && count != before+want {
			err = fmt.Errorf("%d of %d news are in the inbox", count-before, want)
		}
		return err
	})
	t.Logf("%d news that the lost queue had are in the inbox %v after the start", want, time.Since(began).Round(time.Millisecond))
	if err := s.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.Log(t))
	}
}

// loseQueue deletes the log of a service's own broker.
func loseQueue(t *testing.T, s *harness.Service) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(s.Dir, "data", "queue")); err != nil {
		t.Fatal(err)
	}
}
