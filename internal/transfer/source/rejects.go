package source

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// wrongUnmended is what a row is told as that was put into a file of rejects since
// it could not be read: what is left of it looks like a row, and is none.
const wrongUnmended = "it is as it was when it could not be read: mend it, and empty its " + reasonColumn

func isUnmended(reason string) bool { return strings.HasPrefix(reason, string(transfer.RowUnreadable)) }

// Rejects implements transfer.RejectFile by a file in a source's own form, with the
// reason beside each row: such a file can be mended and imported as the source was.
type Rejects struct {
	f       *os.File
	form    Form
	columns []string // of a database
	comma   rune
	header  []byte
	width   int // fields of a row of CSV, without the reason
}

// ErrRejectsShort is a file of rejects that has less in it than the import that is
// gone on with had written.
var ErrRejectsShort = errors.New("source: the file of rejects was shortened or removed since the import was interrupted")

// OpenRejects opens or makes the file path for the rejects of a source: of the file
// from, or of the database where from is "". It has people's data in it, and so is
// its owner's alone.
func OpenRejects(path string, s mapping.Source, from string, columns []string) (*Rejects, error) {
	form, err := RejectForm(from, s)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("source: rejects: %s is not a regular file: give another name", path)
	}
	r := &Rejects{form: form, columns: columns, comma: s.Delimiter}
	if form == CSVForm {
		if err := r.readHeader(from, s); err != nil {
			return nil, err
		}
	}
	if r.f, err = os.OpenFile(filepath.Clean(path), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("source: rejects: %w", err)
	}
	return r, nil
}

// Path is where the file is.
func (r *Rejects) Path() string { return r.f.Name() }

// readHeader takes the header of the source, with the reason's column, as that of
// the rejects. A file that was made of rejects has that column already.
func (r *Rejects) readHeader(from string, s mapping.Source) error {
	if !s.Header {
		r.width = len(s.Columns)
		return nil
	}
	f, err := openFile(from)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := openCSV(f, mapping.Source{Delimiter: s.Delimiter}, nil, "")
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if err := c.seek(place{0, 1}); err != nil {
		return err
	}
	header, _, err := c.record()
	if err != nil {
		return err
	}
	header = slices.DeleteFunc(header, func(name string) bool { return name == reasonColumn })
	r.width = len(header)
	r.header, err = r.line(header, reasonColumn)
	return err
}

// Append implements transfer.RejectFile. The errors tell no row.
func (r *Rejects) Append(size int64, rejects []transfer.Reject) (int64, error) {
	info, err := r.f.Stat()
	if err != nil {
		return size, fmt.Errorf("source: rejects: %w", err)
	}
	if info.Size() < size {
		return size, ErrRejectsShort
	}
	var b bytes.Buffer
	if size == 0 && len(rejects) > 0 {
		b.Write(r.header)
	}
	for _, reject := range rejects {
		text, err := r.encode(reject)
		if err != nil {
			return size, fmt.Errorf("source: rejects: %w", err)
		}
		b.Write(text)
	}
	// Before COMMIT: what is said to be in the file must be in it.
	if info.Size() == size && b.Len() == 0 {
		return size, nil
	}
	err = r.f.Truncate(size)
	if err == nil {
		_, err = r.f.WriteAt(b.Bytes(), size)
	}
	if err == nil {
		err = r.f.Sync()
	}
	if err != nil {
		return size, fmt.Errorf("source: rejects: %w", err)
	}
	return size + int64(b.Len()), nil
}

// encode is a reject as its line.
func (r *Rejects) encode(reject transfer.Reject) ([]byte, error) {
	switch raw := reject.Row.Raw.(type) {
	case []string:
		return r.line(raw, reject.Reason)
	case []byte:
		return jsonLine(raw, reject)
	case []transfer.Value:
		object := map[string]any{reasonColumn: reject.Reason}
		for i, v := range raw {
			if object[r.columns[i]] = any(v.Text); v.Null {
				object[r.columns[i]] = nil
			}
		}
		return marshalLine(object)
	default:
		return nil, fmt.Errorf("a row of type %T", raw)
	}
}

// line is a row of CSV with the reason behind it. Fewer fields are filled up, and
// more are kept: a person sees what is wrong.
func (r *Rejects) line(fields []string, reason string) ([]byte, error) {
	row := make([]string, max(len(fields), r.width))
	copy(row, fields)
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = r.comma
	err := w.Write(append(row, reason))
	w.Flush()
	return b.Bytes(), errors.Join(err, w.Error())
}

// jsonLine is an object of JSON Lines with the reason in it. What is none that can
// be read is kept as a text, or in base64 where it is none: no octet of it is lost.
func jsonLine(raw []byte, reject transfer.Reject) ([]byte, error) {
	object, wrong := readObject(raw)
	switch {
	case wrong == wrongUTF8:
		return marshalLine(map[string]string{reasonColumn: reject.Reason, "unreadable_base64": base64.StdEncoding.EncodeToString(raw)})
	case wrong != "":
		return marshalLine(map[string]string{reasonColumn: reject.Reason, "unreadable": string(raw)})
	}
	reason, err := json.Marshal(reject.Reason)
	if err != nil {
		return nil, err
	}
	object[reasonColumn] = reason
	return marshalLine(object)
}

func marshalLine(object any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(object)
	return b.Bytes(), err
}

// Close closes the file, and removes it when nothing is in it.
func (r *Rejects) Close() error {
	size, err := r.f.Seek(0, io.SeekEnd)
	err = errors.Join(err, r.f.Close())
	if err == nil && size == 0 {
		err = os.Remove(r.f.Name())
	}
	if err != nil {
		return fmt.Errorf("source: rejects: %w", err)
	}
	return nil
}
