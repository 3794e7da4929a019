// Package interop_test calls the service with real SOAP stacks, each generated
// from the served WSDL where the stack does so, with the stack's own defaults.
// README.md says what each has to do.
package interop_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"registrar/test/harness"
)

// TestClients runs the scenario with every client, and asks the service for
// what they registered.
func TestClients(t *testing.T) {
	rows := chosen(t)
	install(t, rows)
	service := harness.New(t)
	service.Start(t)
	scenario(t, service, rows, func(client) []credential { return []credential{{}} })
}

// scenario runs each row with each of its credentials, as many at a time as
// there are processors, and prints the table.
func scenario(t *testing.T, service *harness.Service, rows []client, credentials func(client) []credential) {
	t.Helper()
	cache := cache(t)
	var mu sync.Mutex
	var results []tableRow
	t.Run("clients", func(t *testing.T) {
		for _, c := range rows {
			for _, as := range credentials(c) {
				t.Run(strings.TrimSuffix(c.name()+"-"+as.security, "-"), func(t *testing.T) {
					t.Parallel()
					r := c.run(t, cache, service.URL, as)
					for _, problem := range r.problem {
						t.Error(problem)
					}
					mu.Lock()
					results = append(results, tableRow{r, as.security})
					mu.Unlock()
					if as == (credential{}) { // the harness has none
						registered(t, service, c.username(as.security))
					}
				})
			}
		}
	})
	writeTable(os.Stdout, results)
	for line := range strings.Lines(service.Log(t)) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the service says %.500s", line)
		}
	}
}

// registered asks the service for the account that a client has made.
func registered(t *testing.T, service *harness.Service, username string) {
	t.Helper()
	account, err := service.Lookup(t.Context(), "username", username)
	if err != nil {
		t.Fatalf("the service does not know the account: %v", err)
	}
	if account.FirstName != "نورة" || account.MobileNumber != "" || account.Locale != "ar" || account.Email != username+"@example.com" {
		t.Errorf("the service has %+v", account)
	}
}

type tableRow struct {
	result
	security string
}

// writeTable writes the table of a run.
func writeTable(w io.Writer, rows []tableRow) {
	slices.SortFunc(rows, func(a, b tableRow) int { return strings.Compare(a.name()+a.security, b.name()+b.security) })
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "client\tstack\tSOAP\tsecurity\tsteps ok\ttook")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d/%d\t%v\n", strings.Trim(r.stack+" "+r.flavour, " "), r.version, r.soap, r.security, len(r.ok), len(r.steps()), r.took.Round(10*time.Millisecond))
	}
	_ = table.Flush()
}

// TestEveryFolderHasARow: so that no stack is there that nothing runs.
func TestEveryFolderHasARow(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob("*/run")
	if err != nil {
		t.Fatal(err)
	}
	for i, run := range folders {
		folders[i] = filepath.Dir(run)
		if !slices.ContainsFunc(clients, func(c client) bool { return c.stack == folders[i] }) {
			t.Errorf("%s is in no row of clients", folders[i])
		}
	}
	for _, c := range clients {
		if !slices.Contains(folders, c.stack) {
			t.Errorf("%s has no run", c.stack)
		}
	}
}
