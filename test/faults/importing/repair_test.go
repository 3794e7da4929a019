package importing_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// repair is registrar diff --repair.
func (x *target) repair(ctx context.Context, t *testing.T, log *strings.Builder) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, harness.Binary(t), "diff", "--mapping", x.mapping, "--repair", "--rejects", x.rejects, "--config", x.config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	return cmd
}

// repaired runs it to its end, where rows that it refuses are still missing.
func (x *target) repaired(t *testing.T) {
	t.Helper()
	var log strings.Builder
	err := x.repair(t.Context(), t, &log).Run()
	if exit, _ := errors.AsType[*exec.ExitError](err); exit == nil || exit.ExitCode() != 3 {
		t.Fatalf("%v\n%s", err, &log)
	}
}

// TestKilledRepairs: kill -9 in the repair, and in the comparison that begins it
// again, changes nothing of what the same command comes to in the end.
func TestKilledRepairs(t *testing.T) {
	r := newRig(t, 12_000)
	undisturbed, disturbed := r.target(t, "undisturbed"), r.target(t, "disturbed")
	undisturbed.repaired(t)
	for range 3 {
		var log strings.Builder
		cmd := disturbed.repair(t.Context(), t, &log)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if err, running := disturbed.await(t, ended, 1000+rand.IntN(4000)); !running {
			t.Fatalf("the repair ended before it was killed: %v\n%s", err, &log)
		}
		time.Sleep(rand.N(300 * time.Millisecond))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if <-ended == nil {
			t.Fatal("it was not killed")
		}
		t.Logf("killed with %s people there", disturbed.ask(t, "SELECT COUNT(*) FROM disturbed.accounts"))
	}
	disturbed.repaired(t)
	equal(t, undisturbed, disturbed, people)
	sameRejects(t, undisturbed, disturbed)
}
