package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
)

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return address
}

// runTail runs event tail until it ends or the time is over, and gives what it has said.
func runTail(t *testing.T, section string, within time.Duration, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "registrar.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "data_dir: %s\n%scodes: {key: %s}\n", dir, section, base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := root()
	var said bytes.Buffer
	cmd.SetOut(new(bytes.Buffer))
	cmd.SetErr(&said)
	cmd.SetArgs(append([]string{"event", "tail", "--config", file}, args...))
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	err := cmd.ExecuteContext(ctx)
	return said.String(), err
}

// TestTailWithoutBrokers: it is the brokers that it names, and their setting.
func TestTailWithoutBrokers(t *testing.T) {
	t.Parallel()
	address := closedPort(t)
	for name, args := range map[string][]string{"once": nil, "for ever": {"--follow"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, _ := runTail(t, fmt.Sprintf("kafka: {brokers: [%q]}\n", address), 4*time.Second, args...)
			expectBrokers(t, said, address)
		})
	}
	err := unreachedBrokers(registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, errors.New("queue: events: "+address)))
	expectBrokers(t, err.Error(), address)
	if !errors.Is(err, registration.ErrUnavailable) {
		t.Errorf("not tried again: %v", err)
	}
}

func expectBrokers(t *testing.T, said, address string) {
	t.Helper()
	for _, want := range []string{"Kafka brokers cannot be reached", address, "kafka.brokers of registrar config show"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in: %s", want, said)
		}
	}
	for _, wrong := range []string{"database", "UNAVAILABLE", "Send the same request"} {
		if strings.Contains(said, wrong) {
			t.Errorf("%q in: %s", wrong, said)
		}
	}
}

// TestTailFromNowhere: a variable that is not set is no beginning.
func TestTailFromNowhere(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{"": "it is empty", "yesterday": "neither beginning, now"} {
		if _, err := runTail(t, "", time.Second, "--from", from); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--from %q: %v", from, err)
		}
	}
}
