package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"registrar/internal/telemetry"
)

// TestHealthCommand: exit 0 for a ready process alone, and what another one lacks.
func TestHealthCommand(t *testing.T) {
	t.Parallel()
	works := func(context.Context) error { return nil }
	broken := func(context.Context) error { return errors.New("no node takes writes") }
	for _, c := range []struct {
		name            string
		database, queue telemetry.Check
		drain           bool
		want            string // of the error
	}{
		{"ready", works, works, false, ""},
		{"without what is not required", works, broken, false, ""},
		{"without what is required", broken, broken, false, "not ready: database: no node takes writes"},
		{"draining", works, works, true, "not ready: draining"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			health := telemetry.NewHealth(time.Second, map[string]telemetry.Component{"database": {Check: c.database, Required: true}, "queue": {Check: c.queue}})
			if c.drain {
				health.Drain()
			}
			server := httptest.NewServer(operations(health, telemetry.NewMetrics("test")))
			defer server.Close()
			out, err := runHealth(t, "--admin", strings.TrimPrefix(server.URL, "http://"))
			if got := message(err); got != c.want {
				t.Errorf("error %q, want %q", got, c.want)
			}
			if ready := out == "ready\n"; ready != (c.want == "") {
				t.Errorf("it says %q", out)
			}
		})
	}
}

// TestHealthWithoutAnAnswer: what the person at the terminal can do.
func TestHealthWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer hanging.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, c := range map[string]struct{ admin, want string }{
		"nobody listens":        {strings.TrimPrefix(gone.URL, "http://"), "is --admin the process's admin_listen?"},
		"it hangs":              {strings.TrimPrefix(hanging.URL, "http://"), "is --admin the process's admin_listen?"},
		"somebody else":         {strings.TrimPrefix(other.URL, "http://"), "not ready: 404 Not Found"},
		"an address that isn't": {"127.0.0.1:80 81", "is no host:port"},
	} {
		if _, err := runHealth(t, "--admin", c.admin, "--timeout", "300ms"); !strings.Contains(message(err), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}

func runHealth(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := healthCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
