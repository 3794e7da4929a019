package queue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
	"registrar/internal/queue"
	"registrar/internal/registration"
)

// TestContract asks the same of the embedded broker, as a process of its own,
// and of Kafka.
func TestContract(t *testing.T) {
	cases := map[string]func(*testing.T, *broker){
		"every lane carries its messages whole":                testCarries,
		"a recipient's messages keep their order":              testOrder,
		"a lane that is stuck holds up no other":               testIsolation,
		"what the handler refuses comes again":                 testRefused,
		"what was not handled comes again after a restart":     testRestart,
		"members come and go and nothing is lost":              testRebalance,
		"poison goes to the dead-letter topic":                 testPoison,
		"an offset that is not there is no end":                testOutOfRange,
		"topics are made once and checked":                     testTopics,
		"topics that were deleted come back":                   testTopicsLost,
		"a topic made anew is read from its beginning":         testTopicMadeAnew,
		"dead letters are listed, put back, discarded":         testLetters,
		"where there are no letters there is no error":         testNoLetters,
		"events are CloudEvents, a registration's in order":    testEvents,
		"events are read on from every position":               testEventReader,
		"events that are not kept are told as such":            testEventsDropped,
		"partitions of events that are added are read":         testPartitionsAdded,
		"the topic of events is made where it is not there":    testEventTopicLost,
		"a member that cannot leave in time does not hang Run": testLeave,
	}
	for _, kind := range []string{"embedded", "kafka"} {
		t.Run(kind, func(t *testing.T) {
			b, err := brokers[kind]()
			if err != nil {
				t.Fatal(err)
			}
			t.Run("up", func(t *testing.T) {
				for name, test := range cases {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						test(t, b)
					})
				}
			})
			t.Run("killed and restarted, it has all that it acknowledged", func(t *testing.T) { testKilled(t, b) })
			t.Run("killed and restarted, its events are read on", func(t *testing.T) { testEventReaderAway(t, b) })
			t.Run("paused, it is waited for and found again", func(t *testing.T) { testPaused(t, b) })
		})
	}
}

