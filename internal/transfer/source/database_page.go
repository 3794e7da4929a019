package source

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/transfer"
)

const (
	// pageRows is how many rows one SELECT brings.
	pageRows = 1000
	// A page that does not come is asked for again for so long: the monolith's
	// database may be restarted.
	databasePatience = 2 * time.Minute
)

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
