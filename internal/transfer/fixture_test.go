package transfer_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"registrar/internal/address"
	"registrar/internal/password"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newID() (registration.ID, error) {
	id, err := uuid.NewV7()
	return registration.ID(id), err
}

// openStore makes an empty database.
func openStore(t testing.TB) *store.DB {
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
	return db
}

const bcrypt = "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

var columns = []string{"id", "username", "name", "email", "password", "locale", "allow_notify", "email_verified_at", "created_at"}

// usersMapping is the shipped one, with a column of user names, so that those can
// be taken.
func usersMapping(t testing.TB, rules ...string) *mapping.Mapping {
	t.Helper()
	text, err := mapping.Text("laravel")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `username: {template: "user-{id}"}`, "username: {column: username}", 1)
	for _, rule := range rules {
		name, _, _ := strings.Cut(rule, ":")
		before, after, found := strings.Cut(changed, "\n  "+name+":")
		_, after, _ = strings.Cut(after, "\n")
		if !found {
			t.Fatalf("no rule %s", name)
		}
		changed = before + "\n  " + rule + "\n" + after
	}
	m, err := mapping.Parse("users", []byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// row is somebody with whom nothing is wrong.
func row(id int) []string {
	return []string{
		fmt.Sprint(id), fmt.Sprint("person", id), fmt.Sprintf("Person %d", id), fmt.Sprintf("Person%d@Example.com", id), bcrypt, "ar", "1", "2024-01-02 03:04:05", "2023-01-02 03:04:05",
	}
}

// broken spoils a row in one of the ways that monoliths do.
func broken(r *rand.Rand, row []string, others int) []string {
	row = slices.Clone(row)
	other := 1 + r.IntN(others)
	switch r.IntN(10) {
	case 0:
		row[3] = ""
	case 1:
		row[3] = "nobody"
	case 2:
		row[3] = fmt.Sprintf("PERSON%d@example.COM", other)
	case 3:
		row[1] = fmt.Sprintf("PERSON%d", other)
	case 4:
		row[2] = strings.Repeat("long ", 20)
	case 5:
		row[4] = "plain text"
	case 6:
		row[8] = "soon"
	case 7:
		row = row[:4]
	case 8:
		row[0] = fmt.Sprint(other)
	default:
		row[1], row[3] = fmt.Sprintf("Person%d", other), fmt.Sprintf("person%d@example.com", other)
	}
	return row
}

// users are rows of which about a share are broken.
func users(seed uint64, n int, share float64) [][]string {
	r := rand.New(rand.NewPCG(seed, 7))
	rows := make([][]string, n)
	for i := range rows {
		if rows[i] = row(i + 1); r.Float64() < share {
			rows[i] = broken(r, rows[i], n)
		}
	}
	return rows
}

func writeCSV(t testing.TB, rows [][]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	if err := w.WriteAll(append([][]string{columns}, rows...)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// importing is an import of a file into a database.
type importing struct {
	*transfer.Importer
	first   transfer.Import
	rejects string
}

func prepare(t testing.TB, db *store.DB, m *mapping.Mapping, path string) *importing {
	t.Helper()
	i := &importing{rejects: filepath.Join(t.TempDir(), "rejects.csv"), first: transfer.Import{ID: [32]byte{1}, Caller: m.Caller, Source: "users"}}
	i.Importer = &transfer.Importer{
		Open: func(ctx context.Context, at transfer.Position) (transfer.Source, error) {
			return source.Open(ctx, m.Source, path, m.Columns(), at)
		},
		Mapper: m.Mapper(mapping.Environment{
			DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{}.Parse, DefaultLocale: "en", CheckHash: password.Importable, Now: time.Now,
		}),
		Store: db.People(nil), NewID: newID, Now: time.Now, Batch: 40,
	}
	return i
}

// run imports, with the file of rejects open.
func (i *importing) run(ctx context.Context, t testing.TB, m *mapping.Mapping, path string, restart bool) (transfer.Import, error) {
	t.Helper()
	rejects, err := source.OpenRejects(i.rejects, m.Source, path, m.Columns())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := rejects.Close(); err != nil {
			t.Error(err)
		}
	}()
	i.Rejects = rejects
	return i.Run(ctx, i.first, restart)
}

func (i *importing) rejected(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(i.rejects)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// people is all that the store has of the monolith's people, but for their ids.
func people(t testing.TB, db *store.DB, ids int) map[string]registration.Details {
	t.Helper()
	all := map[string]registration.Details{}
	for id := 1; id <= ids; id++ {
		key := registration.Key{Caller: "monolith", ExternalID: fmt.Sprint(id)}
		d, err := db.Accounts().Details(t.Context(), key)
		if err != nil {
			continue
		}
		if d.Account.Email.Text == "" && d.Account.Email.Key != d.Account.ID.String() {
			t.Errorf("%d has no address and the key %q", id, d.Account.Email.Key)
		}
		d.Account.ID = registration.ID{}
		if d.Account.Email.Text == "" {
			d.Account.Email.Key = ""
		}
		all[key.ExternalID] = d
	}
	return all
}

// counts is what an import came to, but for times and places in a file of one process.
func counts(i transfer.Import) transfer.Import {
	return transfer.Import{Read: i.Read, Stored: i.Stored, Present: i.Present, Refused: i.Refused, State: i.State, Tally: i.Tally, RejectsSize: i.RejectsSize, Position: i.Position, Done: i.Done, Total: i.Total}
}