func testCarries(t *testing.T, b *broker) {
	var handled atomic.Int64
	c, _ := ready(t, b, queue.Observer{Handled: func(_ string, n int) { handled.Add(int64(n)) }})
	var want []lane.Message
	for _, l := range lane.All() {
		for i, m := range messages(l, 30) {
			if i%2 == 0 {
				m.TraceParent = traceParent(i)
			}
			want = append(want, m)
		}
	}
	publish(t, c, want)
	got := newSink()
	for _, l := range lane.All() {
		consume(t, c, l, func(ctx context.Context, all []lane.Message) error {
			for _, m := range all {
				if m.Lane != l {
					t.Errorf("lane %s got a message of %s", l, m.Lane)
				}
			}
			return got.handle(ctx, all)
		})
	}
	got.await(t, want)
	byID := map[registration.ID]lane.Message{}
	for _, m := range got.all() {
		byID[m.NotificationID] = m
	}
	for _, m := range want {
		if byID[m.NotificationID] != m {
			t.Errorf("got  %+v\nwant %+v", byID[m.NotificationID], m)
		}
	}
	eventually(t, "every message is counted", func() bool { return handled.Load() >= int64(len(want)) })
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func testOrder(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	got := newSink()
	consume(t, c, lane.EmailTransactional, got.handle)
	var want []lane.Message
	for range 20 {
		var batch []lane.Message
		for i := range 15 {
			batch = append(batch, message(lane.EmailTransactional, fmt.Sprint("recipient", i%5)))
		}
		publish(t, c, batch)
		want = append(want, batch...)
	}
	got.await(t, want)
	inOrder := func(all []lane.Message) map[uint16][]registration.ID {
		ids := map[uint16][]registration.ID{}
		for _, m := range all {
			if !slices.Contains(ids[m.Recipient], m.NotificationID) {
				ids[m.Recipient] = append(ids[m.Recipient], m.NotificationID)
			}
		}
		return ids
	}
	sent, came := inOrder(want), inOrder(got.all())
	for recipient, ids := range sent {
		if !slices.Equal(ids, came[recipient]) {
			t.Errorf("recipient %04x: order is lost", recipient)
		}
	}
}

func testIsolation(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	marketing, codes := messages(lane.EmailMarketing, 400), messages(lane.SMSOTP, 40)
	publish(t, c, marketing)
	release, stuck := make(chan struct{}), make(chan struct{}, 8)
	var after sink
	after.more = make(chan struct{}, 1)
	consume(t, c, lane.EmailMarketing, func(ctx context.Context, all []lane.Message) error {
		select {
		case stuck <- struct{}{}:
		default:
		}
		select {
		case <-release:
		case <-ctx.Done():
			return ctx.Err()
		}
		return after.handle(ctx, all)
	})
	select {
	case <-stuck:
	case <-time.After(patience):
		t.Fatal("the marketing lane did not begin")
	}
	got := newSink()
	consume(t, c, lane.SMSOTP, got.handle)
	publish(t, c, codes)
	got.await(t, codes)
	if n := len(after.all()); n != 0 {
		t.Fatalf("%d marketing messages are through: the lane was not stuck", n)
	}
	close(release)
	after.await(t, marketing)
}

func testRefused(t *testing.T, b *broker) {
	var failed atomic.Int64
	c, _ := ready(t, b, queue.Observer{Failed: func(string) { failed.Add(1) }})
	want := make([]lane.Message, 5)
	for i := range want {
		want[i] = message(lane.SMSTransactional, "one recipient") // one partition
	}
	publish(t, c, want)
	got := newSink()
	var mu sync.Mutex
	var seen [][]registration.ID
	consume(t, c, lane.SMSTransactional, func(ctx context.Context, all []lane.Message) error {
		mu.Lock()
		defer mu.Unlock()
		var ids []registration.ID
		for _, m := range all {
			ids = append(ids, m.NotificationID)
		}
		seen = append(seen, ids)
		if len(seen) <= 2 {
			return errors.New("the database is away")
		}
		return got.handle(ctx, all)
	})
	got.await(t, want)
	mu.Lock()
	defer mu.Unlock()
	if failed.Load() != 2 || !slices.Equal(seen[0], seen[1]) || !slices.Equal(seen[1], seen[2]) {
		t.Errorf("%d refusals, batches %v: want the same three times", failed.Load(), seen)
	}
}

func testRestart(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	done := messages(lane.EmailOTP, 25)
	publish(t, c, done)
	first := newSink()
	run := consume(t, c, lane.EmailOTP, first.handle)
	first.await(t, done)
	run.stop()

	// What was handled is committed; what the handler did not finish is not.
	open := messages(lane.EmailOTP, 25)
	publish(t, c, open)
	started := make(chan struct{}, 100)
	run = consume(t, c, lane.EmailOTP, func(ctx context.Context, _ []lane.Message) error {
		started <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	select {
	case <-started:
	case <-time.After(patience):
		t.Fatal("nothing came to the second consumer")
	}
	run.stop()

	third := newSink()
	consume(t, c, lane.EmailOTP, third.handle)
	third.await(t, open)
	times := third.times()
	for _, m := range done {
		if times[m.NotificationID] != 0 {
			t.Errorf("%s was handled before the orderly stop and came again", m.NotificationID)
		}
	}
}

func testRebalance(t *testing.T, b *broker) {
	c, s := ready(t, b, queue.Observer{})
	const l = lane.EmailTransactional
	got := newSink()
	a := consume(t, c, l, got.handle)

	// Publishing goes on all the time.
	var mu sync.Mutex
	var want []lane.Message
	ctx, cancel := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for ctx.Err() == nil {
			batch := messages(l, 8)
			if err := c.Publisher().Publish(context.WithoutCancel(ctx), batch); err != nil {
				t.Errorf("publish: %v", err)
				return
			}
			mu.Lock()
			want = append(want, batch...)
			mu.Unlock()
			time.Sleep(5 * time.Millisecond)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); publishing.Wait() })
	defer stop()

	// Members are processes of their own: each has its own client.
	var ofB, ofC atomic.Int64
	counting := func(n *atomic.Int64) queue.Handler {
		return func(ctx context.Context, all []lane.Message) error {
			n.Add(int64(len(all)))
			return got.handle(ctx, all)
		}
	}
	second := consume(t, open(t, s, queue.Observer{}), l, counting(&ofB))
	eventually(t, "the second member has its share", func() bool { return ofB.Load() > 0 })
	a.stop()
	before := ofB.Load()
	eventually(t, "the second member reads alone", func() bool { return ofB.Load() > before+50 })
	third := consume(t, open(t, s, queue.Observer{}), l, counting(&ofC))
	eventually(t, "the third member has its share", func() bool { return ofC.Load() > 0 })
	second.stop()
	before = ofC.Load()
	eventually(t, "the third member reads alone", func() bool { return ofC.Load() > before+50 })
	stop()
	got.await(t, want)
	third.stop()

	// All of it is committed: a fourth member has nothing to do but what is new.
	last := messages(l, 30)
	publish(t, c, last)
	fourth := newSink()
	consume(t, c, l, fourth.handle)
	fourth.await(t, last)
	times := fourth.times()
	for _, m := range want {
		if times[m.NotificationID] != 0 {
			t.Errorf("%s was handled before and came again", m.NotificationID)
		}
	}
}

func testPoison(t *testing.T, b *broker) {
	var poisoned atomic.Int64
	c, s := ready(t, b, queue.Observer{Poisoned: func(string) { poisoned.Add(1) }})
	const l = lane.EmailTransactional
	good := []lane.Message{message(l, "a"), message(l, "a")}
	key := string(queue.Key(l, good[0].Recipient))
	poison := map[string][]byte{
		"not JSON":        []byte("{{{"),
		"empty":           nil,
		"a later version": []byte(`{"v":2}`),
		"another's":       queueValue(t, message(lane.EmailOTP, "a")),
		"too long":        bytesOf("x", 100_000),
	}
	publish(t, c, good[:1])
	w := &kafka.Writer{Addr: kafka.TCP(s.Brokers...), Topic: s.Topic(), Balancer: queue.LaneBalancer{}, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, Transport: &kafka.Transport{}}
	t.Cleanup(w.Transport.(*kafka.Transport).CloseIdleConnections)
	t.Cleanup(func() { _ = w.Close() })
	for reason, value := range poison {
		m := kafka.Message{Key: []byte(key), Value: value, Headers: []kafka.Header{{Key: "what", Value: []byte(reason)}}}
		if err := w.WriteMessages(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, c, []lane.Message{good[1]})

	got := newSink()
	run := consume(t, c, l, got.handle)
	got.await(t, good)
	if n := len(got.all()); n != len(good) {
		t.Errorf("%d messages reached the handler, want %d", n, len(good))
	}
	if int(poisoned.Load()) != len(poison) {
		t.Errorf("%d counted as poison, want %d", poisoned.Load(), len(poison))
	}
	run.stop()

	dead := kafka.NewReader(kafka.ReaderConfig{Brokers: s.Brokers, Topic: s.DeadLetterTopic(), MaxWait: 200 * time.Millisecond})
	t.Cleanup(func() { _ = dead.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	found := map[string]bool{}
	for range poison {
		letter, err := dead.ReadMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		headers := map[string]string{}
		for _, h := range letter.Headers {
			headers[h.Key] = string(h.Value)
		}
		if string(letter.Key) != key || headers["reason"] == "" || string(letter.Value) != string(poison[headers["what"]]) {
			t.Errorf("dead letter: key %q, headers %v", letter.Key, headers)
		}
		found[headers["what"]] = true
	}
	if len(found) != len(poison) {
		t.Errorf("dead letters %v, want %v", slices.Collect(maps.Keys(found)), slices.Collect(maps.Keys(poison)))
	}

	// Poison is committed: it does not come again.
	again := newSink()
	consume(t, c, l, again.handle)
	next := []lane.Message{message(l, "a")}
	publish(t, c, next)
	again.await(t, next)
	if int(poisoned.Load()) != len(poison) {
		t.Errorf("poison came again: %d", poisoned.Load())
	}
}

func queueValue(t *testing.T, m lane.Message) []byte {
	t.Helper()
	record, err := queue.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return record.Value
}

// testOutOfRange: the committed offset is past the log's end, as after a broker
// lost its disk.
func testOutOfRange(t *testing.T, b *broker) {
	c, s := ready(t, b, queue.Observer{})
	const l = lane.SMSOTP
	want := messages(l, 20)
	publish(t, c, want)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: transport}
	r, err := queue.RangeOf(l)
	if err != nil {
		t.Fatal(err)
	}
	var offsets []kafka.OffsetCommit
	for i := range r.Count {
		offsets = append(offsets, kafka.OffsetCommit{Partition: r.First + i, Offset: 1_000_000})
	}
	eventually(t, "the coordinator takes offsets", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		answer, err := admin.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: s.GroupID(l), GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{s.Topic(): offsets}})
		if err != nil {
			return false
		}
		for _, p := range answer.Topics[s.Topic()] {
			if p.Error != nil {
				return false
			}
		}
		return true
	})
	got := newSink()
	run := consume(t, c, l, got.handle)
	got.await(t, want)
	run.stop()
	next := messages(l, 20)
	publish(t, c, next)
	again := newSink()
	consume(t, c, l, again.handle)
	again.await(t, next)
	if n := len(again.times()); n != len(next) {
		t.Errorf("%d messages came after the offsets were put right, want %d", n, len(next))
	}
}

