package service_test

import (
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// TestDatabaseOverTLS: a database that takes no plain connection, and whose
// certificate is signed by an authority of the operator's own.
func TestDatabaseOverTLS(t *testing.T) {
	t.Parallel()
	authorities := map[string]*devstack.Authority{}
	files := map[string]string{}
	for _, name := range []string{"its own", "another"} {
		a, err := devstack.NewAuthority()
		if err != nil {
			t.Fatal(err)
		}
		authorities[name], files[name] = a, filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(files[name], a.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificate, key, err := authorities["its own"].Issue(pkix.Name{CommonName: "db1"})
	if err != nil {
		t.Fatal(err)
	}
	node, section := harness.MariaDB(t)
	node.Stop()
	if err := node.Secure(certificate, key); err != nil {
		t.Fatal(err)
	}
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	trusted := harness.New(t, "--config", harness.Config(t, harness.CheapHash+section+"  tls: \"on\"\n  ca_file: "+files["its own"]+"\n"))
	trusted.Start(t)
	if _, err := trusted.Register(t.Context(), amina); err != nil {
		t.Error(err)
	}
	ciphers, err := node.Query(t.Context(), "SHOW GLOBAL STATUS LIKE 'Ssl_accepts'")
	if err != nil || strings.HasSuffix(ciphers, "\t0") {
		t.Errorf("connections by TLS: %q, %v", ciphers, err)
	}
	for name, refused := range map[string]struct{ section, want string }{
		"another authority": {"  tls: \"on\"\n  ca_file: " + files["another"] + "\n", "unknown authority"},
		"plain text":        {"", "access denied"},
		"no such file":      {"  tls: \"on\"\n  ca_file: " + files["another"] + ".not\n", "database.ca_file"},
		"no certificate":    {"  tls: \"on\"\n  ca_file: " + node.About().Log + "\n", "holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+section+refused.section))
			if err := s.TryStart(t.Context()); err == nil {
				t.Error("it started")
			} else if log := s.Log(t); !strings.Contains(log, refused.want) {
				t.Errorf("it does not say %q:\n%s", refused.want, log)
			}
		})
	}
}
