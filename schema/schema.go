// Package schema holds the database's schema as migrations, one file a step,
// in goose's format.
//
// The files are written once, in MariaDB's SQL, and can be read and run as
// they stand. SQLite gets the same statements with the type names replaced, by
// the short table in this package; its tables are STRICT, so a type that the
// table does not know is an error and not a column of unforeseen affinity.
//
// To be relied on, on both databases: every table has a primary key, which
// Galera asks for; keys are compared byte by byte; every statement may run
// again over what an interrupted migration left, since MariaDB commits each
// DDL statement by itself.
//
// Times are BIGINTs: microseconds since 1970-01-01 UTC. DATETIME(6) would read
// better in a client, but goes through the session's time zone and the
// driver's, and SQLite has no such type: an integer comes back on both as it
// went in, and compares by its size. `FROM_UNIXTIME(created_at / 1000000)`
// shows it. 0 stands for none.
//
// There are no foreign keys. Rows that belong together are written in one
// transaction and no code deletes accounts alone; a foreign key would cost a
// locked look-up for each row on the busiest path, and certifying parents'
// keys makes Galera abort transactions that do not conflict.
package schema

import (
	"bytes"
	"embed"
	"io/fs"
	"regexp"
)

//go:embed *.sql
var files embed.FS

// MariaDB gives the migrations as they are written.
func MariaDB() fs.FS { return files }

// SQLite gives the migrations in SQLite's dialect.
func SQLite() fs.FS { return sqlite{files} }

// dialect turns MariaDB's names into SQLite's. VARBINARY becomes TEXT, which
// SQLite compares byte by byte unless told otherwise.
var dialect = []struct {
	mariadb *regexp.Regexp
	sqlite  string
}{
	{regexp.MustCompile(`\bBINARY\(\d+\)`), "BLOB"},
	{regexp.MustCompile(`\b(VARCHAR|VARBINARY)\(\d+\)`), "TEXT"},
	{regexp.MustCompile(`\bMEDIUMTEXT\b`), "TEXT"},
	{regexp.MustCompile(`\bBIGINT\b`), "INTEGER"},
	// SQLite's DDL is in the migration's transaction, so a column is never half there.
	{regexp.MustCompile(`\bADD COLUMN IF NOT EXISTS\b`), "ADD COLUMN"},
	{regexp.MustCompile(`(DROP INDEX IF EXISTS \w+) ON \w+;`), "$1;"},
	{regexp.MustCompile(`\) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;`), ") STRICT, WITHOUT ROWID;"},
}

// sqlite reads the embedded files through the dialect table.
type sqlite struct{ embed.FS }

// Open gives a file in SQLite's dialect.
func (s sqlite) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return f, err
	}
	text, err := s.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &file{File: f, Reader: bytes.NewReader(text), size: int64(len(text))}, nil
}

// ReadFile gives a file's text in SQLite's dialect.
func (s sqlite) ReadFile(name string) ([]byte, error) {
	text, err := s.FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for _, d := range dialect {
		text = d.mariadb.ReplaceAll(text, []byte(d.sqlite))
	}
	return text, nil
}

// file is an embedded file with other content.
type file struct {
	fs.File
	*bytes.Reader
	size int64
}

func (f *file) Read(p []byte) (int, error) { return f.Reader.Read(p) }

func (f *file) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return resized{info, f.size}, err
}

type resized struct {
	fs.FileInfo
	size int64
}

func (r resized) Size() int64 { return r.size }
