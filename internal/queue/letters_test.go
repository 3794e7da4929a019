package queue_test

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/deadletter"
	"registrar/internal/lane"
	"registrar/internal/queue"
	"registrar/internal/store"
)

// place is a balancer that puts everything into one partition.
type place int

func (p place) Balance(kafka.Message, ...int) int { return int(p) }

// put writes records into a partition, as a foreign producer may.
func put(t *testing.T, s queue.Settings, partition int, records ...kafka.Message) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Addr: kafka.TCP(s.Brokers...), Topic: s.Topic(), Balancer: place(partition), RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, Transport: transport}
	defer func() { _ = w.Close() }()
	if err := w.WriteMessages(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

func decisions(t *testing.T) deadletter.Decisions {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db.DeadLetters()
}

// testLetters: whatever is wrong with a message, what is behind it goes on, and
// people can put it back or be done with it.
func testLetters(t *testing.T, b *broker) {
	c, s := ready(t, b, queue.Observer{})
	service := &deadletter.Service{Topic: c.Letters(), Decisions: decisions(t), Now: time.Now}
	const l = lane.EmailTransactional
	ours, err := queue.RangeOf(l)
	if err != nil {
		t.Fatal(err)
	}
	good := messages(l, 12)
	right, astray := message(l, "a"), message(lane.SMSTransactional, "b")
	astray.TraceParent = traceParent(7)
	misplaced, err := queue.Encode(astray)
	if err != nil {
		t.Fatal(err)
	}
	key := queue.Key(l, right.Recipient)
	later := []byte(`{"v":2,"id":"` + right.NotificationID.String() + `"}`)
	poison := []kafka.Message{
		{Key: key, Value: []byte("\x00{{{\x1b[31m")},
		{Key: key, Value: later, Headers: []kafka.Header{{Key: "reason", Value: []byte("its own")}}},
		{Key: key, Value: queueValue(t, message(lane.EmailOTP, "a"))},
		{Key: []byte("pigeon.otp/0000"), Value: queueValue(t, right)},
		{Value: nil},
		misplaced,
	}
	for i, m := range poison {
		publish(t, c, good[2*i:2*i+2])
		put(t, s, ours.First, m)
	}
	got, gotSMS := newSink(), newSink()
	consume(t, c, l, got.handle)
	consume(t, c, lane.SMSTransactional, gotSMS.handle)
	got.await(t, good)

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	letters := func() (all []deadletter.Decided) {
		t.Helper()
		if err := service.Each(ctx, func(d deadletter.Decided) error { all = append(all, d); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	count := func(want int) {
		t.Helper()
		eventually(t, "all poison is in the dead-letter topic", func() bool { return len(letters()) >= want })
		if n := len(letters()); n != want {
			t.Fatalf("%d letters, want %d", n, want)
		}
	}
	count(len(poison))
	all := letters()
	for i, want := range []struct{ reason, lane string }{
		{"malformed", string(l)}, {"unknown version", string(l)}, {"key and value disagree", string(l)},
		{"key and value disagree", ""}, {"malformed", ""}, {"not of this lane", "sms.transactional"},
	} {
		d := all[i]
		if d.Reason != want.reason || d.Lane != want.lane || d.Decision != "" || d.WrittenAt.IsZero() ||
			string(d.Key) != string(poison[i].Key) || string(d.Value) != string(poison[i].Value) || len(d.Headers) != len(poison[i].Headers) {
			t.Errorf("letter %d is %+v, want %+v", i, d, want)
		}
	}

	done := func(o deadletter.Outcome, err error) deadletter.Outcome {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	// What lay in the wrong place goes to the right one, with all that it had.
	if o := done(service.Replay(ctx, []deadletter.ID{all[5].ID, all[5].ID})); o.Done != 1 {
		t.Errorf("the replay did %+v", o)
	}
	gotSMS.await(t, []lane.Message{astray})
	if m := gotSMS.all()[0]; m != astray {
		t.Errorf("it came back as %+v, was %+v", m, astray)
	}
	if o := done(service.Replay(ctx, []deadletter.ID{all[5].ID})); o.Done != 0 || o.Already != 1 {
		t.Errorf("the second replay did %+v", o)
	}
	// What is still not understood comes back, as a letter of its own.
	done(service.Replay(ctx, []deadletter.ID{all[1].ID}))
	count(7)
	back := letters()
	if d := back[6]; string(d.Value) != string(later) || d.Decision != "" || d.Reason != "unknown version" || len(d.Headers) != 1 || string(d.Headers[0].Value) != "its own" {
		t.Errorf("it came back as %+v", d)
	}
	if back[1].Decision != deadletter.Replayed {
		t.Errorf("the first is %q", back[1].Decision)
	}
	// Without a lane there is nowhere to go; and then nothing is done at all.
	if o, err := service.Replay(ctx, []deadletter.ID{all[0].ID, all[3].ID}); !errors.Is(err, deadletter.ErrNoLane) || o.Done != 0 {
		t.Errorf("replay of a key without lane: %+v, %v", o, err)
	}
	if o := done(service.Discard(ctx, []deadletter.ID{all[3].ID, all[5].ID})); o.Done != 1 || o.Already != 1 {
		t.Errorf("the discard did %+v", o)
	}
	for _, id := range []deadletter.ID{{Partition: 0, Offset: 1 << 40}, {Partition: 7, Offset: 0}} {
		if _, err := service.Letter(ctx, id); !errors.Is(err, deadletter.ErrUnknown) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if d, err := service.Letter(ctx, all[3].ID); err != nil || d.Decision != deadletter.Discarded || d.At.IsZero() {
		t.Errorf("the discarded letter is %+v, %v", d, err)
	}
	// All of the rest: three go back, and come back; one cannot.
	if o := done(service.ReplayAll(ctx)); o.Done != 3 || o.Already != 3 || !slices.Equal(o.NoLane, []deadletter.ID{all[4].ID}) {
		t.Errorf("the replay of all did %+v", o)
	}
	count(10)
	if o := done(service.DiscardAll(ctx)); o.Done != 4 || o.Already != 6 {
		t.Errorf("the discard of all did %+v", o)
	}
	decided := map[deadletter.Decision]int{}
	for _, d := range letters() {
		decided[d.Decision]++
	}
	if !maps.Equal(decided, map[deadletter.Decision]int{deadletter.Replayed: 5, deadletter.Discarded: 5}) {
		t.Errorf("decided %v", decided)
	}
	next := messages(l, 3)
	publish(t, c, next)
	got.await(t, next)
}

// testNoLetters: a topic that is empty, or not there, holds none.
func testNoLetters(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	without := open(t, settingsFor(b), queue.Observer{})
	for _, one := range []*queue.Client{c, without} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err := one.Letters().Read(ctx, func(all []deadletter.Letter) error {
			t.Errorf("letters %v", all)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestNoBroker: that nobody answers is told within seconds.
func TestNoBroker(t *testing.T) {
	t.Parallel()
	c := open(t, queue.Settings{Brokers: []string{"127.0.0.1:1"}}, queue.Observer{})
	err := c.Letters().Read(t.Context(), func([]deadletter.Letter) error { return nil })
	if !errors.Is(err, deadletter.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
}
