// Package deploy_test checks the ways to run the program that are written down
// for others' tools: the image, the compose file, the Kubernetes manifests and
// the systemd units. Nothing here runs those tools; what they would do is done,
// or compared with what this repository runs itself.
package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// repository is the directory of go.mod.
const repository = "../.."

func path(parts ...string) string { return filepath.Join(append([]string{repository}, parts...)...) }

func read(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(path(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs a program to its end and gives what it said.
func run(t *testing.T, dir string, environ []string, argv ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	name, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// write makes a file with the directories that it is in.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

// text is a number or a name, as JSON has it.
func text(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.Itoa(int(n))
	}
	return fmt.Sprint(v)
}
