package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/test/harness"
)

// follower reads the topic of events as any other system does.
type follower struct {
	brokers []string
	types   map[string][]string // what came of each subject, the first time each
	seen    map[string]bool     // ids
	refused []string            // codes
	next    []int64             // offset, by partition
}

const eventTopic = "registrar.events"

// read takes what there is by now, and says what is wrong with it.
func (f *follower) read(ctx context.Context) error {
	client := &kafka.Client{Addr: kafka.TCP(f.brokers...), Timeout: 5 * time.Second}
	for partition := range f.next {
		for {
			answer, err := client.Fetch(ctx, &kafka.FetchRequest{Topic: eventTopic, Partition: partition, Offset: f.next[partition], MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 50 * time.Millisecond})
			if err == nil {
				err = answer.Error
			}
			if err != nil {
				return err
			}
			before := f.next[partition]
			for {
				record, err := answer.Records.ReadRecord()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return err
				}
				f.next[partition] = record.Offset + 1
				if err := f.take(record); err != nil {
					return err
				}
			}
			if f.next[partition] == before {
				break
			}
		}
	}
	return nil
}

func (f *follower) take(record *kafka.Record) error {
	key, err := kafka.ReadAll(record.Key)
	if err != nil {
		return err
	}
	value, err := kafka.ReadAll(record.Value)
	if err != nil {
		return err
	}
	headers := map[string]string{}
	for _, h := range record.Headers {
		headers[h.Key] = string(h.Value)
	}
	var data map[string]string
	if err := json.Unmarshal(value, &data); err != nil {
		return fmt.Errorf("the data: %w: %s", err, value)
	}
	id, subject, eventType := headers["ce_id"], headers["ce_subject"], headers["ce_type"]
	at, timeError := time.Parse(time.RFC3339Nano, headers["ce_time"])
	switch {
	case headers["ce_specversion"] != "1.0" || headers["ce_source"] != "https://api.example.com" || headers["content-type"] != "application/json" ||
		headers["ce_dataschema"] != "urn:registrar:event:"+eventType || len(id) != 36 || timeError != nil || time.Since(at).Abs() > time.Hour:
		return fmt.Errorf("the headers are %v", headers)
	case data["registrationId"] != subject:
		return fmt.Errorf("the data of %s is %s", subject, value)
	case subject != "" && string(key) != subject, subject == "" && string(key) != id:
		return fmt.Errorf("the key of %s is %s", subject, key)
	case strings.ContainsAny(string(value), "@+"):
		return fmt.Errorf("somebody's address is in %s", value)
	case f.seen[id]:
		return nil
	}
	f.seen[id] = true
	if subject == "" {
		f.refused = append(f.refused, data["code"])
		return nil
	}
	f.types[subject] = append(f.types[subject], strings.TrimSuffix(strings.TrimPrefix(eventType, "registrar."), ".v1")+" "+data["status"]+data["channel"])
	return nil
}

// await what is to have come of each subject.
func (f *follower) await(t *testing.T, want map[string][]string, refused ...string) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		if err := f.read(ctx); err != nil {
			return err
		}
		for subject, types := range want {
			if got := f.types[subject]; len(got) < len(types) {
				return fmt.Errorf("of %s came %v, want %v", subject, got, types)
			}
		}
		if len(f.refused) < len(refused) {
			return fmt.Errorf("refused %v", f.refused)
		}
		return nil
	})
	for subject, types := range want {
		if got := f.types[subject]; !slices.Equal(got, types) {
			t.Errorf("of %s came %v, want %v", subject, got, types)
		}
	}
	if len(f.types) != len(want) || !slices.Equal(f.refused, refused) {
		t.Errorf("%d subjects, refused %v", len(f.types), f.refused)
	}
}

// TestEvents: what happens to people comes to other systems in its order, also
// what happened while the broker was dead and the service was killed.
func TestEvents(t *testing.T) {
	t.Parallel()
	cluster, brokers := harness.Kafka(t)
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+brokers+"events: {source: 'https://api.example.com'}\n"))
	s.Start(t)
	ctx := t.Context()
	register := func(n int) string {
		t.Helper()
		r, err := s.Register(ctx, harness.Register{Username: fmt.Sprint("person", n), Email: fmt.Sprintf("p%d@example.com", n), Password: "velvet-anchor-tuesday", ExternalID: fmt.Sprint("crm-", n)})
		if err != nil {
			t.Fatal(err)
		}
		return r.RegistrationID
	}
	verify := func(n int, id, code string) {
		t.Helper()
		if v, err := s.Verify(ctx, id, "EMAIL", code); err != nil || v.Status != "ACTIVE" {
			t.Fatalf("person %d: %+v, %v", n, v, err)
		}
	}
	first, second := register(1), register(2)
	codes := []string{awaitCode(t, s, "p1@example.com", 1), awaitCode(t, s, "p2@example.com", 1)}
	verify(1, first, codes[0])
	_, err := s.Register(ctx, harness.Register{Username: "person9", Email: "p1@example.com", Password: "velvet-anchor-tuesday"})
	wantFault(t, err, "EMAIL_TAKEN")
	created, verified, completed := "registration.created PENDING_VERIFICATION", "contact.verified EMAIL", "registration.completed ACTIVE"
	f := &follower{brokers: cluster.Brokers(), types: map[string][]string{}, seen: map[string]bool{}, next: make([]int64, 6)}
	f.await(t, map[string][]string{first: {created, verified, completed}, second: {created}}, "EMAIL_TAKEN")

	cluster.Nodes[0].Kill()
	third := register(3)
	verify(2, second, codes[1])
	s.Kill()
	s.Start(t)
	_, err = s.Register(ctx, harness.Register{Username: "person9", Email: "p9@example.com", Password: "password1"})
	wantFault(t, err, "PASSWORD_REJECTED")
	if err := cluster.Nodes[0].Restart(ctx); err != nil {
		t.Fatal(err)
	}
	fourth := register(4)
	f.await(t, map[string][]string{first: {created, verified, completed}, second: {created, verified, completed}, third: {created}, fourth: {created}}, "EMAIL_TAKEN", "PASSWORD_REJECTED")
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		_, page, err := s.Get(ctx, s.Admin+"/metrics")
		for _, line := range []string{"registrar_events_waiting 0", "registrar_events_unrecorded_total 0"} {
			if err == nil && !strings.Contains(string(page), "\n"+line+"\n") {
				err = errors.New("no " + line)
			}
		}
		return err
	})
}
