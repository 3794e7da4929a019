package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// maxRow is the longest row of a file, in octets.
const maxRow = 1 << 20

// wrongLength is what a row of more octets is told as.
const wrongLength = "it is longer than 1 MiB"

// Form is the form of rows in a file.
type Form string

// The forms.
const (
	CSVForm  Form = "csv"
	JSONForm Form = "jsonl"
)

// FormOf says in which form a file is: by its name, else as the mapping says.
func FormOf(path string, s mapping.Source) (Form, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv", ".tsv":
		return CSVForm, nil
	case ".jsonl", ".ndjson":
		return JSONForm, nil
	}
	switch s.Kind {
	case mapping.CSV:
		return CSVForm, nil
	case mapping.JSONL:
		return JSONForm, nil
	default:
		return "", fmt.Errorf("%s is neither .csv nor .jsonl: name the file so", path)
	}
}

// RejectForm is the form of a file of rejects: that of the file that is read, and
// JSON Lines for a database.
func RejectForm(path string, s mapping.Source) (Form, error) {
	if path == "" {
		return JSONForm, nil
	}
	return FormOf(path, s)
}

// Open opens what a mapping names behind a position: the file path, or the database
// where path is "". Its rows have the values of columns.
func Open(ctx context.Context, s mapping.Source, path string, columns []string, at transfer.Position) (transfer.Source, error) {
	if path == "" {
		return openDatabase(ctx, s, columns, at)
	}
	form, err := FormOf(path, s)
	if err != nil {
		return nil, err
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	var source transfer.Source
	if form == CSVForm {
		source, err = openCSV(f, s, columns, at)
	} else {
		source, err = openJSON(ctx, f, columns, at)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return source, nil
}

// file is a file that is read from the beginning of one row to the next.
type file struct {
	*os.File
	size int64
}

// openFile does not open what is no regular file: opening a pipe would wait for
// somebody who writes to it.
func openFile(path string) (*file, error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("source: %s is not a regular file: write what is in it to one, since it is read from any place on", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	if info, err = f.Stat(); err != nil {
		return nil, errors.Join(fmt.Errorf("source: %w", err), f.Close())
	}
	return &file{f, info.Size()}, nil
}

// Fingerprint tells a file from what it was before it was changed, by all of its
// content, which is read for that. Of a database, path "", it is zero.
func Fingerprint(ctx context.Context, path string) (sum [32]byte, err error) {
	if path == "" {
		return sum, nil
	}
	f, err := openFile(path)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	for part := make([]byte, 1<<20); ; {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		n, err := f.Read(part)
		h.Write(part[:n])
		if errors.Is(err, io.EOF) {
			return [32]byte(h.Sum(nil)), nil
		}
		if err != nil {
			return sum, fmt.Errorf("source: %w", err)
		}
	}
}

// place is a position in a file: the octet and the line that the next row begins at.
type place struct{ offset, line int64 }

func (p place) position() transfer.Position {
	return transfer.Position(fmt.Sprintf("%d:%d", p.offset, p.line))
}

var errPosition = errors.New("source: not a position of this kind of source")

// placeOf reads a position; "" is the beginning.
func placeOf(at transfer.Position, size int64) (place, error) {
	p := place{0, 1}
	if at == "" {
		return p, nil
	}
	if n, err := fmt.Sscanf(string(at), "%d:%d", &p.offset, &p.line); n != 2 || err != nil || p.offset < 0 || p.offset > size {
		return p, errPosition
	}
	return p, nil
}

// missing says which columns a source does not have, or has twice.
func missing(columns, have []string) error {
	has, twice := map[string]bool{}, map[string]bool{}
	for _, c := range have {
		twice[c], has[c] = has[c], true
	}
	for _, c := range append([]string{reasonColumn}, columns...) {
		if twice[c] {
			return fmt.Errorf("the first line names the column %s twice: rename one of them", c)
		}
	}
	var none []string
	for _, c := range columns {
		if !has[c] {
			none = append(none, c)
		}
	}
	if len(none) == 0 {
		return nil
	}
	return fmt.Errorf("there is no column %s: there are %s", strings.Join(none, ", "), strings.Join(have, ", "))
}
