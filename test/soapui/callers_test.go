package soapui_test

import (
	"crypto/rand"
	"encoding/base64"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"registrar/test/harness"
)

// TestCallers runs the suite that the project does not run by itself, against
// a service that has the callers which the suite asks for.
func TestCallers(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // has no error
	config := harness.Config(t, harness.CheapHash+"callers: {key: "+base64.StdEncoding.EncodeToString(key)+"}\n")
	s := harness.New(t, "--config", config)
	secret := addCaller(t, s, config, "soapui", "--digest")
	limited := addCaller(t, s, config, "soapui-limited", "--operations", "GetRegistration", "--rate", "1")
	s.Start(t)

	const suite = "Callers"
	r := run(t, t.TempDir(), projectPath, strings.TrimSuffix(s.URL, "/registration"), "-s", suite,
		"-P", "caller=soapui", "-P", "secret="+secret, "-P", "limited=soapui-limited", "-P", "limitedSecret="+limited)
	judge(t, r, readProject(t, projectPath).onlySuite(suite))
}

var shownSecret = regexp.MustCompile(`(?m)^\s*secret\s+(\S+)$`)

// addCaller adds a caller to a service that does not run yet, and gives its secret.
func addCaller(t *testing.T, s *harness.Service, config, name string, flags ...string) string {
	t.Helper()
	args := append([]string{"caller", "add", name, "--config", config, "--data-dir", filepath.Join(s.Dir, "data")}, flags...)
	out, err := exec.CommandContext(t.Context(), harness.Binary(t), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("caller add %s: %v\n%s", name, err, out)
	}
	m := shownSecret.FindSubmatch(out)
	if m == nil {
		t.Fatalf("caller add %s shows no secret:\n%s", name, out)
	}
	return string(m[1])
}
