package recovery_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/devstack/cluster"
	"registrar/test/harness"
)

// system is all tiers apart, and the files that they share.
type system struct {
	*cluster.Cluster
	config  string
	program string // that all processes are started from
}

// newSystem starts everything. People have an e-mail address alone, so that the
// mail server knows all that they got.
func newSystem(t *testing.T) *system {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir := t.TempDir()
	s := &system{config: filepath.Join(dir, "registrar.yaml"), program: filepath.Join(t.TempDir(), "registrar")}
	built, err := os.ReadFile(harness.PlainBinary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.program, built, 0o700); err != nil {
		t.Fatal(err)
	}
	if s.Cluster, err = cluster.Start(ctx, cluster.Options{Dir: dir, Binary: s.program, Apps: 2, Notifiers: 1, Settings: harness.CheapHash}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// processes are those of the program, in the order in which the document
// upgrades them.
func (s *system) processes() []*devstack.Registrar {
	return slices.Concat(s.Apps, s.Notifiers, s.Webs)
}

// aside is the configuration of a process of the same system on another
// database, with a queue of its own.
func (s *system) aside(t *testing.T, database string) string {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []string
	for _, n := range s.Galera.Nodes {
		nodes = append(nodes, n.Address)
	}
	config := example(t, string(text), strings.Join(nodes, ", "), database)
	config = example(t, config, strings.Join(s.Kafka.Brokers(), ", "), "")
	return harness.Config(t, example(t, config, "proxy_protocol: true", "proxy_protocol: false"))
}

// mailed is how many messages each address got.
func (s *system) mailed(t *testing.T) map[string]int {
	t.Helper()
	all, err := s.Mail.Messages()
	if err != nil {
		t.Fatal(err)
	}
	came := map[string]int{}
	for _, m := range all {
		came[m.Header.Get("X-RcptTo")]++
	}
	return came
}

// directory is where a part has its files.
func directory(p devstack.Part) string { return filepath.Dir(p.About().Log) }

// awaitMail waits until everybody has got something.
func (s *system) awaitMail(t *testing.T, addresses ...string) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(context.Context) error {
		came := s.mailed(t)
		for _, address := range addresses {
			if came[address] == 0 {
				return fmt.Errorf("%s has got nothing", address)
			}
		}
		return nil
	})
}