func testTopics(t *testing.T, b *broker) {
	var told atomic.Int64
	c, s := ready(t, b, queue.Observer{Lost: func(lanes []lane.Lane) {
		told.Add(1)
		if !slices.Equal(lanes, lane.All()) {
			t.Errorf("a topic that was made has these lanes alone: %v", lanes)
		}
	}})
	if err := c.EnsureTopics(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
	if told.Load() != 1 {
		t.Errorf("told %d times that the topic had to be made, want once", told.Load())
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: transport}
	meta, err := admin.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{s.Topic(), s.DeadLetterTopic()}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(meta.Topics[0].Partitions); n != queue.Partitions {
		t.Errorf("%d partitions, want %d", n, queue.Partitions)
	}
	if n := len(meta.Topics[1].Partitions); n != 1 {
		t.Errorf("%d dead-letter partitions, want 1", n)
	}

	small := settingsFor(b)
	made, err := admin.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: small.Topic(), NumPartitions: 3, ReplicationFactor: 1}}})
	if err := errors.Join(err, made.Errors[small.Topic()]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = open(t, small, queue.Observer{}).EnsureTopics(ctx)
	if err == nil || ctx.Err() != nil {
		t.Errorf("a topic of 3 partitions: %v, want an error at once", err)
	}
}

