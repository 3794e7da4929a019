package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/devstack"
	"registrar/internal/store"
)

// node is the one-node Galera cluster that the package's tests share; each
// test has a database of its own on it.
var node struct {
	sync.Once
	*devstack.MariaDB
	dir string
	err error
}

func TestMain(m *testing.M) {
	if path := os.Getenv(secondProcess); path != "" {
		os.Exit(beSecondProcess(path))
	}
	code := m.Run()
	if node.MariaDB != nil {
		node.Kill()
	}
	if node.dir != "" {
		_ = os.RemoveAll(node.dir)
	}
	if err := cluster.end(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func sharedNode(t testing.TB) *devstack.MariaDB {
	t.Helper()
	node.Do(func() {
		if node.dir, node.err = os.MkdirTemp("", "store"); node.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		node.MariaDB, node.err = devstack.StartMariaDB(ctx, node.dir)
	})
	if node.err != nil {
		t.Fatal(node.err)
	}
	return node.MariaDB
}

var databases atomic.Int64

// onNode is the way to a new, empty database of a node.
func onNode(t testing.TB, m *devstack.MariaDB) store.Options {
	t.Helper()
	name := fmt.Sprintf("t%d", databases.Add(1))
	if err := m.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return store.Options{Addresses: []string{m.Address}, User: m.User, Password: m.Password, Database: name}
}

// backend is a kind of database that the contract suite runs against.
type backend struct {
	name string
	new  func(t testing.TB) store.Options // to a new, empty database
}

var backends = []backend{
	{"sqlite", func(t testing.TB) store.Options {
		return store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	}},
	{"galera", func(t testing.TB) store.Options { return onNode(t, sharedNode(t)) }},
}

// onEach runs a test against every backend, on a migrated database.
func onEach(t *testing.T, test func(t *testing.T, o store.Options)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			o := b.new(t)
			migrate(t, o)
			test(t, o)
		})
	}
}

func migrate(t testing.TB, o store.Options) {
	t.Helper()
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	})
	return db
}
