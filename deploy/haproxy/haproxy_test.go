package haproxy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/deploy/haproxy"
)

// TestConfiguration: HAProxy takes the files in each of their forms, without a
// warning.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	certificate := filepath.Join(t.TempDir(), "pair.pem")
	openssl := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=balancer",
		"-keyout", certificate, "-out", certificate+".crt")
	if out, err := openssl.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pair(t, certificate)
	for name, variables := range map[string][]string{
		"by itself":     nil,
		"tcp":           {"REGISTRAR_MODE=tcp", "REGISTRAR_UNPRIVILEGED=1", "REGISTRAR_LISTEN=127.0.0.1:1"},
		"http":          {"REGISTRAR_MODE=http", "REGISTRAR_STATS=127.0.0.1:2", "REGISTRAR_SOCKET=/tmp/socket", "REGISTRAR_MAXCONN=100"},
		"http with TLS": {"REGISTRAR_MODE=http", "REGISTRAR_CERTIFICATE=" + certificate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := exec.CommandContext(t.Context(), "/usr/sbin/haproxy", "-dW", "-c", "-f", "haproxy.cfg", "-f", "webs.cfg") // hack/deps installs it
			check.Env = append(os.Environ(), variables...)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// pair adds the certificate to the file with its key.
func pair(t *testing.T, path string) {
	t.Helper()
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := os.ReadFile(path + ".crt")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(certificate, key...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestVariables: each one that the file uses has a default in it, or is asked for
// by .if.
func TestVariables(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, haproxy.Configuration) {
		t.Error("the package holds another file")
	}
	text := string(file)
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "${")
		if !found {
			return
		}
		name, tail, _ := strings.Cut(after, "}")
		if rest = tail; !strings.Contains(text, "presetenv "+name+" ") && !strings.Contains(text, "defined("+name+")") {
			t.Errorf("%s has no default", name)
		}
	}
}
