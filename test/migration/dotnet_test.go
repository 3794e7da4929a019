package migration_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/test/harness"
)

// command runs a program that has to succeed, and gives its standard output.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v\n%s%s", filepath.Base(name), args, err, &out, &errs)
	}
	return out.String()
}

// TestDotNet: the class of the guide compiles with what wsdl generates, and does
// what it says, against the service.
func TestDotNet(t *testing.T) {
	t.Parallel()
	command(t, "../interop/mono/install")
	cache := strings.TrimSpace(command(t, "../../hack/deps", "--cache"))
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	data := filepath.Join(s.Dir, "data")
	secret := callerSecret(t, command(t, harness.Binary(t), "caller", "add", "monolith", "--operations", "Register,VerifyPassword", "--data-dir", data))
	s.Start(t)

	dir := t.TempDir()
	program, proxy := filepath.Join(dir, "client.exe"), filepath.Join(dir, "RegistrationService.cs")
	command(t, "mono", filepath.Join(cache, "interop", "mono", "wsdl.exe"), "-out:"+proxy, s.URL+"?wsdl")
	command(t, "mcs", "-nologo", "-r:System.Web.Services", "-out:"+program, paste(t, dir, "csharp", "Registrar.cs"), proxy, "Client.cs")
	hung := newBalancer(t)
	hung.hang.Store(1)
	id := strings.TrimSpace(command(t, "mono", program, s.URL, "monolith", secret, hung.URL))

	held := command(t, harness.Binary(t), "person", "export", "--external-id", "monolith", "4711", "--data-dir", data)
	if !strings.Contains(held, id) || !strings.Contains(held, "noura@example.com") {
		t.Errorf("the service has\n%s", held)
	}
	for line := range strings.Lines(s.Log(t)) {
		if strings.Contains(line, "level=ERROR") {
			t.Errorf("the service says %.500s", line)
		}
	}
}
