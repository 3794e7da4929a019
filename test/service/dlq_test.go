package service_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/test/harness"
)

// poison writes what no notifier can read into a partition of the queue.
func poison(t *testing.T, broker string, partition int, key, value string) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	w := &kafka.Writer{Addr: kafka.TCP(broker), Topic: "registrar.notifications", Balancer: toPartition(partition), RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, Transport: transport}
	defer func() { _ = w.Close() }()
	if err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte(key), Value: []byte(value)}); err != nil {
		t.Fatal(err)
	}
}

type toPartition int

func (p toPartition) Balance(kafka.Message, ...int) int { return int(p) }

// TestDeadLetters beside a service that runs on the embedded broker, and after
// its end; and on Kafka.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"embedded", "kafka"} {
		t.Run(on, func(t *testing.T) {
			t.Parallel()
			settings := harness.CheapHash
			if on == "kafka" {
				_, brokers := harness.Kafka(t)
				settings += brokers
			}
			file := harness.Config(t, settings)
			s := harness.New(t, "--config", file)
			s.Start(t)
			data := filepath.Join(s.Dir, "data")
			broker := strings.TrimSuffix(settings[strings.LastIndex(settings, "[")+1:], "]\n")
			if on == "embedded" {
				address, err := os.ReadFile(filepath.Join(data, "queue", "address"))
				if err != nil {
					t.Fatal(err)
				}
				broker = string(address)
			}
			dlq := func(code int, want []string, args ...string) string {
				t.Helper()
				out, exit := run(t, append(append([]string{"dlq"}, args...), "--config", file, "--data-dir", data)...)
				if exit != code {
					t.Errorf("dlq %v: exit code %d: %s", args, exit, out)
				}
				for _, text := range want {
					if !strings.Contains(out, text) {
						t.Errorf("dlq %v: no %q in\n%s", args, text, out)
					}
				}
				return out
			}
			dlq(0, []string{"There is no dead letter."}, "list")

			// 12 is the first partition of email.transactional.
			poison(t, broker, 12, "email.transactional/0000", "\x1b[31m{{{")
			poison(t, broker, 12, "email.transactional/0000", `{"v":2}`)
			poison(t, broker, 12, "pigeon/\x1b]0;owned\x07", "coo")
			receipt, err := s.Register(t.Context(), amina)
			if err != nil {
				t.Fatal(err)
			}
			code := awaitCode(t, s, amina.Email, 1)
			if _, err := s.Verify(t.Context(), receipt.RegistrationID, "EMAIL", code); err != nil {
				t.Error(err)
			}
			var views []struct {
				Letter, Lane, Reason, Decision string
				Size                           int
			}
			list := func(n int, args ...string) {
				t.Helper()
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
					out, _ := run(t, append([]string{"dlq", "list", "--json", "--config", file, "--data-dir", data}, args...)...)
					if err := json.Unmarshal([]byte(out), &views); err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					if len(views) == n {
						return
					}
					if time.Now().After(deadline) {
						t.Fatalf("%d letters, want %d: %s", len(views), n, out)
					}
				}
			}
			list(3)
			if views[0].Letter != "0/0" || views[0].Lane != "email.transactional" || views[0].Reason != "malformed" || views[0].Size != 32 || views[2].Lane != "" {
				t.Errorf("listed %+v", views)
			}
			for _, shown := range []string{
				dlq(0, []string{"0/1", "email.transactional", "unknown version"}, "list"),
				dlq(0, []string{"1b 5b 33 31 6d", "malformed", "8 bytes"}, "show", "0/0"),
				dlq(0, []string{`"pigeon/\x1b]0;owned\a"`}, "show", "0/2"),
			} {
				if strings.ContainsAny(shown, "\x1b\x07") {
					t.Errorf("a terminal is changed by %q", shown)
				}
			}
			dlq(0, []string{`"value": "eyJ2IjoyfQ=="`}, "show", "0/1", "--json")
			dlq(1, []string{"no such letter", "registrar dlq list"}, "show", "0/99")
			dlq(1, []string{"PARTITION/OFFSET"}, "show", "99")
			dlq(1, []string{"either letters or --all"}, "replay")
			dlq(1, []string{"either letters or --all"}, "discard", "0/0", "--all")
			dlq(1, []string{"0/2", "names no lane", "nothing was done"}, "replay", "0/1", "0/2")

			dlq(0, []string{"1 letter put back."}, "replay", "0/1")
			list(3) // it came back
			if views[2].Letter != "0/3" || views[2].Reason != "unknown version" {
				t.Errorf("listed %+v", views)
			}
			dlq(0, []string{"0 letters put back; 1 letter decided on before"}, "replay", "0/1")
			if err := s.Stop(20 * time.Second); err != nil {
				t.Error(err)
			}
			// The service's end is not the letters'.
			dlq(0, []string{"1 letter discarded."}, "discard", "0/0")
			dlq(0, []string{"1 letter put back", "2 letters decided on before", "1 letter that cannot be put back", "0/2"}, "replay", "--all")
			dlq(0, []string{"0/2", "3 more were decided on"}, "list")
			s.Start(t)
			list(2) // the pigeon, and what came back once the lane was read again
			dlq(0, []string{"2 letters discarded; 3 letters decided on before"}, "discard", "--all")
			dlq(0, []string{"No letter waits for a decision; 5 were decided on"}, "list")
			list(5, "--all")
		})
	}
}
