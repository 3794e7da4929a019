package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/test/harness"
)

// callerCommand runs `registrar caller` on one database.
type callerCommand struct{ flags []string }

func (c callerCommand) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), harness.Binary(t), slices.Concat([]string{"caller"}, args, c.flags)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errs.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), 0
}

// ok runs what has to succeed and gives its standard output.
func (c callerCommand) ok(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := c.run(t, args...)
	if code != 0 {
		t.Errorf("caller %v: exit code %d\n%s", args, code, stderr)
	}
	return stdout
}

// refused runs what has to fail and to say something.
func (c callerCommand) refused(t *testing.T, want string, args ...string) {
	t.Helper()
	stdout, stderr, code := c.run(t, args...)
	if code != 1 || stdout != "" || !strings.Contains(stderr, want) {
		t.Errorf("caller %v: exit code %d, no %q in\n%s%s", args, code, want, stdout, stderr)
	}
}

// unwritten runs what succeeds but for its standard output, which is full.
func (c callerCommand) unwritten(t *testing.T, want string, args ...string) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), harness.Binary(t), slices.Concat([]string{"caller"}, args, c.flags)...)
	cmd.Stdout, cmd.Stderr = full, &errs
	exit, ok := errors.AsType[*exec.ExitError](cmd.Run())
	if !ok || exit.ExitCode() != 1 || !strings.Contains(errs.String(), want) {
		t.Errorf("caller %v with a full standard output: %v, no %q in\n%s", args, exit, want, errs.String())
	}
}

