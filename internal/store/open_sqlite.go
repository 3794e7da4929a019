package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
)

// busyTimeout is how long SQLite itself waits for another process's lock, in
// milliseconds; transact goes on waiting until the context's deadline.
const busyTimeout = 250

// openSQLite opens the file with one connection that writes and a few that
// read. WAL lets them not wait for each other; synchronous=FULL syncs the log
// at each COMMIT. Savepoints keep what they may have to take back in memory.
func openSQLite(o Options) (*DB, error) {
	write, read, err := sqliteConnectors(o)
	if err != nil {
		return nil, err
	}
	writePool := sqlx.NewDb(sql.OpenDB(write), "sqlite")
	writePool.SetMaxOpenConns(1)
	readPool := sqlx.NewDb(sql.OpenDB(read), "sqlite")
	readPool.SetMaxOpenConns(max(2, runtime.GOMAXPROCS(0)))
	readPool.SetMaxIdleConns(max(2, runtime.GOMAXPROCS(0)))
	w := &soleWriter{pool: writePool, classify: classifySQLite, groupTime: maxGroupTime}
	return &DB{
		dialect: dialect{
			ready:    readySQLite,
			classify: classifySQLite,
			serial:   true,
		},
		writers: w,
		attempt: w.attempt,
		read:    readPool,
		asIs:    readPool,
		// The writer goes last: the last connection to close checkpoints the log.
		close: sync.OnceValue(func() error { return errors.Join(readPool.Close(), w.close()) }),
	}, nil
}

// sqliteConnectors makes the file, which holds addresses and hashes, readable
// to its owner alone; SQLite gives the log beside it the same mode.
func sqliteConnectors(o Options) (write, read driver.Connector, err error) {
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	if err := makeFile(path); err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	connector := func(extra string) (driver.Connector, error) {
		name := url.URL{Scheme: "file", Path: path, RawQuery: fmt.Sprintf("_busy_timeout=%d&_journal_mode=WAL&_synchronous=FULL&_dqs=0&_defensive=1%s", busyTimeout, extra)}
		c, err := sqlite.NewConnector(name.String())
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		return o.wrap(c), nil
	}
	if write, err = connector("&_txlock=immediate&_pragma=temp_store(memory)"); err != nil {
		return nil, nil, err
	}
	read, err = connector("&_query_only=1")
	return write, read, err
}

// makeFile makes a file for its owner only, when there is none. One that is
// there is not opened: closing it would take the locks away that this process
// may hold on it by SQLite.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	const readAndWrite = 6
	if err := syscall.Access(path, readAndWrite); err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

// readySQLite takes and leaves the write lock, and looks for the schema.
func readySQLite(ctx context.Context, conn *sqlx.Conn) error {
	for _, statement := range []string{"BEGIN IMMEDIATE", "SELECT 1 FROM accounts LIMIT 1", "ROLLBACK"} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
