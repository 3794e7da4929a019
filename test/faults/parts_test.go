package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"registrar/test/harness"
)

// readiness gives what /readyz says of the process and of one part.
func readiness(ctx context.Context, s *harness.Service, part string) (ready, ok bool, err error) {
	_, b, err := s.Get(ctx, s.Admin+"/readyz")
	if err != nil {
		return false, false, err
	}
	var rep struct {
		Ready      bool
		Components map[string]struct{ OK bool }
	}
	if err := json.Unmarshal(b, &rep); err != nil {
		return false, false, err
	}
	return rep.Ready, rep.Components[part].OK, nil
}

// wantUnavailable registers and wants the fault that asks to come again,
// within the request's deadline.
func wantUnavailable(t *testing.T, s *harness.Service, n int64, within time.Duration) {
	t.Helper()
	began := time.Now()
	_, err := s.Register(t.Context(), person(n))
	took := time.Since(began)
	fault, ok := errors.AsType[*harness.Fault](err)
	if !ok || fault.Code != "UNAVAILABLE" || !fault.Retryable {
		t.Errorf("after %v: %v, want UNAVAILABLE", took, err)
	}
	if took > within {
		t.Errorf("the answer took %v, longer than the deadline of %v", took, within)
	}
}

// TestMariaDBGone: UNAVAILABLE within the deadline while the database is
// killed, and while it hangs; afterwards the service works again by itself.
func TestMariaDBGone(t *testing.T) {
	node, database := harness.MariaDB(t)
	const deadline = 3 * time.Second
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+database+"request_timeout: 3s\n"))
	s.Start(t)
	if _, err := s.Register(t.Context(), person(1)); err != nil {
		t.Fatal(err)
	}
	works := func(n int64) {
		t.Helper()
		harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
			_, err := s.Register(ctx, person(n))
			return err
		})
		harness.Eventually(t, 10*time.Second, func(ctx context.Context) error {
			if ready, _, err := readiness(ctx, s, "database"); err != nil || !ready {
				return fmt.Errorf("not ready: %w", err)
			}
			return nil
		})
	}

	node.Kill()
	wantUnavailable(t, s, 2, deadline+time.Second)
	if ready, ok, err := readiness(t.Context(), s, "database"); err != nil || ready || ok {
		t.Errorf("/readyz says ready %v, database %v, %v", ready, ok, err)
	}
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	works(2)

	if err := node.Pause(); err != nil {
		t.Fatal(err)
	}
	wantUnavailable(t, s, 3, deadline+time.Second)
	if err := node.Resume(); err != nil {
		t.Fatal(err)
	}
	works(3)
	for n := range int64(3) {
		want := 2
		if (n+1)%3 == 0 {
			want = 1
		}
		d, err := s.Lookup(t.Context(), "username", person(n+1).Username)
		if err != nil || len(d.Notifications) != want {
			t.Errorf("person %d: %d notifications, %v", n+1, len(d.Notifications), err)
		}
	}
	awaitInbox(t, s, 5)
}

// TestKafkaGone: registrations go on, /readyz stays ready and says so, and
// everything is delivered once the broker is back.
func TestKafkaGone(t *testing.T) {
	cluster, kafka := harness.Kafka(t)
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+kafka))
	s.Start(t)
	if _, err := s.Register(t.Context(), person(1)); err != nil {
		t.Fatal(err)
	}
	awaitInbox(t, s, 2)

	cluster.Nodes[0].Kill()
	want := 2
	for n := int64(2); n <= 30; n++ {
		r := person(n)
		if _, err := s.Register(t.Context(), r); err != nil {
			t.Fatalf("person %d with Kafka gone: %v", n, err)
		}
		want++
		if r.MobileNumber != "" {
			want++
		}
	}
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		ready, ok, err := readiness(ctx, s, "queue")
		if err != nil || !ready || ok {
			return fmt.Errorf("/readyz says ready %v, queue %v, %w", ready, ok, err)
		}
		return nil
	})
	if err := cluster.Nodes[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitInbox(t, s, want)
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		if _, ok, err := readiness(ctx, s, "queue"); err != nil || !ok {
			return fmt.Errorf("the queue is not well: %w", err)
		}
		return nil
	})
}

// awaitInbox waits until the inbox has n messages, and looks that it gets no more.
func awaitInbox(t *testing.T, s *harness.Service, n int) {
	t.Helper()
	harness.Eventually(t, 60*time.Second, func(ctx context.Context) error {
		count, err := s.InboxCount(ctx)
		if err == nil && count < n {
			err = fmt.Errorf("%d of %d messages are in the inbox", count, n)
		}
		return err
	})
	time.Sleep(300 * time.Millisecond)
	if count, err := s.InboxCount(t.Context()); err != nil || count != n {
		t.Errorf("the inbox has %d messages, %v; want %d", count, err, n)
	}
}
