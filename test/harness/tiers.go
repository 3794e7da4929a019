package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/devstack"
)

// Web prepares a `registrar web` in front of application servers.
func Web(tb testing.TB, apps []*Service, args ...string) *Service {
	tb.Helper()
	addresses := make([]string, len(apps))
	for i, a := range apps {
		addresses[i] = a.Tier
	}
	s := prepare(tb, Binary(tb), nil)
	listen := strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/registration")
	s.argv = append([]string{s.argv[0], "web", "--listen", listen, "--admin-listen", strings.TrimPrefix(s.Admin, "http://"), "--servers", strings.Join(addresses, ",")}, args...)
	return s
}

// App prepares a `registrar app`, which has no SOAP endpoint; web servers reach
// it at Tier.
func App(tb testing.TB, args ...string) *Service {
	tb.Helper()
	port, err := devstack.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	s := prepare(tb, Binary(tb), nil)
	s.URL, s.Tier = "", fmt.Sprintf("127.0.0.1:%d", port)
	s.argv = append([]string{s.argv[0], "app", "--data-dir", filepath.Join(s.Dir, "data"), "--tier-listen", s.Tier, "--admin-listen", strings.TrimPrefix(s.Admin, "http://")}, args...)
	return s
}

// WithInboxOf is the same endpoint, whose messages are read where another
// process shows them.
func (s *Service) WithInboxOf(other *Service) *Service {
	both := *s
	both.Admin = other.Admin
	return &both
}

// Launch runs the service and does not wait.
func (s *Service) Launch(tb testing.TB) {
	tb.Helper()
	if err := s.launch(); err != nil {
		tb.Fatal(err)
	}
}

func (s *Service) launch() (err error) {
	s.proc, err = devstack.StartProcess("registrar", s.Dir, s.argv...)
	return err
}

// AwaitReady waits until the service is ready.
func (s *Service) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return s.proc.AwaitReady(ctx, s.ready)
}
