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

// TestProject runs every case that the project runs by itself, and tells all
// that is wrong.
func TestProject(t *testing.T) {
	t.Parallel()
	p := readProject(t, projectPath)
	r := run(t, t.TempDir(), projectPath, service(t))
	faults := r.faults(p)
	const told = 40 // what follows is seldom another defect
	for _, f := range faults[:min(told, len(faults))] {
		t.Error(f)
	}
	printReport(os.Stdout, p, r, len(faults))
	if len(faults) > 0 && len(r.cases) == 0 {
		t.Log(r.output)
	}
}

// printReport prints a line for each suite, and the verdict.
func printReport(w io.Writer, p projectFile, r report, faults int) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "SoapUI suite\tcases\tassertions\tfailed\t")
	next, total := 0, [3]int{}
	line := func(name string, n [3]int) { fmt.Fprintf(table, "%s\t%d\t%d\t%d\t\n", name, n[0], n[1], n[2]) }
	for _, s := range p.Suites {
		var n [3]int
		for range s.Cases {
			if s.Disabled || next == len(r.cases) {
				break
			}
			c := r.cases[next]
			next++
			n[0]++
			n[1] += c.assertions
			n[2] += len(c.failures)
		}
		line(s.Name, n)
		for i := range n {
			total[i] += n[i]
		}
	}
	line("all", total)
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
