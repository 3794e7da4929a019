package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"registrar/internal/config"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func flags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestLoadWithoutAnything(t *testing.T) {
	t.Parallel()
	got, err := config.Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, config.Default()) {
		t.Errorf("got\n%s\nwant the defaults", got)
	}
}

// TestLayers: each source over the one before, key by key.
func TestLayers(t *testing.T) {
	t.Parallel()
	path := write(t, "registrar.yaml", `
listen: 127.0.0.1:1
admin_listen: 127.0.0.1:2
data_dir: from-file
hosts: [one.example]
trusted_proxies: []
limits: {depth: 40}
`)
	environ := []string{
		"REGISTRAR_ADMIN_LISTEN=127.0.0.1:3", "REGISTRAR_DATA_DIR=from-environment", "REGISTRAR_LIMITS_BODY_BYTES=2MiB",
		"REGISTRAR_TRUSTED_PROXIES=10.0.0.0/8, 192.168.0.0/16", "REGISTRAR_BRAND=", "HOME=/nowhere", "UNRELATED",
	}
	got, err := config.Load(flags(t, "--config", path, "--data-dir=from-flag", "--log-level=debug"), environ)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Listen = "127.0.0.1:1"
	want.AdminListen = "127.0.0.1:3"
	want.DataDir = "from-flag"
	want.Hosts = []string{"one.example"}
	want.TrustedProxies = []string{"10.0.0.0/8", "192.168.0.0/16"}
	want.Limits.Depth = 40
	want.Limits.BodyBytes = 2 << 20
	want.Log.Level = "debug"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestConfigFileByVariable(t *testing.T) {
	t.Parallel()
	path := write(t, "registrar.yaml", "brand: Example")
	got, err := config.Load(flags(t), []string{"REGISTRAR_CONFIG=" + path})
	if err != nil || got.Brand != "Example" {
		t.Errorf("brand %q, error %v", got.Brand, err)
	}
}

// TestEveryKeyByEveryWay sets each key in the file and in the environment to
// its own default and to nothing else.
func TestEveryKeyByEveryWay(t *testing.T) {
	t.Parallel()
	d := config.Default()
	got, err := config.LoadBytes([]byte(d.Redacted()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Redacted() != d.Redacted() {
		t.Errorf("what Redacted writes is read as\n%s", got)
	}
	if names := config.Variables(); len(slices.Compact(slices.Sorted(slices.Values(names)))) != len(names) {
		t.Error("two keys have one variable")
	}
}

func TestEnvironmentByType(t *testing.T) {
	t.Parallel()
	got, err := config.LoadBytes(nil, []string{
		"REGISTRAR_ALLOW_UNAUTHENTICATED=true",
		"REGISTRAR_LISTEN=:8080",
		"REGISTRAR_REGISTRATION_NOTIFICATION_LIFE=1d12h",
		"REGISTRAR_PASSWORD_MIN_LENGTH=12",
		"REGISTRAR_SMS_DRIVER=http",
		"REGISTRAR_SMS_HTTP_URL=https://sms.example/send?key={{.Secrets.token}}",
		`REGISTRAR_SMS_HTTP_HEADERS={Authorization: "Bearer abc", X.Trace: "1"}`,
		"REGISTRAR_EMAIL_SMTP_PASSWORD=0123",
		"REGISTRAR_EMAIL_SMTP_USER=me",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.AllowUnauthenticated = true
	want.Listen = ":8080"
	want.Registration.NotificationLife = 36 * time.Hour
	want.Password.MinLength = 12
	want.SMS.Driver = "http"
	want.SMS.HTTP.URL = "https://sms.example/send?key={{.Secrets.token}}"
	want.SMS.HTTP.Headers = map[string]config.Secret{"Authorization": "Bearer abc", "X.Trace": "1"}
	want.Email.SMTP.Password = "0123"
	want.Email.SMTP.User = "me"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestNotOurVariables: Kubernetes and hack/deps set some with our prefix.
func TestNotOurVariables(t *testing.T) {
	t.Parallel()
	_, err := config.LoadBytes(nil, []string{
		"REGISTRAR_SERVICE_HOST=10.0.0.1", "REGISTRAR_SERVICE_PORT=80", "REGISTRAR_SERVICE_PORT_SOAP=80", "REGISTRAR_PORT=tcp://10.0.0.1:80",
		"REGISTRAR_PORT_80_TCP=tcp://10.0.0.1:80", "REGISTRAR_PORT_80_TCP_PROTO=tcp", "REGISTRAR_PORT_80_TCP_PORT=80",
		"REGISTRAR_PORT_80_TCP_ADDR=10.0.0.1", "REGISTRAR_WEB_SERVICE_HOST=10.0.0.2", "REGISTRAR_CACHE=/var/cache",
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	database, mail, sms := write(t, "d", "premiere\n"), write(t, "m", " second \r\n"), write(t, "s", "third")
	got, err := config.LoadBytes([]byte(`
database: {password_file: `+database+`}
email: {smtp: {user: me, password_file: `+mail+`}}
sms: {http: {secrets: {user: fourth}, secret_files: {token: `+sms+`}}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"database.password":      {got.Database.Password.Reveal(), "premiere"},
		"email.smtp.password":    {got.Email.SMTP.Password.Reveal(), " second "},
		"sms.http.secrets.token": {got.SMS.HTTP.Secrets["token"].Reveal(), "third"},
		"sms.http.secrets.user":  {got.SMS.HTTP.Secrets["user"].Reveal(), "fourth"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	for _, secret := range []string{"premiere", "second", "third", "fourth"} {
		if strings.Contains(got.Redacted(), secret) {
			t.Errorf("Redacted holds %q", secret)
		}
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"missing": "/nonexistent/registrar.yaml", "directory": t.TempDir(), "long": write(t, "long", strings.Repeat("#\n", 1<<20))} {
		_, err := config.Load(flags(t, "--config="+path), []string{"REGISTRAR_LOG_LEVEL=loud"})
		var problems config.Problems
		if !errors.As(err, &problems) || len(problems) != 2 || problems[0].Key != path || problems[1].Key != "log.level" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExampleFile: the shipped file holds every key, each with its default.
func TestExampleFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/registrar.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.LoadBytes(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := config.Default(); got.Redacted() != d.Redacted() {
		t.Errorf("got\n%s\nwant\n%s", got, d)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	if found := leaves(root.Content[0], ""); !slices.Equal(found, config.Keys()) {
		t.Errorf("the file has the keys\n%v\nand the configuration\n%v", found, config.Keys())
	}
}

// leaves are the full names of the keys below n that have no keys below them.
func leaves(n *yaml.Node, path string) (names []string) {
	for i := 0; i < len(n.Content); i += 2 {
		name := path + n.Content[i].Value
		if n.Content[i+1].Kind == yaml.MappingNode && len(n.Content[i+1].Content) > 0 {
			names = append(names, leaves(n.Content[i+1], name+".")...)
			continue
		}
		names = append(names, name)
	}
	return names
}

func TestDurationsBothWays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"72h": "72h", "3d": "72h", "1d12h30m": "36h30m", "90s": "1m30s", "500ms": "500ms", "60m": "1h", "0s": "0s", "10m": "10m", "1h0m5s": "1h0m5s"} {
		d, err := config.ParseDuration(text)
		if err != nil || config.FormatDuration(d) != want {
			t.Errorf("%s is %s (%v), want %s", text, config.FormatDuration(d), err, want)
		}
	}
}

func FuzzLoadYAML(f *testing.F) {
	example, err := os.ReadFile("../../deploy/registrar.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, text := range []string{"", "a: b", "listen: [1]", "listen: 1\nlisten: 2", "database: 3", "? [a]\n: b", "limits: {body_bytes: 1e9}", "--- {}\n--- {}", "x: &a [*a]", "sms: {http: {headers: {a: 1}}}", "log:\n\tlevel: x", "request_timeout: 99999999999d",
		"email: {from: a@b.example, providers: [{name: a, driver: smtp, rate: 5, smtp: {host: h, user: u, password: p}}, {name: b, driver: smtp, smtp: {host: i}}]}",
		"email: {providers: [1]}", "email: {providers: [{smtp: 1}]}", "sms: {providers: [{name: a, driver: http, http: {url: 'http://h/', secret_files: {a: /dev/null}}}]}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := config.LoadBytes(text, nil)
		if err != nil {
			if problems, ok := errors.AsType[config.Problems](err); !ok || len(problems) == 0 {
				t.Fatalf("an error without a problem: %v", err)
			}
			return
		}
		// What is right is shown so that it reads the same again, secrets aside.
		again, err := config.LoadBytes([]byte(got.Redacted()), nil)
		if problems, ok := errors.AsType[config.Problems](err); ok && !slices.ContainsFunc(problems, func(p config.Problem) bool {
			return strings.HasPrefix(p.Key, "sms.http.") || strings.HasPrefix(p.Key, "sms.providers[")
		}) {
			t.Fatalf("cannot read what was shown: %v\n%s", err, got)
		}
		if again.Limits != got.Limits || again.RequestTimeout != got.RequestTimeout || again.Brand != got.Brand || len(again.EmailProviders()) != len(got.EmailProviders()) {
			t.Fatalf("shown\n%s\nread\n%s", got, again)
		}
	})
}
