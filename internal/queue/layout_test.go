package queue_test

import (
	"errors"
	"testing"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
	"registrar/internal/queue"
)

// TestLayout pins version 1 of the map: a change would split what is in the
// topic already.
func TestLayout(t *testing.T) {
	t.Parallel()
	want := map[lane.Lane]queue.Range{
		"sms.otp": {First: 0, Count: 4}, "email.otp": {First: 4, Count: 4}, "sms.transactional": {First: 8, Count: 4},
		"email.transactional": {First: 12, Count: 4}, "email.marketing": {First: 16, Count: 4}, "sms.marketing": {First: 20, Count: 4},
	}
	for _, l := range lane.All() {
		if r, err := queue.RangeOf(l); err != nil || r != want[l] {
			t.Errorf("%s: %v, %v; want %v", l, r, err, want[l])
		}
		delete(want, l)
	}
	if len(want) != 0 {
		t.Errorf("lanes that are gone: %v", want)
	}
	if _, err := queue.RangeOf("pigeon.otp"); !errors.Is(err, queue.ErrNoLane) {
		t.Errorf("unknown lane: %v", err)
	}
}

// TestBalancer: in the lane's range, always the same, and spread over it.
func TestBalancer(t *testing.T) {
	t.Parallel()
	for _, l := range lane.All() {
		r, err := queue.RangeOf(l)
		if err != nil {
			t.Fatal(err)
		}
		count := make([]int, r.Count)
		for hash := range 1 << 16 {
			msg := kafka.Message{Key: queue.Key(l, uint16(hash))}
			p := queue.LaneBalancer{}.Balance(msg, 0)
			if p < r.First || p >= r.First+r.Count {
				t.Fatalf("%s: partition %d is not in %v", l, p, r)
			}
			if hash%1000 == 0 && (queue.LaneBalancer{}).Balance(msg, 1, 2, 3) != p {
				t.Fatalf("%s: the partition changes with what partitions there are", l)
			}
			count[p-r.First]++
		}
		for i, n := range count {
			if n < 14_000 || n > 19_000 { // of 16,384
				t.Errorf("%s: partition %d has %d of 65,536 recipients", l, r.First+i, n)
			}
		}
	}
	for _, key := range []string{"", "/", "/0000", "sms", "sms.otp", "sms.otp/", "sms.otp/000g", "pigeon.otp/0000"} {
		if p := (queue.LaneBalancer{}).Balance(kafka.Message{Key: []byte(key)}, 0, 1, 2); p >= 0 {
			t.Errorf("key %q: partition %d, want none", key, p)
		}
	}
}

func TestPublishRefusesNoLane(t *testing.T) {
	t.Parallel()
	c := open(t, queue.Settings{Brokers: []string{"127.0.0.1:1"}}, queue.Observer{})
	err := c.Publisher().Publish(t.Context(), []lane.Message{message(lane.SMSOTP, "a"), {Lane: "pigeon.otp"}})
	if !errors.Is(err, queue.ErrNoLane) {
		t.Errorf("got %v", err)
	}
	if err := c.Publisher().Publish(t.Context(), nil); err != nil {
		t.Errorf("nothing to publish: %v", err)
	}
	if err := c.Consumer().Run(t.Context(), "pigeon.otp", newSink().handle); !errors.Is(err, queue.ErrNoLane) {
		t.Errorf("consumer: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]queue.Settings{
		"no brokers":           {},
		"no port":              {Brokers: []string{"localhost"}},
		"password without TLS": {Brokers: []string{"localhost:9092"}, Username: "u", Password: "p"},
	} {
		if _, err := queue.Open(s, nil, queue.Observer{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
