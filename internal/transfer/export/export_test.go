package export_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/export"
	"registrar/internal/transfer/mapping"
)

const (
	own    = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG4KCmUaYUGAs"
	theirs = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
)

func newID() registration.ID { return registration.ID(uuid.Must(uuid.NewV7())) }

var cutover = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// someone is the nth person of the portal.
func someone(n int, change ...func(*registration.Account)) registration.Registration {
	name := fmt.Sprint("person", n)
	r := registration.Registration{
		Account: registration.Account{
			ID: newID(), Caller: "portal", ExternalID: fmt.Sprint(n), Username: registration.Username{Text: name, Key: name},
			Email: registration.Email{Text: name + "@example.com", Key: name + "@example.com"}, PasswordHash: theirs, Status: registration.Active, RegisteredAt: cutover.Add(-time.Hour),
		},
		Profile: registration.Profile{FirstName: "Na\"dia", LastName: "O'Hara, 2nd", Locale: "ar", MarketingConsent: n%2 == 0},
	}
	for _, c := range change {
		c(&r.Account)
	}
	return r
}

func open(t *testing.T, people ...registration.Registration) *store.DB {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, r := range people {
		if _, err := db.Accounts().Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// run exports the portal's people, and gives the rows by their columns.
func run(t *testing.T, db *store.DB, hashes string, change func(*export.Exporter)) (export.Report, []map[string]string) {
	t.Helper()
	h, err := export.ParseHashes(hashes)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := export.NewCSV(&out, ',', "", export.Plain{}.Columns())
	if err != nil {
		t.Fatal(err)
	}
	e := &export.Exporter{People: db.People(nil), Caller: "portal", Form: export.Plain{}, Hashes: h, Writer: w}
	change(e)
	report, err := e.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		rows = append(rows, row)
	}
	return report, rows
}

func column(rows []map[string]string, name string) (all []string) {
	for _, r := range rows {
		all = append(all, r[name])
	}
	return all
}

// TestEverybodyIsWrittenOnce: by their keys' order, those without one last, and
// neither others' people nor those who have somebody else's address.
func TestEverybodyIsWrittenOnce(t *testing.T) {
	keyless := someone(900, func(a *registration.Account) { a.ExternalID = "" })
	phantom := someone(901)
	phantom.Account.Email.Key = registration.PhantomKeys + phantom.Account.ID.String()
	other := someone(902, func(a *registration.Account) { a.Caller = "erp" })
	people := []registration.Registration{keyless, phantom, other}
	var want []string
	for n := 1; n <= 20; n++ {
		people, want = append(people, someone(n)), append(want, fmt.Sprint(n))
	}
	db := open(t, people...)
	report, rows := run(t, db, export.AsTheyAre, func(*export.Exporter) {})
	slices.Sort(want)
	if got := column(rows, "key"); !slices.Equal(got, append(want, keyless.Account.ID.String())) {
		t.Errorf("written are %v", got)
	}
	if report.Total != 22 || report.Seen != 22 || report.Written != 21 || report.Keyless != 1 || report.Phantoms != 1 {
		t.Errorf("the report is %+v", report)
	}
	last := rows[len(rows)-1]
	if last["external_id"] != "" || last["registration_id"] != keyless.Account.ID.String() || last["first_name"] != "Na\"dia" || last["last_name"] != "O'Hara, 2nd" ||
		last["marketing_consent"] != "true" || last["status"] != "ACTIVE" || last["registered_at"] != "2026-03-01T11:00:00Z" || last["email_verified_at"] != "" {
		t.Errorf("the last row is %v", last)
	}
}

// TestHashesThatTheReaderVerifies: others are empty and counted.
func TestHashesThatTheReaderVerifies(t *testing.T) {
	db := open(t, someone(1), someone(2, func(a *registration.Account) { a.PasswordHash = own }), someone(3, func(a *registration.Account) { a.PasswordHash = "" }),
		someone(4, func(a *registration.Account) { a.PasswordHash = "what nobody knows" }))
	for hashes, want := range map[string]struct {
		written        []string
		given, emptied int
		php            int
	}{
		export.AsTheyAre:  {[]string{theirs, own, "", "what nobody knows"}, 3, 0, 2},
		"bcrypt":          {[]string{strings.Replace(theirs, "$2b$", "$2y$", 1), "", "", ""}, 1, 2, 1},
		"bcrypt,argon2id": {[]string{strings.Replace(theirs, "$2b$", "$2y$", 1), own, "", ""}, 2, 1, 2},
		"phpass":          {[]string{"", "", "", ""}, 0, 3, 0},
	} {
		report, rows := run(t, db, hashes, func(*export.Exporter) {})
		if got := column(rows, "password_hash"); !slices.Equal(got, want.written) {
			t.Errorf("%s: written are %v", hashes, got)
		}
		given, emptied, php := 0, 0, 0
		for class, n := range report.Hashes {
			if given += int(n); export.VerifiedByPHP(class) {
				php += int(n)
			}
		}
		for _, n := range report.Emptied {
			emptied += int(n)
		}
		if given != want.given || emptied != want.emptied || php != want.php || report.NoHash != 1 {
			t.Errorf("%s: the report is %+v", hashes, report)
		}
	}
	for _, wrong := range []string{"", "rot13", "bcrypt,", "as-they-are,bcrypt"} {
		if _, err := export.ParseHashes(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// TestThoseSinceATime: who registered, or was verified.
func TestThoseSinceATime(t *testing.T) {
	db := open(t, someone(1), someone(2, func(a *registration.Account) { a.RegisteredAt = cutover }), someone(3, func(a *registration.Account) { a.EmailVerifiedAt = cutover.Add(time.Hour) }),
		someone(4, func(a *registration.Account) { a.MobileVerifiedAt = cutover.Add(-time.Second) }))
	report, rows := run(t, db, export.AsTheyAre, func(e *export.Exporter) { e.Since = cutover })
	if got := column(rows, "key"); !slices.Equal(got, []string{"2", "3"}) || report.Earlier != 2 {
		t.Errorf("written are %v, %+v", got, report)
	}
}

// TestJSONLines has the columns in their order, and null.
func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	w, err := export.NewJSON(&out, []string{"b", "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range [][]transfer.Value{{{Text: "1"}, {Null: true}}, {{Text: "<\"\n"}, {Text: "نورة"}}} {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{\"b\":\"1\",\"a\":null}\n{\"b\":\"<\\\"\\n\",\"a\":\"نورة\"}\n" || !json.Valid([]byte(strings.Split(out.String(), "\n")[1])) {
		t.Errorf("written is %s", out.String())
	}
}

// TestStoppedExport is told as such.
func TestStoppedExport(t *testing.T) {
	db := open(t, someone(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, err := export.NewCSV(&bytes.Buffer{}, ',', "", export.Plain{}.Columns())
	if err != nil {
		t.Fatal(err)
	}
	e := &export.Exporter{People: db.People(nil), Caller: "portal", Form: export.Plain{}, Writer: w}
	if _, err := e.Run(ctx); !errors.Is(err, transfer.ErrStopped) {
		t.Errorf("got %v", err)
	}
}

// TestFile is there when it is whole, and its owner's alone.
func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.csv")
	names := func() (all []string) {
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return all
	}
	abandoned, err := export.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(names(), "users.csv") {
		t.Error("it is there before it is whole")
	}
	if err := abandoned.Abandon(); err != nil || len(names()) > 0 {
		t.Errorf("left is %v, %v", names(), err)
	}
	f, err := export.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("all"); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != 3 || len(names()) != 1 {
		t.Errorf("%v, %v, %v", info, err, names())
	}
	if _, err := export.Create(path); err == nil {
		t.Error("it would be overwritten")
	}
}

// TestAValueThatReadsAsNull is counted: in CSV nothing tells it from null.
func TestAValueThatReadsAsNull(t *testing.T) {
	m, err := mapping.Parse("mapping.yaml", []byte("version: 1\ncaller: portal\nsource: {kind: csv, null: '\\N'}\nfields:\n  external_id: {column: id}\n  username: {column: login}\n  first_name: {column: first}\n"))
	if err != nil {
		t.Fatal(err)
	}
	inverse, _ := m.Inverse()
	r := someone(1)
	p := transfer.Person{Account: r.Account, Profile: r.Profile}
	p.Profile.FirstName = `\N`
	form := export.Mapped{Inverse: inverse, Mapper: m.Mapper(mapping.Environment{DefaultLocale: "en"})}
	for null, want := range map[string][]string{`\N`: {"first_name"}, "": nil} {
		form.Null = null
		if got := form.Lost(p, form.Row(p)); !slices.Equal(got, want) {
			t.Errorf("null is %q: not written back are %v, want %v", null, got, want)
		}
	}
}
