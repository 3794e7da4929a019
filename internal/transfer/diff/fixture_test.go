package diff_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/address"
	"registrar/internal/password"
	"registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

func newID() (registration.ID, error) {
	id, err := uuid.NewV7()
	return registration.ID(id), err
}

func mustID(t testing.TB) registration.ID {
	t.Helper()
	id, err := newID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

const (
	bcrypt10 = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	ownHash  = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG4KCmUaYUGAs"
)

// The columns of the table, by their places in a row.
const (
	id = iota
	username
	name
	email
	hash
	locale
	consent
	verified
	created
)

var columns = []string{"id", "username", "name", "email", "password", "locale", "allow_notify", "email_verified_at", "created_at"}

const mappingText = `
version: 1
caller: monolith
source: {kind: csv}
fields:
  external_id: {column: id}
  username: {column: username, transforms: [empty_to_null]}
  email: {column: email, transforms: [trim, empty_to_null]}
  email_verified_at: {column: email_verified_at, transforms: [empty_to_null, {sql_time: UTC}]}
  registered_at: {column: created_at, transforms: [empty_to_null, {sql_time: UTC}]}
  password_hash: {column: password}
  first_name: {column: name, transforms: [collapse_spaces, first_word, empty_to_null]}
  last_name: {column: name, transforms: [collapse_spaces, rest_words, empty_to_null]}
  locale: {column: locale, transforms: [trim]}
  marketing_consent: {column: allow_notify, transforms: [bool]}
rules:
  email_taken: drop
  username_taken: external_id
  username_missing: external_id
`

// row is somebody as the monolith has them, in a spelling that is not the store's.
func row(n int) []string {
	return []string{
		fmt.Sprint(n), fmt.Sprint("Person", n), fmt.Sprintf("Person  %d of them", n), fmt.Sprintf(" Person%d@EXAMPLE.com ", n), bcrypt10, "ar_SA", "1", "2024-01-02 03:04:05", "2023-01-02 03:04:05",
	}
}

// rows are people of whom some have what the store keeps in another way.
func rows(n int) [][]string {
	all := make([][]string, n)
	for i := range all {
		all[i] = row(i + 1)
		switch i % 13 {
		case 3:
			all[i][email], all[i][verified] = "", ""
		case 5:
			all[i][name] = strings.Repeat("longer than there is room for ", 3)
		case 7:
			all[i][email] = all[i-1][email] // taken: stored without
		case 9:
			all[i][username] = strings.ToUpper(all[i-1][username]) // taken: made of the external id
		case 11:
			all[i][created], all[i][locale] = "", ""
		}
	}
	return all
}

// world is a table, and a store that it was imported into.
type world struct {
	t     *testing.T
	db    *store.DB
	m     *mapping.Mapping
	path  string
	table [][]string
	keys  *person.Keys
}

func newWorld(t *testing.T, n int) *world {
	t.Helper()
	m, err := mapping.Parse("users", []byte(mappingText))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := person.NewKeys(make([]byte, person.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, m: m, path: filepath.Join(t.TempDir(), "users.csv"), table: rows(n), keys: keys}
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	migrator, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := migrator.Close(); err != nil {
		t.Fatal(err)
	}
	if w.db, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.db.Close() })
	w.write()
	i, err := w.importer().Run(t.Context(), transfer.Import{ID: [32]byte{1}, Caller: m.Caller, Source: "users"}, false)
	if err != nil || i.Stored != int64(n) {
		t.Fatalf("imported %+v, %v", i, err)
	}
	return w
}

// write makes the file anew.
func (w *world) write() {
	w.t.Helper()
	f, err := os.Create(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := csv.NewWriter(f).WriteAll(append([][]string{columns}, w.table...)); err != nil {
		w.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open(ctx context.Context, at transfer.Position) (transfer.Source, error) {
	return source.Open(ctx, w.m.Source, w.path, w.m.Columns(), at)
}

func (w *world) mapper() *mapping.Mapper {
	return w.m.Mapper(mapping.Environment{
		DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{}.Parse, DefaultLocale: "en", CheckHash: password.Importable, Now: time.Now,
	})
}

func (w *world) importer() *transfer.Importer {
	return &transfer.Importer{Open: w.open, Mapper: w.mapper(), Store: w.db.People(w.keys), NewID: newID, Now: time.Now}
}

func (w *world) differ() *diff.Differ {
	mapper := w.mapper()
	algorithm := password.Argon2id{MemoryKiB: 19456, Passes: 2}
	return &diff.Differ{
		Store: w.db.Diffs(), Open: w.open, Mapper: mapper,
		Comparer: diff.Comparer{Compares: w.m.Compares, Yield: mapper.Yield, Names: mapper.Names, OwnHash: func(h string) bool { return !password.Outdated(h, algorithm) }},
		Erased:   person.Tombstones{Store: w.db.Erasures(), Keys: w.keys}.Erased, NewID: newID, Now: time.Now,
	}
}

// first is a comparison that was not begun; its fingerprint is the file's.
func (w *world) first() diff.Diff {
	w.t.Helper()
	sum, err := source.Fingerprint(w.t.Context(), w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	return diff.Diff{ID: [32]byte{2}, Caller: "monolith", Source: "users", Fingerprint: sum}
}

// diff compares, and gives all that was found as "kind key fields".
func (w *world) diff() (diff.Diff, []string) {
	w.t.Helper()
	d, err := w.differ().Run(w.t.Context(), w.first(), false)
	if err != nil {
		w.t.Fatal(err)
	}
	if d.Phase != diff.Done || d.EndedAt.IsZero() {
		w.t.Errorf("the comparison is %+v", d)
	}
	return d, w.findings(d)
}

func (w *world) findings(d diff.Diff) (all []string) {
	w.t.Helper()
	counts, err := w.db.Diffs().Count(w.t.Context(), d.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, kind := range diff.Kinds() {
		findings, err := w.db.Diffs().Findings(w.t.Context(), d.ID, kind, "", 10_000)
		if err != nil {
			w.t.Fatal(err)
		}
		if counts[kind] != int64(len(findings)) {
			w.t.Errorf("%d %s, and %d are counted", len(findings), kind, counts[kind])
		}
		for _, f := range findings {
			all = append(all, strings.TrimSpace(string(f.Kind)+" "+f.Key+" "+strings.Join(f.Fields, ",")))
		}
	}
	slices.Sort(all)
	return all
}

func (w *world) want(got []string, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Errorf("found %d:\n%s\nwant %d:\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
}
