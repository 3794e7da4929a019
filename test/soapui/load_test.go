package soapui_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestLoad runs the load tests for two seconds each: they work, and nothing
// fails under them. How fast they are is for a person to see.
func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := run(t, dir, projectPath, service(t), "--load", "-m", "2", "-n", "3")
	if r.err != nil {
		t.Errorf("%v\n%s", r.err, r.output)
	}
	want := 0
	for _, s := range readProject(t, projectPath).Suites {
		for _, c := range s.Cases {
			want += len(c.Loads)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*-statistics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != want || want < 2 {
		t.Fatalf("%d load tests have told their statistics, the project has %d\n%s", len(files), want, r.output)
	}
	for _, file := range files {
		statistics(t, file)
	}
}

// statistics checks the count and the errors of each step.
func statistics(t *testing.T, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const step, count, errors = 0, 5, 9
	if len(records) < 3 || records[0][count] != "cnt" || records[0][errors] != "err" {
		t.Fatalf("%s: %q", file, records)
	}
	for _, record := range records[1:] {
		if n, err := strconv.Atoi(record[count]); err != nil || n == 0 || record[errors] != "0" {
			t.Errorf("%s: %s: %s calls, %s errors", filepath.Base(file), record[step], record[count], record[errors])
		}
	}
}
