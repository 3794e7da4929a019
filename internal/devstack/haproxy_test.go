package devstack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// TestHAProxy: it lives without a web server, hangs and dies as a whole, and
// comes back at the same addresses.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b, err := devstack.StartHAProxy(ctx, devstack.HAProxyOptions{Dir: t.TempDir(), Webs: []devstack.Upstream{{Name: "web1", Address: "127.0.0.1:1", Admin: "127.0.0.1:2"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Kill)
	started := b.About()
	down := func(when string) {
		t.Helper()
		webs, err := b.Webs(ctx)
		if err != nil || len(webs) != 1 || webs[0].Name != "web1" {
			t.Fatalf("%s: %v, %v", when, webs, err)
		}
		for ; err == nil && webs[0].Status != "DOWN"; time.Sleep(10 * time.Millisecond) {
			webs, err = b.Webs(ctx)
		}
		if status, err := readiness(ctx, started.Admin); status != http.StatusServiceUnavailable {
			t.Errorf("%s, without a web server: %d, %v", when, status, err)
		}
	}
	down("at first")

	if err := b.Pause(); err != nil {
		t.Fatal(err)
	}
	if status, err := readiness(ctx, started.Admin); !isTimeout(err) {
		t.Errorf("while it is paused: %d, %v", status, err)
	}
	if err := b.Resume(); err != nil {
		t.Fatal(err)
	}
	down("resumed")

	if err := b.Restart(ctx); err == nil {
		t.Error("it was started twice")
	}
	// One process alone, as by a person who found it in a list.
	if err := syscall.Kill(started.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-b.Exited()
	for ctx.Err() == nil && connect(ctx, started.Address, time.Second) == nil {
		time.Sleep(10 * time.Millisecond) // its worker notices
	}
	if err := b.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if again := b.About(); again.Address != started.Address || again.Admin != started.Admin || again.PID == started.PID {
		t.Errorf("it was %v and is %v", started, again)
	}
	down("again")
	b.Stop()
	if err := connect(ctx, started.Address, time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after its end: %v", err)
	}
}

// readiness asks a balancer whether it has a web server.
func readiness(ctx context.Context, admin string) (int, error) {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/readyz", admin), nil)
	if err != nil {
		return 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_ = resp.Body.Close()
	return resp.StatusCode, nil
}
