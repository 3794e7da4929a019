package store

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/audit"
)

// Options says which database, and how to reach it. With Addresses it is
// MariaDB, else the SQLite file Path.
type Options struct {
	Path string // of the SQLite file; made, for its owner only, when there is none

	Addresses []string // host:port of each MariaDB node, the preferred one first
	User      string
	Password  string
	Database  string
	TLS       *tls.Config // nil for plain text
	// ConnectTimeout bounds one dial; 0 is 2 s.
	ConnectTimeout time.Duration
	// ReadTimeout bounds the wait for one answer of the server; 0 is 10 s. It
	// must be above the cluster's evs.suspect_timeout + 1 s: commits wait that
	// long when a node dies.
	ReadTimeout time.Duration
	// WriteTimeout bounds one write to the server; 0 is 5 s.
	WriteTimeout time.Duration
	// MaxConnections bounds the connections for writing, and those for
	// reading; 0 is 16. SQLite has one for writing.
	MaxConnections int
	// WriterMoved, if not nil, is told when another node of a cluster is written
	// to: the addresses of the one before and of the new one. It must not block.
	WriterMoved func(from, to string)

	// AuditKey is by what this process's records in the audit log are known as
	// its own: audit.KeySize octets; nil for none.
	AuditKey []byte

	wrap func(driver.Connector) driver.Connector // tests inject faults by it
}

const (
	defaultConnectTimeout = 2 * time.Second
	defaultReadTimeout    = 10 * time.Second
	defaultWriteTimeout   = 5 * time.Second
	defaultConnections    = 16
)

// withDefaults fills what is zero and refuses what cannot be.
func (o Options) withDefaults() (Options, error) {
	if (o.Path == "") == (len(o.Addresses) == 0) {
		return o, errors.New("store: either a path or addresses must be given")
	}
	if len(o.Addresses) > 0 && (o.User == "" || o.Database == "") {
		return o, errors.New("store: a user and a database must be given with addresses")
	}
	orDefault := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	orDefault(&o.ConnectTimeout, defaultConnectTimeout)
	orDefault(&o.ReadTimeout, defaultReadTimeout)
	orDefault(&o.WriteTimeout, defaultWriteTimeout)
	if o.MaxConnections == 0 {
		o.MaxConnections = defaultConnections
	}
	if o.ConnectTimeout < 0 || o.ReadTimeout < 0 || o.WriteTimeout < 0 || o.MaxConnections < 0 {
		return o, errors.New("store: timeouts and the number of connections must not be negative")
	}
	if o.wrap == nil {
		o.wrap = func(c driver.Connector) driver.Connector { return c }
	}
	return o, nil
}

// DB is an open database. Its nouns (Accounts, Outbox, ...) share it.
type DB struct {
	dialect dialect
	writers writers // of connections for transactions
	// attempt is one run of work in a transaction. committing says that COMMIT
	// was sent.
	attempt func(ctx context.Context, t *tx, work func(context.Context, *tx) error) (committing bool, err error)
	read    *sqlx.DB // on a cluster each statement sees what any node has committed
	asIs    *sqlx.DB // and here what the node has executed
	auditor *audit.Writer
	close   func() error

	writerMoves func() uint64 // nil where there is one node
}

// WriterMoves is how often another node of the cluster was gone to for writing
// since Open. The first choice may be one, where the cluster has another writer
// than the first address.
func (db *DB) WriterMoves() uint64 {
	if db.writerMoves == nil {
		return 0
	}
	return db.writerMoves()
}

// dialect is what differs between the databases.
type dialect struct {
	forUpdate string // ends a SELECT that locks its rows
	ready     func(context.Context, *sqlx.Conn) error
	classify  func(error) failure
	// serial: transactions run one after the other on one connection, which
	// sees what those before did, also while it is not committed.
	serial bool
	// compounds: a transaction may go at once. See compound.
	compounds bool
}

// Open opens the database and waits, at most until ctx's deadline, for its
// first answer. It changes no schema: that is the Migrator's.
func Open(ctx context.Context, o Options) (*DB, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	open := openSQLite
	if len(o.Addresses) > 0 {
		open = openMariaDB
	}
	auditor, err := audit.NewWriter(o.AuditKey)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	db, err := open(o)
	if err != nil {
		return nil, err
	}
	db.auditor = auditor
	err = db.view(ctx, "open", func(ctx context.Context, conn *sqlx.Conn) error {
		_, err := conn.ExecContext(ctx, "SELECT 1")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close ends all connections, after the statements that are running.
func (db *DB) Close() error {
	if err := db.close(); err != nil {
		return fmt.Errorf("store: close: %w", db.dialect.classify(err))
	}
	return nil
}

// Ready says whether the database takes writes now: on MariaDB that the node
// is in the cluster's primary component and synced, on SQLite that the file
// can be locked for writing; on both that the schema is there. It does not
// retry.
func (db *DB) Ready(ctx context.Context) error {
	s, err := db.writers.acquire(ctx)
	if err == nil {
		err = db.dialect.ready(ctx, s.conn)
		db.writers.release(s, err != nil)
	}
	if err != nil {
		return db.told(ctx, "ready", err)
	}
	return nil
}
