package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"registrar/internal/registration"
	"registrar/schema"
)

// migrationTimeout bounds one statement of a migration on MariaDB.
const migrationTimeout = 30 * time.Minute

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	Applied   bool
	AppliedAt time.Time // zero when it is not, or was applied by this very call
}

// Migrator changes the schema. One at a time does: on MariaDB the others wait
// for a lease row, which is local to no node and runs out by itself when its
// holder dies (a lock of GET_LOCK is a node's own); on SQLite for the lock of
// a file beside the database's, which the kernel ends with its holder.
type Migrator struct {
	pool     *sql.DB
	provider *goose.Provider
	classify func(error) failure
	prober   *prober // of a cluster's nodes; a statement may take longer than anybody waits for a dead one
}

// OpenMigrator opens a connection of its own. Errors of the Migrator's methods
// name the step; a step that failed may be run again.
func OpenMigrator(o Options) (*Migrator, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	m := &Migrator{classify: classifySQLite}
	dialect, files := goose.DialectSQLite3, schema.SQLite()
	var locker lock.Locker = &fileLock{path: o.Path + ".migrate"}
	if len(o.Addresses) > 0 {
		m.classify = classifyMariaDB
		dialect, files = goose.DialectMySQL, schema.MariaDB()
		locker, err = lock.NewMySQLTableLocker(lock.WithTableName("migration_lock"), lock.WithTableLeaseDuration(30*time.Second),
			lock.WithTableHeartbeatInterval(5*time.Second), lock.WithTableLockTimeout(200*time.Millisecond, 5*60*5))
		if err != nil {
			return nil, fmt.Errorf("store: migrate: %w", err)
		}
		o.ReadTimeout = migrationTimeout
		r, err := newRoute(o, newNodes(o.Addresses, nil), map[string]string{})
		if err != nil {
			return nil, err
		}
		m.pool, m.prober = sql.OpenDB(o.wrap(r)), startProber(r)
	} else {
		write, _, err := sqliteConnectors(o)
		if err != nil {
			return nil, err
		}
		m.pool = sql.OpenDB(write)
		m.pool.SetMaxOpenConns(1)
	}
	m.provider, err = goose.NewProvider(dialect, m.pool, files, goose.WithLocker(locker), goose.WithTableName("migrations"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: migrate: %w", err), m.Close())
	}
	return m, nil
}

// Close ends the connection.
func (m *Migrator) Close() error {
	if m.prober != nil {
		m.prober.stop()
	}
	if err := m.pool.Close(); err != nil {
		return fmt.Errorf("store: migrate: %w", m.classify(err))
	}
	return nil
}

// migrateTries is how often Up begins again when the database aborts it: several
// that begin on an empty database meet where goose makes its own tables.
const migrateTries = 8

// Up applies all steps that are not applied yet, and gives those.
func (m *Migrator) Up(ctx context.Context) ([]Migration, error) {
	var done []Migration
	pause := &backoff.ExponentialBackOff{InitialInterval: 50 * time.Millisecond, RandomizationFactor: 1, Multiplier: 2, MaxInterval: 2 * time.Second}
	for try := 1; ; try++ {
		fresh := m.begin(ctx)
		results, err := m.provider.Up(ctx)
		for _, r := range results {
			done = append(done, Migration{Version: r.Source.Version, Name: r.Source.Path, Applied: true})
		}
		if err == nil || try == migrateTries || !m.classify(err).class.retryable() && !fresh {
			return done, m.told(err)
		}
		timer := time.NewTimer(pause.NextBackOff())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return done, m.told(err)
		}
	}
}

// begin completes goose's table of versions where whoever made it did not come
// to its first row, which goose asks for and never writes later: MariaDB commits
// the table by itself. It says whether there was no such row.
func (m *Migrator) begin(ctx context.Context) (fresh bool) {
	result, err := m.pool.ExecContext(ctx, `INSERT INTO migrations (version_id, is_applied) SELECT 0, 1 WHERE NOT EXISTS (SELECT 1 FROM migrations)`)
	if err != nil {
		return true // no table yet
	}
	rows, err := result.RowsAffected()
	return err != nil || rows > 0
}

// Down takes the newest applied step back, with the data in its tables, and
// gives it. Version is 0 when none is applied.
func (m *Migrator) Down(ctx context.Context) (Migration, error) {
	r, err := m.provider.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return Migration{}, nil
	}
	if err != nil {
		return Migration{}, m.told(err)
	}
	return Migration{Version: r.Source.Version, Name: r.Source.Path}, nil
}

// Status gives all steps, oldest first.
func (m *Migrator) Status(ctx context.Context) ([]Migration, error) {
	states, err := m.provider.Status(ctx)
	if err != nil {
		return nil, m.told(err)
	}
	var all []Migration
	for _, s := range states {
		all = append(all, Migration{Version: s.Source.Version, Name: s.Source.Path, Applied: s.State == goose.StateApplied, AppliedAt: s.AppliedAt})
	}
	return all, nil
}

// told makes UNAVAILABLE of what another try later may do. It keeps goose's
// text, which names the step: a migration's statements hold no values.
func (m *Migrator) told(err error) error {
	if err == nil {
		return nil
	}
	text := fmt.Errorf("store: migrate: %w", err)
	if class := m.classify(err).class; class.retryable() || class == interrupted {
		return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, text)
	}
	return text
}

// fileLock is a lock.Locker for one machine.
type fileLock struct {
	path string
	file *os.File
}

// Lock implements lock.Locker.
func (l *fileLock) Lock(ctx context.Context, _ *sql.DB) error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			l.file = f
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Unlock implements lock.Locker.
func (l *fileLock) Unlock(context.Context, *sql.DB) error {
	return l.file.Close()
}
