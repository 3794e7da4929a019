// Package soapui_test runs the SoapUI project with SoapUI's own runner against
// the service, as a person does by hand, and shows that it fails when the
// service answers wrongly.
package soapui_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"

	"registrar/test/harness"
	"registrar/test/soapui/project"
)

// service gives the base URL of a service: BASE, if it is set, or one on the
// default configuration, whose password hashes are cheap.
func service(t *testing.T) string {
	t.Helper()
	if base := os.Getenv("BASE"); base != "" {
		return strings.TrimSuffix(strings.TrimSuffix(base, "/"), "/registration")
	}
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	s.Start(t)
	return strings.TrimSuffix(s.URL, "/registration")
}

func TestTheProjectIsCurrent(t *testing.T) {
	t.Parallel()
	made, err := project.XML()
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(projectPath)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, committed) {
		t.Errorf("%s is not what test/soapui/project makes: run `make generate` and commit", projectPath)
	}
}

// TestProject runs every suite that the project runs by itself.
func TestProject(t *testing.T) {
	t.Parallel()
	judge(t, run(t, t.TempDir(), projectPath, service(t)), readProject(t, projectPath))
}

// judge fails with what is wrong with a run of p, and prints its report.
func judge(t *testing.T, r report, p projectFile) {
	t.Helper()
	const told = 40 // what follows is seldom another defect
	faults := r.faults(p)
	for _, f := range faults[:min(told, len(faults))] {
		t.Error(f)
	}
	if len(faults) > 0 && len(r.cases) == 0 {
		t.Log(r.output)
	}
	printReport(os.Stdout, p, r, len(faults))
}

// printReport prints a line for each suite that was to run, and the verdict.
func printReport(w io.Writer, p projectFile, r report, faults int) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "SoapUI suite\tcases\tassertions\tfailed\t")
	rest := r.cases
	for _, s := range p.Suites {
		if s.Disabled {
			continue
		}
		suite := rest[:min(len(s.Cases), len(rest))]
		rest = rest[len(suite):]
		assertions, failures := 0, 0
		for _, c := range suite {
			assertions += c.assertions
			failures += len(c.failures)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", s.Name, len(suite), assertions, failures)
	}
	_ = table.Flush() // standard output
	verdict := "passed"
	if faults > 0 {
		verdict = fmt.Sprintf("FAILED, with %d findings", faults)
	}
	fmt.Fprintln(w, "SoapUI:", verdict)
}

// TestNothingIsDropped: SoapUI leaves out an assertion of a type that it does
// not know, and tells of success.
func TestNothingIsDropped(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(projectPath)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "project.xml")
	if err := os.WriteFile(changed, bytes.ReplaceAll(b, []byte(`type="Response SLA Assertion"`), []byte(`type="Response Time Assertion"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	const one = "Register a person"
	r := run(t, t.TempDir(), changed, service(t), "-c", one)
	if r.err != nil {
		t.Errorf("the runner itself tells of it: %v", r.err)
	}
	faults := strings.Join(r.faults(readProject(t, changed).only(one)), "\n")
	for _, want := range []string{"Missing assertion for type", "assertions have run, it holds"} {
		if !strings.Contains(faults, want) {
			t.Errorf("nothing says %q:\n%s", want, faults)
		}
	}
}
