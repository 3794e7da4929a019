// Package writeback_test runs examples/write-back as it is meant to be run: with PHP,
// a Laravel table on MariaDB, the service and its commands, and with Kafka too.
package writeback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

const example = "../../examples/write-back/"

// users is Laravel's own table, with a few people who have nothing to do with Registrar.
// The ids below 100000 were reserved.
const users = `CREATE DATABASE laravel CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; USE laravel;
CREATE TABLE users (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(255) NOT NULL, email VARCHAR(255) NULL UNIQUE,
	email_verified_at TIMESTAMP NULL, password VARCHAR(255) NOT NULL, locale VARCHAR(8) NOT NULL DEFAULT 'ar', allow_notify TINYINT(1) NOT NULL DEFAULT 1,
	created_at TIMESTAMP NULL, updated_at TIMESTAMP NULL) AUTO_INCREMENT=100000;
INSERT INTO users (id, name, email, password) VALUES (1, 'One', 'one@example.org', '$2y$10$x'), (2, 'Two', 'two@example.org', '$2y$10$x'), (7, 'Seven', NULL, '$2y$10$x')`

// world is the service, and the application that follows it.
type world struct {
	*harness.Service
	node   *devstack.MariaDB
	config string
	env    []string
}

func newWorld(t *testing.T, queue string) *world {
	t.Helper()
	node, database := harness.MariaDB(t)
	w := &world{node: node, config: harness.Config(t, harness.CheapHash+database+queue)}
	w.Service = harness.New(t, "--config", w.config)
	w.Start(t)
	w.sql(t, users)
	w.env = append(os.Environ(), "DB_DSN=mysql:host=127.0.0.1;port="+node.Address[strings.LastIndex(node.Address, ":")+1:]+";dbname=laravel;charset=utf8mb4",
		"DB_USERNAME="+node.User, "DB_PASSWORD="+node.Password, "WRITE_BACK_WSDL="+w.URL+"?wsdl", "REGISTRAR="+harness.Binary(t))
	w.php(t, nil, "install")
	w.php(t, nil, "install") // again changes nothing
	return w
}