// testTopicsLost: a broker whose disk was wiped clean does not know the topics.
func testTopicsLost(t *testing.T, b *broker) {
	c, s := ready(t, b, queue.Observer{})
	const l = lane.EmailOTP
	got := newSink()
	consume(t, c, l, got.handle)
	first := messages(l, 400) // the new log's end is below the old one's for a while
	publish(t, c, first)
	got.await(t, first)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: transport}
	if _, err := admin.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{s.Topic(), s.DeadLetterTopic()}}); err != nil {
		t.Fatal(err)
	}
	// What is published before that goes with the old log.
	eventually(t, "the old log is gone", func() bool { return messagesIn(t, admin, s.Topic()) != int64(len(first)) })
	next := messages(l, 5)
	eventually(t, "publishing works again", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return c.Publisher().Publish(ctx, next) == nil
	})
	got.await(t, next)
}

// testTopicMadeAnew: the topic was lost and made anew, and has more messages than
// the old one had, before a reader looks again.
func testTopicMadeAnew(t *testing.T, b *broker) {
	var told atomic.Int64
	c, s := ready(t, b, queue.Observer{Lost: func([]lane.Lane) { told.Add(1) }})
	const l = lane.SMSTransactional
	of := func(n int) (all []lane.Message) { // one partition's
		for range n {
			all = append(all, message(l, "one"))
		}
		return all
	}
	got := newSink()
	held, release := make(chan struct{}), make(chan struct{})
	hold := sync.OnceFunc(func() {
		close(held)
		<-release
	})
	first := of(3)
	consume(t, c, l, func(ctx context.Context, all []lane.Message) error {
		err := got.handle(ctx, all)
		if len(got.times()) == len(first) {
			hold()
		}
		return err
	})
	publish(t, c, first)
	select {
	case <-held:
	case <-time.After(patience):
		t.Fatal("the first messages did not come")
	}
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: transport}
	if _, err := admin.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{s.Topic()}}); err != nil {
		t.Fatal(err)
	}
	other := open(t, s, queue.Observer{Lost: func([]lane.Lane) { told.Add(1) }})
	before := told.Load()
	eventually(t, "the topic is made anew", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return other.EnsureTopics(ctx) == nil && told.Load() > before
	})
	// A broker that is behind the controller still takes messages into the old log,
	// and throws them away with it.
	eventually(t, "the old log is gone", func() bool { return messagesIn(t, admin, s.Topic()) == 0 })
	next := of(5)
	publish(t, other, next)
	time.Sleep(1100 * time.Millisecond) // the reader's memory of the log is that short
	before = told.Load()
	close(release)
	got.await(t, next)
	if told.Load() == before {
		t.Error("the reader did not tell that the log is another one")
	}
}

