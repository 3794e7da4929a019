package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// database reads a table in the order of its key, from each page's last key on: a
// page costs the same wherever in the table it is, and nothing is kept open between.
type database struct {
	db      *sql.DB
	from    string // what stands behind FROM
	columns []string
	key     string
	after   any   // the key of the last row that was read, as a parameter; nil for none
	read    int64 // rows up to there
	total   int64
	page    []transfer.Row // that wait to be handed on
	ended   bool
}

func openDatabase(ctx context.Context, s mapping.Source, columns []string, at transfer.Position) (*database, error) {
	config, err := driverConfig(s)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	d := &database{db: sql.OpenDB(connector), from: quotedName(s.Table), columns: columns, key: s.Key}
	if s.Query != "" {
		d.from = "(" + strings.TrimRight(strings.TrimSpace(s.Query), ";") + ") AS source"
	}
	d.db.SetMaxOpenConns(1)
	if err = d.prepare(ctx, s, at); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepare looks whether the table can be read as is asked, and how much it is.
func (d *database) prepare(ctx context.Context, s mapping.Source, at transfer.Position) (err error) {
	if d.after, err = keyOf(at); err != nil {
		return err
	}
	if s.Table != "" {
		if err := d.checkTable(ctx, s); err != nil {
			return err
		}
	}
	count := "SELECT COUNT(*) FROM " + d.from
	if err := d.db.QueryRowContext(ctx, count).Scan(&d.total); err != nil {
		return databaseError(err)
	}
	if d.after == nil {
		return nil
	}
	if err := d.db.QueryRowContext(ctx, count+" WHERE "+quotedName(d.key)+" <= ?", d.after).Scan(&d.read); err != nil {
		return databaseError(err)
	}
	return nil
}

// checkTable refuses a table that is not there, and a key of which two rows could have
// the same, or none: rows would be passed over.
func (d *database) checkTable(ctx context.Context, s mapping.Source) error {
	schema, name, qualified := strings.Cut(s.Table, ".")
	if !qualified {
		schema, name = s.Name, s.Table
	}
	var n int
	err := d.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`, schema, name).Scan(&n)
	if err != nil {
		return databaseError(err)
	}
	if n == 0 {
		return fmt.Errorf("source: there is no table %s in the database %s that the user %s may read: see the mapping's source", name, schema, s.User)
	}
	err = d.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM information_schema.STATISTICS s
		WHERE s.TABLE_SCHEMA = ? AND s.TABLE_NAME = ? AND s.COLUMN_NAME = ? AND s.NON_UNIQUE = 0 AND s.NULLABLE <> 'YES' AND s.SUB_PART IS NULL
		AND NOT EXISTS (SELECT 1 FROM information_schema.STATISTICS o WHERE o.TABLE_SCHEMA = s.TABLE_SCHEMA AND o.TABLE_NAME = s.TABLE_NAME AND o.INDEX_NAME = s.INDEX_NAME AND o.SEQ_IN_INDEX > 1)`,
		schema, name, d.key).Scan(&n)
	if err != nil {
		return databaseError(err)
	}
	if n == 0 {
		return fmt.Errorf("source: %s has no unique index of the column %s alone, without null: the mapping's source.key must be one, such as the primary key", s.Table, d.key)
	}
	return nil
}

// Next implements transfer.Source.
func (d *database) Next(ctx context.Context, limit int) ([]transfer.Row, error) {
	if len(d.page) == 0 && !d.ended {
		if err := d.load(ctx); err != nil {
			return nil, err
		}
	}
	if len(d.page) == 0 {
		return nil, io.EOF
	}
	n := min(limit, len(d.page))
	rows := d.page[:n:n]
	d.page = d.page[n:]
	return rows, nil
}

// Total implements transfer.Source.
func (d *database) Total() int64 { return d.total }

// Unit implements transfer.Source.
func (d *database) Unit() string { return "row" }

// Close implements transfer.Source.
func (d *database) Close() error {
	if err := d.db.Close(); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	return nil
}

// quotedName is a name of a table or column as SQL has it; a table's may have its
// schema before it.
func quotedName(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = "`" + strings.ReplaceAll(part, "`", "``") + "`"
	}
	return strings.Join(parts, ".")
}

// databaseError tells what the monolith's server says: names of tables, columns and
// users are in it, and no row.
func databaseError(err error) error {
	return fmt.Errorf("source: the monolith's database: %w", err)
}
