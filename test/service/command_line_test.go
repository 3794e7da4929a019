package service_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"registrar/test/harness"
)

// run runs the program to its end.
func run(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), harness.Binary(t), args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(b), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b), 0
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	secret := harness.Config(t, "database: {driver: mariadb, addresses: ['127.0.0.1:3306'], password: hunter2hunter2}\ncodes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\n")
	providers := harness.Config(t, `
email: {from: a@b.example, providers: [{name: first, driver: smtp, rate: 30, smtp: {host: mx1.example.com}}, {name: second, driver: smtp, smtp: {host: mx2.example.com}}]}
sms: {driver: http, http: {url: "https://sms.example.com/hunter2"}}
`)
	server := harness.Config(t, "database: {driver: mariadb, addresses: ['127.0.0.1:1']}\ncodes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\n")
	both := harness.Config(t, "database: {driver: mariadb, addresses: ['127.0.0.1:1']}\nkafka: {brokers: ['127.0.0.1:1']}\ncodes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\n")
	wrong := harness.Config(t, "admin_listen: 0.0.0.0:8081\npassword: {min_length: 3, algorithm: md5}\ncolour: blue\n")
	for _, tt := range []struct {
		name string
		args []string
		code int
		want []string
		not  string
	}{
		{"help names every command", []string{"--help"}, 0, []string{"serve", "web", "app", "notify", "migrate", "caller", "campaign", "notification", "suppression", "dlq", "audit", "person", "template", "event", "config", "version", "registrar config show"}, "Additional Commands"},
		{"help of serve teaches", []string{"serve", "--help"}, 0, []string{"SQLite", "--data-dir", "SIGTERM", "REGISTRAR_KAFKA_BROKERS"}, ""},
		{"help of caller teaches", []string{"caller", "--help"}, 0, []string{"curl -u", "UsernameToken", "client certificate", "callers.refresh", "shown once"}, ""},
		{"help of caller add tells what is kept", []string{"caller", "add", "--help"}, 0, []string{"callers.key", "can decrypt it", "only its hash is kept", "--no-secret", "Register, GetRegistration"}, ""},
		{"help of caller rotate", []string{"caller", "rotate", "--help"}, 0, []string{"--overlap 0", "leaked", "24h"}, ""},
		{"help of dlq teaches", []string{"dlq", "--help"}, 0, []string{"dead-letter topic", "registrar notification show", "--data-dir"}, ""},
		{"help of dlq replay", []string{"dlq", "replay", "--help"}, 0, []string{"PARTITION/OFFSET", "can be given again", "--all"}, ""},
		{"dlq without a database", []string{"dlq", "list", "--data-dir", filepath.Join(t.TempDir(), "none")}, 1, []string{"no database", "--data-dir"}, "goroutine"},
		{"help of audit teaches", []string{"audit", "--help"}, 0, []string{"VERIFY_CONTACT", "kept elsewhere", "registrar audit prune"}, "Additional Commands"},
		{"help of audit verify tells its exit codes", []string{"audit", "verify", "--help"}, 0, []string{"0 when the chain is whole, 3 when it is broken", "--heads", "no proof"}, ""},
		{"help of person erase says what stays", []string{"person", "erase", "--help"}, 0, []string{"tombstone", "opt-outs", "--keep-external-id=false", "backups"}, ""},
		{"audit without a database", []string{"audit", "list", "--data-dir", filepath.Join(t.TempDir(), "none")}, 1, []string{"no database", "--data-dir"}, "goroutine"},
		{"help of event tail teaches", []string{"event", "tail", "--help"}, 0, []string{"--from", "position", "examples/write-back", "events.keep"}, ""},
		{"help of diff teaches", []string{"diff", "--help"}, 0, []string{"extra", "ahead", "exit code is 0", "--repair"}, ""},
		{"help of export teaches", []string{"export", "--help"}, 0, []string{"registration_id", "--hashes", "password.algorithm: bcrypt", "0600"}, ""},
		{"the types of events", []string{"event", "types"}, 0, []string{"registrar.registration.completed.v1\n"}, ""},
		{"a schema of an event", []string{"event", "schema", "registrar.contact.verified.v1"}, 0, []string{`"$id": "urn:registrar:event:registrar.contact.verified.v1"`}, ""},
		{"a schema that is not there", []string{"event", "schema", "registrar.contact.verified"}, 1, []string{"registrar event types"}, "goroutine"},
		{"help of import teaches", []string{"import", "--help"}, 0, []string{"registrar import mapping laravel", "--dry-run", "--rejects", "kill -9", "Nobody is told"}, ""},
		{"the shipped mapping", []string{"import", "mapping", "laravel"}, 0, []string{"external_id: {column: id}", "email_missing: keep"}, ""},
		{"help of notify teaches", []string{"notify", "--help"}, 0, []string{"sms.otp,email.otp", "codes.key", "bounces", "notify.lanes: [none]"}, ""},
		{"help of web teaches", []string{"web", "--help"}, 0, []string{"registrar\napp", "no access to the database", "tier.servers", "dns:///registrar-app.internal:8082", "drain_delay", "--servers"}, "--data-dir"},
		{"help of app teaches", []string{"app", "--help"}, 0, []string{"registrar web", "MariaDB and Kafka", "codes.key", "tier.tls", "drain_delay", "--tier-listen", "--data-dir"}, "--servers"},
		{"notify on the embedded default", []string{"notify", "--data-dir", filepath.Join(t.TempDir(), "none")}, 1, []string{"needs database.driver mariadb and kafka.brokers", "registrar serve"}, "goroutine"},
		{"notify without a broker", []string{"notify", "--config", server}, 1, []string{"registrar notify needs kafka.brokers:"}, "goroutine"},
		{"notify without lanes", []string{"notify", "--config", both, "--lanes", "none"}, 1, []string{"nothing to do", "--lanes"}, "goroutine"},
		{"notify by a lane that is not there", []string{"notify", "--config", both, "--lanes", "sms.otp,pigeon.otp"}, 1, []string{"notify.lanes", "email.marketing"}, "goroutine"},
		{"version", []string{"version"}, 0, []string{"registrar ", "go1."}, ""},
		{"a valid configuration", []string{"config", "check"}, 0, []string{"valid"}, ""},
		{"the providers in their order", []string{"config", "check", "--config", providers}, 0, []string{"email    1      first     smtp    mx1.example.com:587", "30/s", "email    2      second", "sms      1      http      http    https://sms.example.com/"}, "hunter2"},
		{"help of config check teaches", []string{"config", "check", "--help"}, 0, []string{"order in which they are tried", "MARKETING"}, ""},
		{"every problem at once", []string{"config", "check", "--config", wrong}, 1, []string{"allow_unauthenticated", "password.min_length", "password.algorithm", "colour"}, "goroutine"},
		{"show redacts", []string{"config", "show", "--config", secret}, 0, []string{"driver: mariadb", "[redacted]"}, "hunter2"},
		{"an unknown flag", []string{"serve", "--prot", "1"}, 1, []string{"unknown flag: --prot"}, "goroutine"},
		{"an unknown command of a group", []string{"migrate", "upp"}, 1, []string{"unknown command"}, "goroutine"},
		{"an unknown command", []string{"server"}, 1, []string{"unknown command"}, "goroutine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, code := run(t, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			if tt.not != "" && strings.Contains(out, tt.not) {
				t.Errorf("%q in\n%s", tt.not, out)
			}
		})
	}
}

// TestMigrate: up, status and down, on both databases.
func TestMigrate(t *testing.T) {
	t.Parallel()
	_, mariadb := harness.MariaDB(t)
	for name, config := range map[string]string{"SQLite": "", "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"--data-dir", filepath.Join(t.TempDir(), "data"), "--config", harness.Config(t, config)}
			migrate := func(what, want string) {
				t.Helper()
				out, code := run(t, append([]string{"migrate", what}, args...)...)
				if code != 0 || !strings.Contains(out, want) {
					t.Errorf("migrate %s: exit code %d, no %q in\n%s", what, code, want, out)
				}
			}
			migrate("status", "no")
			migrate("up", "applied 00001")
			migrate("up", "up to date")
			migrate("status", "00001_accounts.sql")
			migrate("down", "took back")
			migrate("up", "applied")
		})
	}
}

// TestWithoutMigration: serve says what to do when it may not change the schema.
func TestWithoutMigration(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, "database: {migrate: false}\n"))
	if err := s.TryStart(t.Context()); err == nil {
		t.Fatal("it started")
	}
	if !strings.Contains(s.Log(t), "registrar migrate up") {
		t.Errorf("it says\n%s", s.Log(t))
	}
}
