package transfer

import (
	"context"
	"strconv"
)

// Value is what a row has in one column.
type Value struct {
	Text string // "" where Null
	Null bool
}

// Position is a place between two rows of a source, in the source's own
// notation; "" is before the first. It holds for one state of the source: a file
// that was changed has others.
type Position string

// Row is one row of a source.
type Row struct {
	Values []Value // of the columns that were asked for, in their order
	// Number is what a person finds the row by in a file: the line that it
	// begins in, from 1. Of a database it counts the rows that were read.
	Number int64
	Key    string   // of a database: the key column's value; "" of files
	After  Position // behind the row
	Done   int64    // how much of Source.Total is behind with this row
	// Raw is the row as the source had it, for the file of rejects.
	Raw any
	// Wrong says why the row could not be read at all, and "" that it could be.
	// It tells nothing of the row's content.
	Wrong string
}

// Place names the row to a person, without anything personal: by its key where
// that may be told, else by its number.
func (r Row) Place(unit string, tellKey bool) string {
	if tellKey && r.Key != "" {
		return r.Key
	}
	return unit + " " + strconv.FormatInt(r.Number, 10)
}

// size is about how many octets a row takes in memory and in an INSERT.
func (r Row) size() int {
	n := 64 * len(r.Values)
	for _, v := range r.Values {
		n += len(v.Text)
	}
	return n
}

// Source gives the rows of one table, always in the same order.
type Source interface {
	// Next gives the next rows, at most limit and at least one; io.EOF at the
	// end. A row that cannot be read is given as such and is no error.
	Next(ctx context.Context, limit int) ([]Row, error)
	// Total is how much there is to be read, in the unit of Row.Done; 0 where
	// that cannot be told.
	Total() int64
	// Unit is what Row.Number counts: "line" or "row".
	Unit() string
	Close() error
}
