package deploy_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/config"
	"registrar/test/harness"
)

// unit is a service of systemd: the values of each of its settings.
type unit map[string][]string

func readUnit(t *testing.T, tier string) unit {
	t.Helper()
	u := unit{}
	for line := range strings.Lines(read(t, "deploy/systemd", "registrar-"+tier+".service")) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(name, "#") {
			u[name] = append(u[name], value)
		}
	}
	return u
}

var tiers = []string{"web", "app", "notify"}

// TestUnitsAreRight, as systemd reads them, and what systemd makes of their
// exposure: 10 is everything, and 2 is far below what it calls OK.
func TestUnitsAreRight(t *testing.T) {
	t.Parallel()
	binary := harness.Binary(t)
	for _, tier := range tiers {
		name := filepath.Join(t.TempDir(), "registrar-"+tier+".service")
		write(t, name, strings.ReplaceAll(read(t, "deploy/systemd", filepath.Base(name)), "/usr/bin/registrar", binary))
		if said := run(t, "", nil, "/usr/bin/systemd-analyze", "verify", "--man=no", name); said != "" {
			t.Errorf("%s: %s", tier, said)
		}
		run(t, "", nil, "/usr/bin/systemd-analyze", "security", "--offline=yes", "--threshold=20", name)
	}
}

// TestUnitsConfigureTheProgram: each tier's variables and credentials, as it
// loads them itself, and the time that it has to end.
func TestUnitsConfigureTheProgram(t *testing.T) {
	t.Parallel()
	secrets := makeSecrets(t)
	for _, tier := range tiers {
		u := readUnit(t, tier)
		if want := []string{"/usr/bin/registrar " + tier}; !slices.Equal(u["ExecStart"], want) {
			t.Errorf("%s: ExecStart is %q", tier, u["ExecStart"])
		}
		var loaded []string
		for _, c := range u["LoadCredential"] {
			name, file, _ := strings.Cut(c, ":")
			if file != "/etc/registrar/secrets/"+name {
				t.Errorf("%s: the credential %s is from %s", tier, name, file)
			}
			loaded = append(loaded, name)
		}
		for _, shared := range []string{"deploy/compose/registrar.yaml", "deploy/kubernetes/registrar.yaml"} {
			var environ []string
			for _, e := range u["Environment"] {
				if _, credential, found := strings.Cut(e, "%d/"); found && !slices.Contains(loaded, credential) {
					t.Errorf("%s: %s, which is not loaded", tier, e)
				}
				environ = append(environ, strings.NewReplacer("%d", secrets, "%S", "/var/lib", "/etc/registrar/registrar.yaml", path(shared)).Replace(e))
			}
			c, err := config.Load(nil, environ)
			if err != nil {
				t.Fatalf("%s: %v", tier, err)
			}
			if !slices.Equal(u["StateDirectory"], []string{filepath.Base(c.DataDir)}) {
				t.Errorf("%s: its directory is %s, and it may write to %v", tier, c.DataDir, u["StateDirectory"])
			}
			stop, err := time.ParseDuration(strings.Join(u["TimeoutStopSec"], ""))
			if err != nil || stop <= c.DrainDelay+2*c.ShutdownTimeout {
				t.Errorf("%s has %s to end (%v), and may take %s and twice %s", tier, stop, err, c.DrainDelay, c.ShutdownTimeout)
			}
		}
		if tier == "web" && slices.ContainsFunc(loaded, func(c string) bool { return c == "codes.key" || strings.HasPrefix(c, "database") }) {
			t.Errorf("web servers have the credentials %v", loaded)
		}
	}
}
