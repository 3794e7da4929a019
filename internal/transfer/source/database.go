package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

const (
	// pageRows is how many rows one SELECT brings.
	pageRows = 1000
	// A page that does not come is asked for again for so long: the monolith's
	// database may be restarted.
	databasePatience = 2 * time.Minute
	connectTimeout   = 10 * time.Second
	// answerTimeout is for the slowest answer: a COUNT of the table, or the first
	// row of a query.
	answerTimeout = 10 * time.Minute
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

// driverConfig says how the monolith's database is reached. Times come as the texts
// that the monolith itself sees.
func driverConfig(s mapping.Source) (*mysql.Config, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName, c.User = "tcp", s.Address, s.Name, s.User
	c.Timeout, c.ReadTimeout, c.WriteTimeout = connectTimeout, answerTimeout, connectTimeout
	c.InterpolateParams = true
	c.Logger = &mysql.NopLogger{}
	if s.TimeZone != "" {
		c.Params = map[string]string{"time_zone": "'" + strings.ReplaceAll(s.TimeZone, "'", "") + "'"}
	}
	if s.PasswordFile != "" {
		text, err := os.ReadFile(filepath.Clean(s.PasswordFile))
		if err != nil {
			return nil, fmt.Errorf("source: the mapping's source.password_file: %w", err)
		}
		c.Passwd = strings.TrimRight(string(text), "\r\n")
	}
	if s.TLS {
		host, _, err := net.SplitHostPort(s.Address)
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		c.TLS = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	}
	if s.TLSCAFile != "" {
		text, err := os.ReadFile(filepath.Clean(s.TLSCAFile))
		if err != nil {
			return nil, fmt.Errorf("source: the mapping's source.tls_ca_file: %w", err)
		}
		if c.TLS.RootCAs = x509.NewCertPool(); !c.TLS.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("source: the mapping's source.tls_ca_file %s holds no certificate in PEM form", s.TLSCAFile)
		}
	}
	return c, nil
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

// load reads a page, and asks again while the server cannot be reached.
func (d *database) load(ctx context.Context) error {
	until := time.Now().Add(databasePatience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		err := d.loadOnce(ctx)
		if err == nil || ctx.Err() != nil || !passing(err) || time.Now().After(until) {
			return err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // jitter
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// loadOnce reads one row more than a page: a key that is there twice shows by it.
func (d *database) loadOnce(ctx context.Context) error {
	names := make([]string, 0, len(d.columns)+1)
	for _, c := range append([]string{d.key}, d.columns...) {
		names = append(names, quotedName(c))
	}
	query, args := "SELECT "+strings.Join(names, ", ")+" FROM "+d.from, []any(nil) //nolint:gosec // names are quoted; the query is whose mapping it is
	if d.after != nil {
		query, args = query+" WHERE "+names[0]+" > ?", []any{d.after}
	}
	query += " ORDER BY " + names[0] + " LIMIT " + strconv.Itoa(pageRows+1)
	found, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return databaseError(err)
	}
	defer func() { _ = found.Close() }() // Err tells what went wrong
	types, err := found.ColumnTypes()
	if err != nil {
		return databaseError(err)
	}
	kind, err := kindOf(types[0])
	if err != nil {
		return err
	}
	page, after, last := make([]transfer.Row, 0, pageRows), d.after, ""
	texts := make([]sql.NullString, len(names))
	into := make([]any, len(texts))
	for i := range texts {
		into[i] = &texts[i]
	}
	more := false
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return databaseError(err)
		}
		key := texts[0].String
		if !texts[0].Valid || len(page) > 0 && key == last {
			return fmt.Errorf("source: the key %s is null, or there twice: the mapping's source.key must be a column with no two equal values", d.key)
		}
		if more = len(page) == pageRows; more {
			break
		}
		values := make([]transfer.Value, len(d.columns))
		for i, text := range texts[1:] {
			values[i] = transfer.Value{Text: text.String, Null: !text.Valid}
		}
		number := d.read + int64(len(page)) + 1
		last = key
		page = append(page, transfer.Row{Values: values, Number: number, Key: key, Done: number, After: kind.position(key), Raw: values})
	}
	if err := found.Err(); err != nil {
		return databaseError(err)
	}
	if len(page) > 0 {
		if after, err = kind.parameter(last); err != nil {
			return err
		}
	}
	d.page, d.after, d.ended = page, after, !more
	d.read += int64(len(page))
	return nil
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

// keyKind is how a key is compared: a number as a number, so that the index is used,
// and a text in the column's own collation.
type keyKind byte

const (
	numberKey keyKind = 'n'
	textKey   keyKind = 't'
	octetsKey keyKind = 'o'
)

func kindOf(t *sql.ColumnType) (keyKind, error) {
	switch name := strings.TrimPrefix(t.DatabaseTypeName(), "UNSIGNED "); name {
	case "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT":
		return numberKey, nil
	case "CHAR", "VARCHAR", "ENUM":
		return textKey, nil
	case "BINARY", "VARBINARY":
		return octetsKey, nil
	default:
		return 0, fmt.Errorf("source: the key %s is of the type %s: it must be a whole number, a CHAR or a BINARY", t.Name(), name)
	}
}

// position writes a key down.
func (k keyKind) position(key string) transfer.Position {
	if k != numberKey {
		key = base64.RawURLEncoding.EncodeToString([]byte(key))
	}
	return transfer.Position(string(k) + ":" + key)
}

// parameter is a key as a statement's parameter.
func (k keyKind) parameter(key string) (any, error) {
	switch k {
	case octetsKey:
		return []byte(key), nil
	case textKey:
		return key, nil
	default:
		if n, err := strconv.ParseInt(key, 10, 64); err == nil {
			return n, nil
		}
		n, err := strconv.ParseUint(key, 10, 64)
		if err != nil {
			return nil, errPosition
		}
		return n, nil
	}
}

// keyOf reads what position has written; nil is the beginning.
func keyOf(at transfer.Position) (any, error) {
	if at == "" {
		return nil, nil //nolint:nilnil // no key
	}
	kind, key, found := strings.Cut(string(at), ":")
	if !found || len(kind) != 1 || !slices.Contains([]keyKind{numberKey, textKey, octetsKey}, keyKind(kind[0])) {
		return nil, errPosition
	}
	if k := keyKind(kind[0]); k != numberKey {
		octets, err := base64.RawURLEncoding.DecodeString(key)
		if err != nil {
			return nil, errPosition
		}
		key = string(octets)
	}
	return keyKind(kind[0]).parameter(key)
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

// passing says whether an error may be gone when the same is asked again.
func passing(err error) bool {
	e, told := errors.AsType[*mysql.MySQLError](err)
	if !told {
		return errors.Is(err, mysql.ErrInvalidConn) || errors.As(err, new(*net.OpError)) || errors.Is(err, io.ErrUnexpectedEOF)
	}
	switch e.Number {
	case 1040, 1047, 1053, 1203, 1205, 1213, 1317, 1927: // too many connections, no quorum, shutting down, locks, killed
		return true
	default:
		return false
	}
}
