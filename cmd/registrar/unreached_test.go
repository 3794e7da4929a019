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

// TestCommandsWithoutDatabase: each says that the database is away and what to
// check, and nothing of what the service would tell its callers.
func TestCommandsWithoutDatabase(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port where nobody listens
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "registrar.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "data_dir: %s\ndatabase: {driver: mariadb, addresses: [%q]}\ncodes: {key: %s}\n", dir, address, base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"migrate status", "migrate up", "migrate down",
		"notification list", "suppression list", "campaign list", "caller list", "dlq list", "caller disable erp",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			cmd := root()
			cmd.SetOut(new(bytes.Buffer))
			cmd.SetErr(new(bytes.Buffer))
			cmd.SetArgs(append(strings.Fields(command), "--config", file))
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // most would try for openTimeout
			defer cancel()
			expectAway(t, cmd.ExecuteContext(ctx))
		})
	}
}

func expectAway(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"the database cannot be reached", "database.addresses", "registrar config show"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	for _, wrong := range []string{"UNAVAILABLE", "Send the same request"} {
		if strings.Contains(err.Error(), wrong) {
			t.Errorf("%q in: %v", wrong, err)
		}
	}
	if n := strings.Count(err.Error(), "cannot be reached"); n > 1 {
		t.Errorf("told %d times: %v", n, err)
	}
}

// TestDatabaseThatGoesAway while a command changes something: it says also how
// to find out whether that was done.
func TestDatabaseThatGoesAway(t *testing.T) {
	t.Parallel()
	away := fmt.Errorf("caller: %w", registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, errors.New("store: change caller: no connection")))
	for want, err := range map[string]error{
		"no connection":                    unreached(away),
		"registrar caller show erp":        unreached(advised(away, "erp")),
		"registrar campaign status spring": unreached(advisedCampaign(away, "spring")),
		"no answer":                        unreached(registration.ErrUnavailable),
	} {
		expectAway(t, err)
		if !strings.Contains(err.Error(), want) || !errors.Is(err, registration.ErrUnavailable) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	stopped := unreached(registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, context.Canceled))
	if !strings.Contains(stopped.Error(), "was stopped") || strings.Contains(stopped.Error(), "UNAVAILABLE") {
		t.Errorf("stopped by its user: %v", stopped)
	}
	other := errors.New("another")
	if err := unreached(nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
	for _, err := range []error{other, registration.ErrNotFound} {
		if got := unreached(err); got.Error() != err.Error() || !errors.Is(got, err) {
			t.Errorf("%v becomes %v", err, got)
		}
	}
}