// messagesIn is how many messages a topic's partitions hold; -1 while they do not say.
func messagesIn(t *testing.T, admin *kafka.Client, topic string) int64 {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var asked []kafka.OffsetRequest
	for partition := range queue.Partitions {
		asked = append(asked, kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition))
	}
	answer, err := admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil || len(answer.Topics[topic]) != queue.Partitions {
		return -1
	}
	n := int64(0)
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return -1
		}
		n += p.LastOffset - p.FirstOffset
	}
	return n
}

// testLeave: the coordinator is out of reach when the consumer stops.
func testLeave(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	got := newSink()
	run := consume(t, c, lane.SMSMarketing, got.handle)
	want := messages(lane.SMSMarketing, 5)
	publish(t, c, want)
	got.await(t, want)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	run.stop()
}

func testKilled(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	const l = lane.EmailTransactional
	got := newSink()
	consume(t, c, l, got.handle)
	p := c.Publisher()

	var acknowledged []lane.Message
	ctx, cancel := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for ctx.Err() == nil {
			batch := messages(l, 3)
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
			if p.Publish(limited, batch) == nil {
				acknowledged = append(acknowledged, batch...)
			}
			cancel()
		}
	})
	eventually(t, "messages flow", func() bool { return len(got.all()) > 100 })
	b.kill()

	limited, stop := context.WithTimeout(t.Context(), time.Second)
	err := p.Publish(limited, messages(l, 1))
	stop()
	if err == nil {
		t.Error("a broker that is dead acknowledged")
	}

	if err := b.restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := len(got.all())
	eventually(t, "messages flow again", func() bool { return len(got.all()) > seen+100 })
	cancel()
	publishing.Wait()
	got.await(t, acknowledged)
	t.Logf("%d acknowledged, %d handled", len(acknowledged), len(got.all()))
}

func testPaused(t *testing.T, b *broker) {
	c, _ := ready(t, b, queue.Observer{})
	const l = lane.SMSTransactional
	got := newSink()
	consume(t, c, l, got.handle)
	before := messages(l, 10)
	publish(t, c, before)
	got.await(t, before)

	if err := b.pause(); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), time.Second)
	err := c.Publisher().Publish(limited, messages(l, 1))
	cancel()
	if err := b.unfreeze(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("publish to a broker that does not answer: %v, want deadline exceeded", err)
	}
	after := messages(l, 10)
	publish(t, c, after)
	got.await(t, after)
}
