package migration_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"registrar/test/harness"
)

const example = "../../examples/write-back"

// feed is examples/write-back, which keeps the application's table current.
type feed struct {
	rig *rig
	env []string
	cmd *exec.Cmd
	log string // its file
}

// newFeed makes the example's tables, and tells it who was imported.
func newFeed(t *testing.T, r *rig, wsdl, caller, secret string) *feed {
	t.Helper()
	host, port, _ := strings.Cut(r.node.Address, ":")
	f := &feed{rig: r, log: filepath.Join(r.dir, "write-back.log"), env: append(os.Environ(), "DB_DSN=mysql:host="+host+";port="+port+";dbname=laravel;charset=utf8mb4", "DB_USERNAME="+r.node.User, "DB_PASSWORD="+r.node.Password,
		"REGISTRAR="+harness.Binary(t), "WRITE_BACK_WSDL="+wsdl, "WRITE_BACK_CALLER="+caller, "WRITE_BACK_SECRET="+secret)}
	f.php(t, "", "install")
	f.php(t, r.registrar(t, "export", "--mapping", r.mapping, "--format", "jsonl"), "learn")
	return f
}

func (f *feed) php(t *testing.T, in, command string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "php", filepath.Join(example, "write-back.php"), command)
	cmd.Env, cmd.Stdin = f.env, strings.NewReader(in)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write-back.php %s: %v\n%s", command, err, out)
	}
}

// start runs it until kill.
func (f *feed) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(f.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	f.cmd = exec.Command(filepath.Join(example, "run"), "--config", f.rig.config, "--data-dir", filepath.Join(f.rig.service.Dir, "data"))
	f.cmd.Env, f.cmd.Stdout, f.cmd.Stderr = f.env, log, log
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill is kill -9 of all of it.
func (f *feed) kill(t *testing.T) {
	t.Helper()
	if f.cmd == nil {
		return
	}
	if err := syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := f.cmd.Wait(); !errors.As(err, &exit) {
		t.Errorf("write-back ended before it was killed: %v\n%s", err, f.said())
	}
	f.cmd = nil
}

func (f *feed) said() string {
	text, err := os.ReadFile(f.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// await waits until a query gives a number.
func (f *feed) await(t *testing.T, query string, want int) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("write-back says\n%s", f.said())
		}
	}()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		text, err := f.rig.node.Query(ctx, query)
		if err == nil && text != fmt.Sprint(want) {
			err = fmt.Errorf("%s: %s, not %d", query, text, want)
		}
		return err
	})
}

// feedBack: the application's table has a row of everybody, whoever has written it.
func (s *story) feedBack(t *testing.T) {
	accounts := s.accounts(t, "monolith")
	s.feed.await(t, "SELECT COUNT(*) FROM laravel.users", accounts)
	verified := 0
	for _, p := range s.living {
		if p.verified {
			verified++
		}
	}
	const living = "SELECT COUNT(*) FROM laravel.users WHERE email LIKE 'live%@example.net'"
	s.feed.await(t, living+" AND email_verified_at IS NOT NULL", verified)
	if n := number(t, s.node, living); n != len(s.living) {
		t.Errorf("%d rows of %d people", n, len(s.living))
	}
	if name := sql(t, s.node, fmt.Sprintf("SET NAMES utf8mb4; SELECT name, email, password, locale FROM laravel.users WHERE id = %d", s.living[2].id)); name != "ليلى Noor\tlive2@example.net\t\tar" {
		t.Errorf("the row that the feed has written is %q", name)
	}
	s.alike(t)
	s.again(t)
}

// again: an application that died before it had its answer asks once more, and
// finds the row that the feed has written. Who has verified their address may come
// in, and who has not may enter the code.
func (s *story) again(t *testing.T) {
	row := func(p *living) string {
		return sql(t, s.node, fmt.Sprintf("SET NAMES utf8mb4; SELECT id, name, email, email_verified_at, password, locale, created_at FROM laravel.users WHERE id = %d", p.id))
	}
	for _, p := range s.living {
		before := row(p)
		var at registered
		s.app.must(t, "register", fields{"id": p.id, "requestId": p.requestID, "person": p.person}, &at)
		if at.Registration != p.registration || row(p) != before {
			t.Errorf("%s again: %+v, %q was %q", p.email, at, row(p), before)
		}
		var in verdict
		s.app.must(t, "logIn", fields{"email": p.email, "password": "velvet-anchor-tuesday", "origin": "browser-" + p.email}, &in)
		want := verdict{Valid: true, ID: p.id}
		if !p.verified {
			want.Pending = p.registration
		}
		if in != want {
			t.Errorf("%s logs in: %+v, not %+v", p.email, in, want)
		}
	}
	// An address that the application alone has is not taken twice.
	const id = 42
	sql(t, s.node, fmt.Sprintf("UPDATE laravel.users SET email = 'own@example.net' WHERE id = %d", id))
	var at registered
	s.app.must(t, "register", fields{"id": 1_450_000_000, "requestId": "own", "person": someone("Amina Noor", "own@example.net")}, &at)
	if at.Fault != "EMAIL_TAKEN" || at.Fields["email"] == "" {
		t.Errorf("an address of the application's own: %+v", at)
	}
	sql(t, s.node, fmt.Sprintf("UPDATE laravel.users SET email = 'person%d@example.com' WHERE id = %[1]d", id))
	// When Registrar is away nobody knows their password: that is no wrong one.
	s.balancer.lose.Store(1)
	var away verdict
	s.app.must(t, "logIn", fields{"email": s.living[0].email, "password": "velvet-anchor-tuesday"}, &away)
	if away != (verdict{Fault: "NO_ANSWER"}) {
		t.Errorf("while Registrar is away: %+v", away)
	}
}
