package source

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
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
		source, err = openJSON(f, columns, at)
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

func openFile(path string) (*file, error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("source: %s is not a regular file", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{f, info.Size()}, nil
}

// fingerprinted is how much of a file's beginning and end its fingerprint is of.
const fingerprinted = 64 << 10

// Fingerprint tells a file from what it was before it was changed: by its length,
// its beginning and its end. Of a database, path "", it is zero.
func Fingerprint(path string) (sum [32]byte, err error) {
	if path == "" {
		return sum, nil
	}
	f, err := openFile(path)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(f.size))
	h.Write(size[:])
	for _, from := range []int64{0, max(0, f.size-fingerprinted)} {
		if _, err := io.Copy(h, io.NewSectionReader(f, from, fingerprinted)); err != nil {
			return sum, fmt.Errorf("source: %w", err)
		}
	}
	return [32]byte(h.Sum(nil)), nil
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

// missing says which columns a source does not have.
func missing(columns, have []string) error {
	has := map[string]bool{}
	for _, c := range have {
		has[c] = true
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
