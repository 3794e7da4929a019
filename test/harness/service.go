// Package harness runs the built `registrar` program as a person would and
// talks to it over HTTP, for the tests of the whole system. It shares no code
// with the service: what it reads and writes, it reads and writes itself.
package harness

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// program is one way to build the program.
type program struct {
	once sync.Once
	path string
	err  error
}

var checked, plain program

// Binary builds the program, once a test process, and gives its path. With the
// race detector in the test it is in the program too.
func Binary(tb testing.TB) string {
	tb.Helper()
	if race {
		return checked.build(tb, "CGO_ENABLED=1", "-race")
	}
	return PlainBinary(tb)
}

// PlainBinary is Binary without the race detector, which takes many times the
// memory and the time, for tests that measure.
func PlainBinary(tb testing.TB) string {
	tb.Helper()
	return plain.build(tb, "CGO_ENABLED=0")
}

func (p *program) build(tb testing.TB, setting string, flags ...string) string {
	tb.Helper()
	p.once.Do(func() {
		dir, err := os.MkdirTemp("", "registrar-bin-")
		if err != nil {
			p.err = err
			return
		}
		p.path = filepath.Join(dir, "registrar")
		args := append(append([]string{"build", "-o", p.path}, flags...), "registrar/cmd/registrar")
		cmd := exec.CommandContext(tb.Context(), "go", args...) //nolint:gosec // our own path
		cmd.Env = append(os.Environ(), setting)
		if out, err := cmd.CombinedOutput(); err != nil {
			p.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if p.err != nil {
		tb.Fatalf("build registrar: %v", p.err)
	}
	return p.path
}

// Service is one `registrar serve`, which may be started many times on the
// same data directory and addresses.
type Service struct {
	URL   string // of the SOAP endpoint
	Tier  string // host:port where an application server takes web servers' calls
	Admin string // base URL of the admin listener
	Dir   string // data directory and log
	argv  []string
	proc  *devstack.Process
	http  *http.Client
}

// New prepares a service on free ports and a directory of its own; args are
// added to `registrar serve`.
func New(tb testing.TB, args ...string) *Service {
	tb.Helper()
	return prepare(tb, Binary(tb), args)
}

// Plain is New with the program as it is shipped, for tests that measure.
func Plain(tb testing.TB, args ...string) *Service {
	tb.Helper()
	return prepare(tb, PlainBinary(tb), args)
}

// Notifier prepares a `registrar notify`, which has no SOAP endpoint.
func Notifier(tb testing.TB, args ...string) *Service {
	tb.Helper()
	s := prepare(tb, Binary(tb), nil)
	s.URL = ""
	s.argv = append([]string{s.argv[0], "notify", "--data-dir", filepath.Join(s.Dir, "data"), "--admin-listen", strings.TrimPrefix(s.Admin, "http://")}, args...)
	return s
}

func prepare(tb testing.TB, binary string, args []string) *Service {
	tb.Helper()
	soap, err := devstack.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	admin, err := devstack.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Service{
		URL:   fmt.Sprintf("http://127.0.0.1:%d/registration", soap),
		Admin: fmt.Sprintf("http://127.0.0.1:%d", admin),
		Dir:   tb.TempDir(),
		http:  &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.argv = append([]string{
		binary, "serve", "--data-dir", filepath.Join(s.Dir, "data"),
		"--listen", fmt.Sprintf("127.0.0.1:%d", soap), "--admin-listen", fmt.Sprintf("127.0.0.1:%d", admin),
	}, args...)
	tb.Cleanup(func() {
		if s.proc == nil {
			return
		}
		s.proc.Stop(20 * time.Second)
		if log := s.Log(tb); strings.Contains(log, "DATA RACE") {
			tb.Errorf("the service has a data race:\n%s", log)
		}
		s.http.CloseIdleConnections()
	})
	return s
}

// Start runs the service and waits until it is ready.
func (s *Service) Start(tb testing.TB) {
	tb.Helper()
	if err := s.TryStart(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// TryStart is Start for where an error is expected.
func (s *Service) TryStart(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return s.AwaitReady(ctx)
}

// startTimeout is for a service to become ready.
const startTimeout = 30 * time.Second

func (s *Service) ready(ctx context.Context) error {
	status, _, err := s.Get(ctx, s.Admin+"/readyz")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("/readyz answers %d", status)
	}
	return err
}

// Process is the running program.
func (s *Service) Process() *devstack.Process { return s.proc }

// Kill is kill -9, and the wait for the end.
func (s *Service) Kill() {
	s.proc.Kill()
	s.http.CloseIdleConnections()
}

// Stop is SIGTERM; it gives the program's error when it did not exit with 0.
func (s *Service) Stop(grace time.Duration) error {
	s.proc.Stop(grace)
	s.http.CloseIdleConnections()
	return s.proc.Err()
}

// Log is all that the service has written.
func (s *Service) Log(tb testing.TB) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(s.Dir, "registrar.log"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// Eventually asks check every 50 ms until it gives nil, at most for the given time.
func Eventually(tb testing.TB, within time.Duration, check func(ctx context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), within)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			tb.Fatalf("after %v: %v", within, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
