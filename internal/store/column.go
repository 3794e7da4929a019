package store

import (
	"database/sql/driver"
	"errors"
	"strings"
	"time"

	"registrar/internal/registration"
)

// micros is a time as the tables keep it: microseconds since 1970 UTC; 0 for
// the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the time of a column, in UTC.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// uuid is an id in a column of 16 bytes.
type uuid registration.ID

var errColumn = errors.New("store: a column holds what it cannot hold")

// Scan implements sql.Scanner.
func (u *uuid) Scan(value any) error {
	b, ok := value.([]byte)
	if !ok || len(b) != len(u) {
		return errColumn
	}
	copy(u[:], b)
	return nil
}

// Value implements driver.Valuer.
func (u uuid) Value() (driver.Value, error) { return u[:], nil }

// uuids are ids as arguments of IN (?).
func uuids(ids []registration.ID) [][]byte {
	list := make([][]byte, len(ids))
	for i := range ids {
		list[i] = ids[i][:]
	}
	return list
}

// tuples is a VALUES list of n rows with the given number of columns.
func tuples(n, columns int) string {
	row := "(?" + strings.Repeat(",?", columns-1) + ")"
	return row + strings.Repeat(","+row, n-1)
}

// flag is a truth value in an integer column.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
