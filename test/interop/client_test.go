package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// steps are what every client does, in this order.
var steps = []string{"register", "taken", "invalid", "lookup"}

// steps are those of every client and the row's own.
func (c client) steps() []string { return slices.Concat(steps, c.more) }

// name tells the row from the others, in names of tests.
func (c client) name() string {
	parts := []string{c.stack}
	if c.flavour != "" {
		parts = append(parts, c.flavour)
	}
	return strings.Join(append(parts, c.soap), "-")
}

// username is the name that the client registers: one a row and security.
func (c client) username(security string) string {
	return strings.NewReplacer("-", "", ".", "").Replace(c.name() + security)
}

// chosen are the rows of this run: the gate's, or those that INTEROP_STACKS
// names by their folders ("zeep,php"), or all.
func chosen(tb testing.TB) []client {
	tb.Helper()
	want := os.Getenv("INTEROP_STACKS")
	if want == "all" {
		return clients
	}
	var rows []client
	if want == "" {
		for _, c := range clients {
			if c.gate {
				rows = append(rows, c)
			}
		}
		return rows
	}
	for stack := range strings.SplitSeq(want, ",") {
		found := len(rows)
		for _, c := range clients {
			if c.stack == stack {
				rows = append(rows, c)
			}
		}
		if len(rows) == found {
			tb.Fatalf("INTEROP_STACKS: there is no stack %q", stack)
		}
	}
	return rows
}

// cache is the directory that `hack/deps --cache` prints.
func cache(tb testing.TB) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "../../hack/deps", "--cache").Output()
	if err != nil {
		tb.Fatalf("hack/deps --cache: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// install runs each stack's install, one after the other.
func install(tb testing.TB, rows []client) {
	tb.Helper()
	var done []string
	for _, c := range rows {
		if slices.Contains(done, c.stack) {
			continue
		}
		done = append(done, c.stack)
		ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Minute)
		out, err := program(ctx, c.stack, "install", nil).CombinedOutput()
		cancel()
		if err != nil {
			tb.Fatalf("%s/install: %v\n%s", c.stack, err, out)
		}
	}
}

// program is an executable of a stack's folder; with the context's end, its
// children end too.
func program(ctx context.Context, stack, file string, env []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "./"+file)
	cmd.Dir = stack
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// credential is what a client authenticates with; the zero one is nothing.
type credential struct{ security, caller, secret string }

// result is what a client said of itself.
type result struct {
	client
	version string   // its stack's name and version
	ok      []string // the steps that went well
	problem []string // what did not, and every step that it did not tell of
	took    time.Duration
}

// run runs the scenario against the service at endpoint.
func (c client) run(tb testing.TB, cache, endpoint string, as credential) result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	env := []string{
		"INTEROP_WSDL=" + endpoint + "?wsdl", "INTEROP_ENDPOINT=" + endpoint, "INTEROP_SOAP=" + c.soap, "INTEROP_FLAVOUR=" + c.flavour,
		"INTEROP_USERNAME=" + c.username(as.security),
		"INTEROP_CACHE=" + filepath.Join(cache, "interop", c.stack), "INTEROP_WORK=" + tb.TempDir(),
		"INTEROP_SECURITY=" + as.security, "INTEROP_CALLER=" + as.caller, "INTEROP_SECRET=" + as.secret,
	}
	cmd := program(ctx, c.stack, "run", env)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	r := parse(stdout.String(), c.steps())
	r.client, r.took = c, time.Since(start)
	if err != nil {
		r.problem = append(r.problem, fmt.Sprintf("run: %v", err))
	}
	if len(r.problem) > 0 {
		tb.Logf("%s says\n%s%s", c.name(), &stdout, &stderr)
	}
	return r
}

// parse reads a client's standard output: `stack NAME VERSION`, then for each
// of its steps `ok STEP` or `not ok STEP: reason`. Other lines are the stack's own.
func parse(out string, steps []string) result {
	var r result
	said := map[string]bool{}
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if version, ok := strings.CutPrefix(line, "stack "); ok && r.version == "" {
			r.version = version
		} else if step, ok := strings.CutPrefix(line, "ok "); ok && slices.Contains(steps, step) && !said[step] {
			said[step] = true
			r.ok = append(r.ok, step)
		} else if reason, ok := strings.CutPrefix(line, "not ok "); ok {
			step, _, _ := strings.Cut(reason, ":")
			said[step] = true
			r.problem = append(r.problem, reason)
		}
	}
	if r.version == "" {
		r.problem = append(r.problem, "no line `stack NAME VERSION`")
	}
	for _, step := range steps {
		if !said[step] {
			r.problem = append(r.problem, step+": not told")
		}
	}
	return r
}
