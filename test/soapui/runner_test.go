package soapui_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// limit is the longest that a run may take, assembling the runner included.
const limit = 5 * time.Minute

// report is what a run of SoapUI has told.
type report struct {
	err      error // nil for exit code 0
	output   string
	cases    []caseReport
	problems []string // that fail no assertion
}

type caseReport struct {
	name       string
	status     string // FINISHED, FAILED
	assertions int    // that were evaluated
	failures   []failure
}

// failure is an assertion that did not hold, or could not be evaluated.
type failure struct{ row, step, assertion, status, message string }

func (f failure) String() string {
	where := f.step
	if f.row != "" {
		where = f.row + ", " + where
	}
	return fmt.Sprintf("%s: %s: %s %s", where, f.assertion, f.status, f.message)
}

// run runs the project against a service; dir gets SoapUI's own files.
func run(t *testing.T, dir, project, base string, options ...string) report {
	t.Helper()
	project, err := filepath.Abs(project)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := filepath.Abs("../../hack/soapui/run")
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{"env", "SOAPUI_OUT=" + dir, runner}
	if len(options) > 0 && options[0] == "--load" {
		argv, options = append(argv, "--load"), options[1:]
	}
	// The answers may take their time here: it is other tests that the machine is busy with.
	argv = append(append(argv, project, "-r", "-P", "base="+base, "-P", "sla=60000"), options...)
	process, err := devstack.StartProcess("console", dir, argv...)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-process.Exited():
	case <-time.After(limit):
		process.Kill()
		t.Errorf("SoapUI has not ended within %v", limit)
	case <-t.Context().Done():
		process.Kill()
	}
	output, err := os.ReadFile(process.Log)
	if err != nil {
		t.Fatal(err)
	}
	r := parse(string(output))
	r.err = process.Err()
	return r
}

var (
	caseBegins = regexp.MustCompile(`Running (?i:soapui) testcase \[(.*)\]`)
	caseEnds   = regexp.MustCompile(`Finished running (?i:soapui) testcase \[.*\], time taken: .*, status: (\w+)`)
	rowBegins  = regexp.MustCompile(`\[log\] row \d+: (.*)`)
	stepBegins = regexp.MustCompile(`running step \[(.*)\]`)
	asserted   = regexp.MustCompile(`Assertion \[(.*)\] has status (\w+)`)
	why        = regexp.MustCompile(`ASSERTION FAILED -> (.*)`)
	// What SoapUI goes on after, with exit code 0.
	ignored = regexp.MustCompile(`Missing assertion for type|Could not find operation|Error evaluating script`)
)

// parse reads the console of SoapUI's runner.
func parse(output string) report {
	r := report{output: output}
	var c *caseReport
	var row, step string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if ignored.MatchString(line) {
			r.problems = append(r.problems, line)
		}
		if m := caseBegins.FindStringSubmatch(line); m != nil {
			r.cases = append(r.cases, caseReport{name: m[1]})
			c, row = &r.cases[len(r.cases)-1], ""
		}
		if c == nil {
			continue
		}
		if m := rowBegins.FindStringSubmatch(line); m != nil {
			row = m[1]
		}
		if m := stepBegins.FindStringSubmatch(line); m != nil {
			step = m[1]
		}
		if m := asserted.FindStringSubmatch(line); m != nil {
			c.assertions++
			if m[2] != "VALID" {
				c.failures = append(c.failures, failure{row, step, m[1], m[2], ""})
			}
		}
		if m := why.FindStringSubmatch(line); m != nil && len(c.failures) > 0 {
			c.failures[len(c.failures)-1].message += m[1]
		}
		if m := caseEnds.FindStringSubmatch(line); m != nil {
			c.status, c = m[1], nil
		}
	}
	return r
}

// faults is everything that is wrong with a run of the project: what failed,
// and what of the project has not run.
func (r report) faults(p projectFile) []string {
	var all []string
	note := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if r.err != nil {
		note("the runner: %v", r.err)
	}
	all = append(all, r.problems...)
	next := 0
	for _, suite := range p.Suites {
		if suite.Disabled {
			continue
		}
		for _, want := range suite.Cases {
			if next == len(r.cases) || r.cases[next].name != want.Name {
				note("%s: %s has not run", suite.Name, want.Name)
				continue
			}
			got := r.cases[next]
			next++
			if got.status != "FINISHED" {
				note("%s: %s has ended as %q", suite.Name, got.name, got.status)
			}
			if got.assertions != want.assertions() {
				note("%s: %s: %d assertions have run, it holds %d", suite.Name, got.name, got.assertions, want.assertions())
			}
			for _, f := range got.failures {
				note("%s: %s: %v", suite.Name, got.name, f)
			}
		}
	}
	if next < len(r.cases) {
		note("%s has run, which the project does not hold there", r.cases[next].name)
	}
	return all
}