// secret runs what shows one.
func (c callerCommand) secret(t *testing.T, args ...string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^  secret  ([A-Z2-7]{26})$`).FindAllStringSubmatch(c.ok(t, args...), -1)
	if len(found) != 1 {
		t.Fatalf("caller %v shows %d secrets", args, len(found))
	}
	return found[0][1]
}

// shown is `caller show --json`.
type shown struct {
	Name                  string
	Disabled              bool
	Operations            []string
	Rate, Burst           int
	DailyQuota            int    `json:"daily_quota"`
	SuppressNotifications bool   `json:"suppress_notifications"`
	CertificateSubject    string `json:"certificate_subject"`
	Secrets               []struct {
		ExpiresAt *time.Time `json:"expires_at"`
		Digest    bool
	}
}

func (c callerCommand) show(t *testing.T, name string) (s shown) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.ok(t, "show", name, "--json")), &s); err != nil {
		t.Error(err)
	}
	return s
}

// TestCallerCommand: the life of callers, on both databases, before any server
// has run on them.
func TestCallerCommand(t *testing.T) {
	t.Parallel()
	_, mariadb := harness.MariaDB(t)
	for name, database := range map[string]string{"SQLite": "", "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "deep", "data")
			with := func(yaml string) callerCommand {
				return callerCommand{[]string{"--data-dir", data, "--log-level", "warn", "--config", harness.Config(t, database+yaml)}}
			}
			c := with("callers: {refresh: 700ms}\n")
			nothing, place := "up to date: run registrar migrate up", "the database "
			if name == "SQLite" {
				nothing, place = "no database in "+data, filepath.Join(data, "registrar.db")
			}
			for _, args := range [][]string{{"list"}, {"show", "erp"}, {"update", "erp", "--rate", "5"}, {"rotate", "erp"}, {"disable", "erp"}, {"enable", "erp"}} {
				c.refused(t, nothing, args...)
			}
			if _, err := os.Stat(filepath.Dir(data)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what makes no database has left %s: %v", data, err)
			}
			if out := c.ok(t, "add", "erp"); !strings.Contains(out, "added in "+place) || !strings.Contains(out, "shown this once") || !strings.Contains(out, "700ms") {
				t.Errorf("add says\n%s", out)
			}
			c.ok(t, "add", "backfill", "--operations", "GetRegistration,Register", "--rate", "50", "--burst", "200", "--daily-quota", "100000", "--suppress-notifications", "--certificate-subject", "cn=backfill, O=Acme")
			if s := c.show(t, "backfill"); s.Name != "backfill" || s.Disabled || !slices.Equal(s.Operations, []string{"GetRegistration", "Register"}) || s.Rate != 50 || s.Burst != 200 ||
				s.DailyQuota != 100_000 || !s.SuppressNotifications || s.CertificateSubject != "CN=backfill,O=Acme" || len(s.Secrets) != 1 || s.Secrets[0].ExpiresAt != nil || s.Secrets[0].Digest {
				t.Errorf("show: %+v", s)
			}
			if out := c.ok(t, "add", "mesh", "--certificate-subject", "CN=mesh", "--no-secret"); strings.Contains(out, "secret  ") {
				t.Errorf("add --no-secret says\n%s", out)
			}
			c.refused(t, "caller rotate erp", "add", "erp")
			c.refused(t, "caller list", "add", "second", "--certificate-subject", "CN=backfill,O=Acme")
			c.refused(t, "a-z", "add", "ERP")
			c.refused(t, "--certificate-subject", "add", "nothing", "--no-secret")
			c.refused(t, "Register, GetRegistration", "add", "nothing", "--operations", "Register,Unregister")
			c.refused(t, "distinguished name", "add", "nothing", "--certificate-subject", "Acme")
			c.refused(t, "--rate", "add", "nothing", "--rate", "-1")
			c.refused(t, "--rate", "add", "nothing", "--burst", "5")
			c.refused(t, "one name", "add")
			c.refused(t, "caller list", "show", "nobody")
			c.refused(t, "caller list", "disable", "nobody")
			c.refused(t, "caller list", "rotate", "nobody")
			c.refused(t, "--operations names none", "add", "nothing", "--operations", "")
			c.refused(t, "--operations names none", "update", "erp", "--operations", "")
			c.refused(t, "caller rotate mesh", "update", "mesh", "--certificate-subject", "")
			c.refused(t, "--help", "update", "erp")

			c.ok(t, "update", "backfill", "--rate", "0", "--burst", "0", "--operations", "all", "--suppress-notifications=false", "--certificate-subject", "")
			if s := c.show(t, "backfill"); s.Rate != 0 || s.DailyQuota != 100_000 || len(s.Operations) != 0 || s.SuppressNotifications || s.CertificateSubject != "" || len(s.Secrets) != 1 {
				t.Errorf("after update: %+v", s)
			}
			c.ok(t, "disable", "erp")
			if out := c.ok(t, "list"); !regexp.MustCompile(`(?m)^erp +disabled .*secret`).MatchString(out) || !regexp.MustCompile(`(?m)^mesh +enabled .*CN=mesh`).MatchString(out) {
				t.Errorf("list:\n%s", out)
			}
			c.ok(t, "enable", "erp")
			if c.show(t, "erp").Disabled {
				t.Error("enable does not")
			}

			first := c.secret(t, "rotate", "erp", "--overlap", "2h")
			s := c.show(t, "erp")
			if len(s.Secrets) != 2 || s.Secrets[0].ExpiresAt != nil || s.Secrets[1].ExpiresAt == nil || time.Until(*s.Secrets[1].ExpiresAt).Round(time.Hour) != 2*time.Hour {
				t.Errorf("after rotate: %+v", s)
			}
			second := c.secret(t, "rotate", "erp", "--overlap", "0")
			if s := c.show(t, "erp"); len(s.Secrets) != 1 || first == second {
				t.Errorf("after rotate --overlap 0: %+v", s)
			}
			if out := c.ok(t, "show", "erp") + c.ok(t, "list", "--json"); strings.Contains(out, second) {
				t.Error("a secret is shown again")
			}

			if out := c.ok(t, "rotate", "mesh"); strings.Contains(out, "before") || !strings.Contains(out, "mesh has a secret") {
				t.Errorf("rotate of a caller that had no secret says\n%s", out)
			}
			c.ok(t, "update", "mesh", "--certificate-subject", "")

			c.unwritten(t, "caller rotate lost", "add", "lost")
			c.unwritten(t, "caller rotate lost", "rotate", "lost")
			for _, args := range [][]string{{"add", "unheard", "--no-secret", "--certificate-subject", "CN=unheard"}, {"disable", "lost"}, {"update", "lost", "--rate", "5"}, {"list"}, {"list", "--json"}, {"show", "lost"}, {"show", "lost", "--json"}} {
				c.unwritten(t, "no space", args...)
			}
			if s := c.show(t, "lost"); len(s.Secrets) != 2 || !s.Disabled || s.Rate != 5 {
				t.Errorf("what could not be told: %+v", s)
			}

			c.refused(t, "openssl rand -base64 32", "add", "legacy", "--digest")
			keyed := with("callers: {key: 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='}\n")
			if out := keyed.ok(t, "add", "legacy", "--digest"); !strings.Contains(out, "callers.key") {
				t.Errorf("add --digest says\n%s", out)
			}
			c.refused(t, "callers.key", "rotate", "legacy") // it goes on using digests
			keyed.secret(t, "rotate", "legacy")
			if s := c.show(t, "legacy"); len(s.Secrets) != 2 || !s.Secrets[0].Digest || !s.Secrets[1].Digest {
				t.Errorf("after rotate: %+v", s)
			}
			c.secret(t, "rotate", "legacy", "--digest=false", "--overlap", "0")
			if s := c.show(t, "legacy"); len(s.Secrets) != 1 || s.Secrets[0].Digest {
				t.Errorf("after rotate --digest=false: %+v", s)
			}
		})
	}
}

// TestCallerCommandAndTheSchema: only add brings a schema up to date, and only
// where serve would.
func TestCallerCommandAndTheSchema(t *testing.T) {
	t.Parallel()
	_, mariadb := harness.MariaDB(t)
	for name, database := range map[string]string{"SQLite": "database:\n  driver: sqlite\n", "MariaDB": mariadb} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			with := func(more string) callerCommand {
				return callerCommand{[]string{"--data-dir", data, "--log-level", "warn", "--config", harness.Config(t, database+more)}}
			}
			c := with("")
			migrate := func(args ...string) {
				t.Helper()
				if out, err := exec.CommandContext(t.Context(), harness.Binary(t), slices.Concat([]string{"migrate"}, args, c.flags)...).CombinedOutput(); err != nil {
					t.Fatalf("migrate %v: %v\n%s", args, err, out)
				}
			}
			migrate("up")
			if out := c.ok(t, "list"); !strings.Contains(out, "caller add") {
				t.Errorf("an empty list says %q", out)
			}
			migrate("down")
			for _, args := range [][]string{{"list"}, {"show", "erp"}, {"disable", "erp"}, {"rotate", "erp"}} {
				c.refused(t, "run registrar migrate up", args...)
			}
			c.ok(t, "add", "erp")
			c.ok(t, "show", "erp")
			migrate("down")
			with("  migrate: false\n").refused(t, "run registrar migrate up", "add", "second")
		})
	}
}

// postAs posts an envelope as a caller by HTTP Basic, and gives the answer.
func postAs(ctx context.Context, s *harness.Service, name, secret, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(harness.Envelope(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.SetBasicAuth(name, secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	return string(answer), err
}

// TestCallerCommandBesideTheService: on the embedded database the command runs
// before the first start, while the service is under load, and between its
// starts; nothing of either is lost, also when the service is killed.
func TestCallerCommandBesideTheService(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	data := filepath.Join(s.Dir, "data")
	c := callerCommand{[]string{"--data-dir", data, "--log-level", "warn"}}
	secret := c.secret(t, "add", "erp")
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory: %v, %v", info, err)
	}
	s.Start(t)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		done []string
	)
	stop := make(chan struct{})
	for w := range 6 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("beside-%d-%d", w, i)
				r := harness.Register{Username: name, Email: name + "@example.org", Password: "velvet-anchor-tuesday"}
				if _, err := postAs(t.Context(), s, "erp", secret, r.Body()); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				done = append(done, name)
				mu.Unlock()
			}
		})
	}
	const added = 5
	for i := range added {
		c.ok(t, "add", fmt.Sprintf("caller-%d", i), "--rate", "5")
		c.ok(t, "update", fmt.Sprintf("caller-%d", i), "--burst", "7")
	}
	close(stop)
	wg.Wait()
	s.Kill()
	if out := c.ok(t, "list"); strings.Count(out, "5/s, 7 at once") != added {
		t.Errorf("list:\n%s", out)
	}
	s.Start(t)
	for _, name := range done {
		answer, err := postAs(t.Context(), s, "erp", secret, "<r:GetRegistrationRequest><r:username>"+name+"</r:username></r:GetRegistrationRequest>")
		if err != nil || !strings.Contains(answer, name+"@example.org") {
			t.Errorf("%s: %v\n%s", name, err, answer)
		}
	}
	if out := c.ok(t, "list"); strings.Count(out, "5/s, 7 at once") != added {
		t.Errorf("list:\n%s", out)
	}
	if len(done) < added {
		t.Errorf("the load was %d registrations only", len(done))
	}
}