func (w *world) sql(t *testing.T, statements string) string {
	t.Helper()
	out, err := w.node.Query(t.Context(), statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// php runs the example to its end.
func (w *world) php(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "php", append([]string{example + "write-back.php"}, args...)...)
	cmd.Env, cmd.Stdin = w.env, stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("write-back.php %v: %v (examples/write-back/install installs PHP)\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// registrar runs a command of the program.
func (w *world) registrar(t *testing.T, args ...string) string {
	t.Helper()
	var problems strings.Builder
	cmd := exec.CommandContext(t.Context(), harness.Binary(t), append(args, "--config", w.config)...)
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("registrar %v: %v\n%s%s", args, err, out, &problems)
	}
	return string(out)
}

// pair is event tail and write-back.php, one reading from the other.
type pair struct{ tail, apply *exec.Cmd }

// follow starts both from the position that the application has.
func (w *world) follow(t *testing.T) *pair {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{
		tail:  exec.Command(harness.Binary(t), "event", "tail", "--follow", "--json", "--from", w.php(t, nil, "position"), "--config", w.config),
		apply: exec.Command("php", example+"write-back.php", "apply"),
	}
	p.tail.Stdout, p.tail.Stderr, p.apply.Stdin, p.apply.Stderr, p.apply.Env = write, t.Output(), read, t.Output(), w.env
	if err := errors.Join(p.tail.Start(), p.apply.Start(), read.Close(), write.Close()); err != nil {
		t.Fatal(err)
	}
	return p
}

// kill is kill -9 of one of the two, and the end of the other.
func (p *pair) kill(first *exec.Cmd) {
	_ = first.Process.Kill()
	if first == p.tail { // the reader sees the end of its input
		_ = p.tail.Wait()
		_ = p.apply.Wait()
		return
	}
	_ = p.apply.Wait()
	_ = p.tail.Process.Kill()
	_ = p.tail.Wait()
}

// person is somebody who registers, and what becomes of them.
type person struct {
	n            int
	externalID   string
	verified     bool
	erased       bool
	registration string
}

func (p *person) email() string { return fmt.Sprintf("person%d@example.com", p.n) }

// live does what a person does.
func (w *world) live(t *testing.T, p *person) error {
	ctx := t.Context()
	receipt, err := w.Register(ctx, harness.Register{
		Username: fmt.Sprint("person", p.n), Email: p.email(), Password: "velvet-anchor-tuesday", FirstName: "نورة", LastName: fmt.Sprint("الحداد ", p.n), Locale: "ar",
		MarketingConsent: fmt.Sprint(p.n%2 == 0), ExternalID: p.externalID,
	})
	if err != nil {
		return err
	}
	p.registration = receipt.RegistrationID
	if !p.verified {
		return nil
	}
	for range 400 {
		codes, err := w.Codes(ctx, p.email())
		if err != nil {
			return err
		}
		if len(codes) > 0 {
			_, err = w.Verify(ctx, p.registration, "EMAIL", codes[0])
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("no code has come")
}

// want is the table as it must be in the end: of each person how often, who and how.
func want(people []*person) string {
	lines := []string{"one@example.org\tOne\t0\tar\t1", "two@example.org\tTwo\t0\tar\t1", "NULL\tSeven\t0\tar\t1"}
	for _, p := range people {
		if !p.erased {
			lines = append(lines, fmt.Sprintf("%s\tنورة الحداد %d\t%d\tar\t%d", p.email(), p.n, flag(p.verified), flag(p.n%2 == 0)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w *world) table(ctx context.Context) (string, error) {
	out, err := w.node.Query(ctx, "SET NAMES utf8mb4; SELECT email, name, email_verified_at IS NOT NULL, locale, allow_notify FROM laravel.users")
	lines := strings.Split(out, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n"), err
}

// awaitTable waits until the table is as it must be.
func (w *world) awaitTable(t *testing.T, people []*person) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		got, err := w.table(ctx)
		if err == nil && got != want(people) {
			err = fmt.Errorf("the table is\n%s\nand must be\n%s", got, want(people))
		}
		return err
	})
	for _, p := range people {
		if p.externalID != "" && !p.erased {
			if got := w.sql(t, "SELECT email FROM laravel.users WHERE id = "+p.externalID); got != p.email() {
				t.Errorf("the row %s is %q's", p.externalID, got)
			}
		}
	}
	if got := w.sql(t, "SELECT COUNT(*) FROM laravel.registrar_people p JOIN laravel.users u ON u.id = p.user_id"); got != fmt.Sprint(len(people)-len(slices.DeleteFunc(slices.Clone(people), func(p *person) bool { return !p.erased }))) {
		t.Errorf("%s people are known", got)
	}
}

// TestTheTableFollows: people register, are verified and erased, while both programs
// are killed again and again, at any place; then by the script that restarts them.
func TestTheTableFollows(t *testing.T) {
	t.Parallel()
	for name, queue := range map[string]func(*testing.T) string{
		"database": func(*testing.T) string { return "" },
		"kafka": func(t *testing.T) string {
			_, queue := harness.Kafka(t)
			return queue
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, queue(t))
			people := make([]*person, 40)
			for i := range people {
				people[i] = &person{n: i, verified: i%3 != 0}
				if i%4 != 0 {
					people[i].externalID = fmt.Sprint(1000 + i)
				}
			}
			var living sync.WaitGroup
			done := make(chan struct{})
			for part := range 4 {
				living.Go(func() {
					for i := part; i < len(people); i += 4 {
						if err := w.live(t, people[i]); err != nil {
							t.Errorf("person %d: %v", i, err)
						}
						time.Sleep(100 * time.Millisecond)
					}
				})
			}
			go func() {
				living.Wait()
				close(done)
			}()
			kills := 0
			for ended := false; !ended; {
				p := w.follow(t)
				select {
				case <-time.After(300*time.Millisecond + rand.N(900*time.Millisecond)):
				case <-done:
					ended = true
				}
				victim := p.apply
				if kills%3 == 2 {
					victim = p.tail
				}
				p.kill(victim)
				kills++
			}
			t.Logf("killed %d times", kills)

			stop := w.start(t)
			w.awaitTable(t, people)
			for i, p := range people {
				if i%5 == 0 {
					p.erased = true
					w.registrar(t, "person", "erase", "--registration", p.registration, "--yes")
				}
			}
			w.awaitTable(t, people)
			stop()

			// From the beginning: nothing changes, also not by what comes again.
			w.sql(t, "UPDATE laravel.registrar_feed SET position = 'beginning'")
			stop = w.start(t)
			harness.Eventually(t, time.Minute, func(context.Context) error {
				if at := w.php(t, nil, "position"); at != w.last(t) {
					return fmt.Errorf("it is at %s", at)
				}
				return nil
			})
			w.awaitTable(t, people)
			stop()
		})
	}
}

// last is the position behind the last event.
func (w *world) last(t *testing.T) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(w.registrar(t, "event", "tail", "--from", "beginning")), "\n")
	position, _, _ := strings.Cut(lines[len(lines)-1], " ")
	return position
}

// start runs the script, and gives what ends it with all that it has started.
func (w *world) start(t *testing.T) (stop func()) {
	t.Helper()
	script := exec.Command("bash", example+"run", "--config", w.config)
	script.Env, script.Stderr = w.env, t.Output()
	script.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	stop = func() {
		once.Do(func() {
			_ = script.Process.Signal(syscall.SIGTERM)
			_ = script.Wait()
			_ = syscall.Kill(-script.Process.Pid, syscall.SIGKILL) // what is left of its group
		})
	}
	t.Cleanup(stop)
	return stop
}

// TestErasureOfSomebodyWhoWasImported: no event has told whose row it is, an export has.
func TestErasureOfSomebodyWhoWasImported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte("id,name,email,password,locale,allow_notify,email_verified_at,created_at\n"+
		"1,One,one@example.org,,ar,1,2024-01-01 00:00:00,2023-01-01 00:00:00\n2,Two,two@example.org,,ar,1,2024-01-01 00:00:00,2023-01-01 00:00:00\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "WRITE_BACK_CALLER=monolith")
	w.registrar(t, "import", "--mapping", "laravel", file)
	people := w.registrar(t, "export", "--mapping", "laravel", "--format", "jsonl")
	w.php(t, strings.NewReader(people), "learn")
	w.registrar(t, "person", "erase", "--external-id", "monolith", "2", "--yes")
	events := w.registrar(t, "event", "tail", "--json")
	// Another caller's people have the same keys, and are nobody here.
	events = strings.Replace(strings.Replace(events, `"caller":"monolith"`, `"caller":"shop"`, 1), `"externalId":"2"`, `"externalId":"1"`, 1) + events
	if out := w.php(t, strings.NewReader(events), "apply"); out != "" {
		t.Errorf("it says %s", out)
	}
	if got := w.sql(t, "SELECT id FROM laravel.users ORDER BY id"); got != "1\n7" {
		t.Errorf("left are %s", got)
	}
}

// TestTwoWriteBacks: the second one ends, and has done nothing.
func TestTwoWriteBacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	if err := w.live(t, &person{n: 1}); err != nil {
		t.Fatal(err)
	}
	events := w.registrar(t, "event", "tail", "--json")
	slow, input := io.Pipe()
	second := exec.Command("php", example+"write-back.php", "apply")
	second.Env, second.Stdin = w.env, slow
	var told strings.Builder
	second.Stdout, second.Stderr = &told, &told
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(input, events); err != nil { // it has read its position, and this first
		t.Fatal(err)
	}
	harness.Eventually(t, time.Minute, func(context.Context) error {
		if at := w.php(t, nil, "position"); at == "beginning" {
			return errors.New("it has done nothing yet")
		}
		return nil
	})
	w.sql(t, "UPDATE laravel.registrar_feed SET position = '1000'")
	if _, err := io.WriteString(input, events); err != nil {
		t.Fatal(err)
	}
	_ = input.Close()
	if err := second.Wait(); err == nil || !strings.Contains(told.String(), "another write-back") {
		t.Errorf("%v: %s", err, told.String())
	}
	if got := w.sql(t, "SELECT COUNT(*) FROM laravel.users"); got != "4" {
		t.Errorf("%s rows", got)
	}
}
