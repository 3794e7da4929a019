package bounce_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/bounce"
	"registrar/internal/delivery"
	"registrar/internal/registration"
)

// maildir is one with a handler of its own.
type maildir struct {
	*bounce.Maildir
	*handler
	dir string
}

func newMaildir(t testing.TB, ledger bounce.Ledger, keep time.Duration) maildir {
	t.Helper()
	m := maildir{handler: newHandler(ledger), dir: filepath.Join(t.TempDir(), "deep", "bounces")}
	var err error
	m.Maildir, err = bounce.OpenMaildir(bounce.MaildirConfig{Dir: m.dir, Poll: 5 * time.Millisecond, Keep: keep, MaxBytes: 64 << 10, Log: quiet()}, m.Handler)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// deliver is what mail servers do: the whole file under tmp, then renamed.
func (m maildir) deliver(t testing.TB, name string, mail []byte) {
	t.Helper()
	tmp := filepath.Join(m.dir, "tmp", name)
	if err := os.WriteFile(tmp, mail, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(m.dir, "new", name)); err != nil {
		t.Fatal(err)
	}
}

// files lists the mail in all folders.
func (m maildir) files(t testing.TB) string {
	t.Helper()
	var all []string
	for _, folder := range []string{"new", "cur", ".unreadable/new", ".unreadable/cur"} {
		entries, err := os.ReadDir(filepath.Join(m.dir, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, folder+"/"+e.Name())
		}
	}
	return strings.Join(all, " ")
}

func (m maildir) pass(t testing.TB, want string) {
	t.Helper()
	if err := m.Pass(t.Context()); err != nil {
		t.Error(err)
	}
	if got := m.files(t); got != want {
		t.Errorf("files are %q, want %q", got, want)
	}
}

// TestMaildir: read mail is moved to cur, marked as seen; broken reports are
// kept for a person.
func TestMaildir(t *testing.T) {
	t.Parallel()
	m := newMaildir(t, &ledger{verdict: gone}, time.Hour)
	m.deliver(t, "1.a.host", golden(t, "postfix.eml"))
	m.deliver(t, "2.a.host:2,", golden(t, "vacation.eml"))
	m.deliver(t, "3.a.host", []byte("Content-Type: multipart/report\n\n"))
	m.pass(t, "cur/1.a.host:2,S cur/2.a.host:2,S .unreadable/new/3.a.host")
	seen := strings.Fields(m.seen())
	slices.Sort(seen)
	if fmt.Sprint(seen) != "[failed no_report unreadable]" {
		t.Errorf("results %v", seen)
	}
}

// TestMaildirWithoutDatabase: mail stays where it is until it can be noted.
func TestMaildirWithoutDatabase(t *testing.T) {
	t.Parallel()
	l := &ledger{err: registration.ErrUnavailable}
	m := newMaildir(t, l, time.Hour)
	m.deliver(t, "1", golden(t, "postfix.eml"))
	if err := m.Pass(t.Context()); err == nil {
		t.Error("no error")
	}
	if got := m.files(t); got != "new/1" {
		t.Errorf("files are %q", got)
	}
	l.answer(gone, nil)
	m.pass(t, "cur/1:2,S")
	if m.seen() != "failed" {
		t.Errorf("results %q", m.seen())
	}
}

// TestMaildirBeforeTheRecord: a report that overtakes the ledger waits, and does
// not hold up others; a day later it is given up.
func TestMaildirBeforeTheRecord(t *testing.T) {
	t.Parallel()
	l := &ledger{err: delivery.ErrNotSettled}
	m := newMaildir(t, l, time.Hour)
	m.deliver(t, "1", golden(t, "postfix.eml"))
	m.deliver(t, "2", golden(t, "vacation.eml"))
	m.pass(t, "new/1 cur/2:2,S")
	l.answer(gone, nil)
	m.pass(t, "cur/1:2,S cur/2:2,S")
	l.answer(delivery.Verdict{}, delivery.ErrNotSettled)
	m.deliver(t, "3", golden(t, "postfix.eml"))
	m.pass(t, "new/3 cur/1:2,S cur/2:2,S")
	old := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(filepath.Join(m.dir, "new", "3"), old, old); err != nil {
		t.Fatal(err)
	}
	m.pass(t, "cur/1:2,S cur/2:2,S cur/3:2,S")
	if m.seen() != "no_report failed unmatched" {
		t.Errorf("results %q", m.seen())
	}
}

// TestMaildirSweep removes what was read long ago, an hour after the last sweep.
func TestMaildirSweep(t *testing.T) {
	t.Parallel()
	m := newMaildir(t, &ledger{verdict: gone}, 24*time.Hour)
	at := time.Now()
	m.Now = func() time.Time { return at }
	m.deliver(t, "1", golden(t, "postfix.eml"))
	m.deliver(t, "2", []byte("Content-Type: multipart/report\n\n"))
	m.pass(t, "cur/1:2,S .unreadable/new/2")
	at = at.Add(23 * time.Hour)
	m.deliver(t, "3", golden(t, "postfix.eml"))
	young := at
	if err := os.Chtimes(filepath.Join(m.dir, "new", "3"), young, young); err != nil {
		t.Fatal(err)
	}
	m.pass(t, "cur/1:2,S cur/3:2,S .unreadable/new/2")
	at = at.Add(2 * time.Hour)
	m.pass(t, "cur/3:2,S")
}

// TestMaildirOfOthers: what is no mail is left alone, and no link is followed.
func TestMaildirOfOthers(t *testing.T) {
	t.Parallel()
	m := newMaildir(t, &ledger{verdict: gone}, time.Hour)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, golden(t, "postfix.eml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(m.dir, "new", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(m.dir, "new", "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.deliver(t, ".hidden", golden(t, "postfix.eml"))
	m.pass(t, "new/.hidden new/directory new/link")
	if m.seen() != "" {
		t.Errorf("results %q", m.seen())
	}
}

// TestMaildirOfMany: more mail than is listed at once, some of it larger than
// what is read of it.
func TestMaildirOfMany(t *testing.T) {
	t.Parallel()
	m := newMaildir(t, &ledger{verdict: gone}, time.Hour)
	large := append(golden(t, "postfix.eml"), make([]byte, 100<<10)...)
	for i := range 600 {
		mail := golden(t, "postfix.eml")
		if i%100 == 0 {
			mail = large
		}
		m.deliver(t, fmt.Sprint(i), mail)
	}
	if err := m.Pass(t.Context()); err != nil {
		t.Error(err)
	}
	if n, moved := strings.Count(m.seen(), "failed"), strings.Count(m.files(t), "cur/"); n != 600 || moved != 600 {
		t.Errorf("%d were handled and %d moved", n, moved)
	}
}

// TestMaildirRun takes what comes while it runs, goes on after the directory
// was away, and ends with its context. What comes is in the database.
func TestMaildirRun(t *testing.T) {
	t.Parallel()
	db := openStore(t)
	id := db.register(t, "Amina@example.net")
	m := newMaildir(t, db.Bounces(), time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	await := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: results %q, files %q", what, m.seen(), m.files(t))
			}
		}
	}
	m.deliver(t, "1", golden(t, "vacation.eml"))
	await("a letter", func() bool { return m.seen() == "no_report" })
	m.deliver(t, "2", about(t, "postfix.eml", id))
	if err := os.Rename(m.dir, m.dir+".away"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := os.Rename(m.dir+".away", m.dir); err != nil {
		t.Fatal(err)
	}
	m.deliver(t, "3", golden(t, "vacation.eml"))
	await("after the directory was away", func() bool { return m.seen() == "no_report no_report" })
	// Nobody has sent the notification yet: the report waits.
	if got := m.files(t); got != "new/2 cur/1:2,S cur/3:2,S" {
		t.Errorf("files are %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
