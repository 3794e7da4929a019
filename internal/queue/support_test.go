package queue_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/queue"
	"registrar/internal/registration"
)

const patience = 90 * time.Second // until a test is given up

var prefixes atomic.Int64

// settingsFor gives a test topics and groups of its own.
func settingsFor(b *broker) queue.Settings {
	s := b.settings
	s.Prefix = fmt.Sprintf("test%d", prefixes.Add(1))
	return s
}

func open(t *testing.T, s queue.Settings, observe queue.Observer) *queue.Client {
	t.Helper()
	c, err := queue.Open(s, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})), observe)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// ready is a client with its topics.
func ready(t *testing.T, b *broker, observe queue.Observer) (*queue.Client, queue.Settings) {
	t.Helper()
	s := settingsFor(b)
	c := open(t, s, observe)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.EnsureTopics(ctx); err != nil {
		t.Fatal(err)
	}
	return c, s
}

var sequence atomic.Uint64

// message is one like no other.
func message(l lane.Lane, recipient string) lane.Message {
	var id registration.ID
	binary.BigEndian.PutUint64(id[8:], sequence.Add(1))
	id[0] = 1
	return lane.Message{NotificationID: id, Lane: l, Recipient: lane.RecipientHash(recipient), Deadline: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)}
}

func messages(l lane.Lane, n int) []lane.Message {
	all := make([]lane.Message, n)
	for i := range all {
		all[i] = message(l, fmt.Sprint("recipient", i%17))
	}
	return all
}

func publish(t *testing.T, c *queue.Client, all []lane.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Publisher().Publish(ctx, all); err != nil {
		t.Fatal(err)
	}
}

// sink is a handler that remembers.
type sink struct {
	mu   sync.Mutex
	got  []lane.Message
	more chan struct{}
}

func newSink() *sink { return &sink{more: make(chan struct{}, 1)} }

func (s *sink) handle(_ context.Context, all []lane.Message) error {
	s.mu.Lock()
	s.got = append(s.got, all...)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return nil
}

func (s *sink) all() []lane.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// times says how often each message came.
func (s *sink) times() map[registration.ID]int {
	times := map[registration.ID]int{}
	for _, m := range s.all() {
		times[m.NotificationID]++
	}
	return times
}

// await waits until each of want has come.
func (s *sink) await(t *testing.T, want []lane.Message) {
	t.Helper()
	deadline := time.After(patience)
	for {
		times := s.times()
		missing := 0
		for _, m := range want {
			if times[m.NotificationID] == 0 {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		select {
		case <-s.more:
		case <-deadline:
			t.Fatalf("%d of %d messages did not come", missing, len(want))
		}
	}
}

// consumer is a running Run.
type consumer struct {
	stop func() // and wait
}

func consume(t *testing.T, c *queue.Client, l lane.Lane, handle queue.Handler) *consumer {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Consumer().Run(ctx, l, handle) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	t.Cleanup(stop)
	return &consumer{stop: stop}
}

// eventually waits for a condition that only polling can see.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// traceParent of a made-up trace.
func traceParent(n int) string {
	return fmt.Sprintf("00-%032x-%016x-01", n+1, n+1)
}

func bytesOf(s string, n int) []byte { return []byte(strings.Repeat(s, n)) }
