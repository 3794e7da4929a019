package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"

	"registrar/internal/transfer"
)

// Writer writes rows in a format.
type Writer interface {
	Write(row []transfer.Value) error
	Flush() error
}

// NewCSV writes RFC 4180's form in UTF-8, with a first line of the columns' names.
// null is the text that stands for null.
func NewCSV(w io.Writer, delimiter rune, null string, columns []string) (Writer, error) {
	c := &csvWriter{csv: csv.NewWriter(w), null: null, fields: make([]string, len(columns))}
	c.csv.Comma = delimiter
	if err := c.csv.Write(columns); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return c, nil
}

type csvWriter struct {
	csv    *csv.Writer
	null   string
	fields []string
}

func (c *csvWriter) Write(row []transfer.Value) error {
	for i, v := range row {
		if c.fields[i] = v.Text; v.Null {
			c.fields[i] = c.null
		}
	}
	return c.csv.Write(c.fields)
}

func (c *csvWriter) Flush() error {
	c.csv.Flush()
	return c.csv.Error()
}

// NewJSON writes JSON Lines: an object a line, with the columns in their order.
func NewJSON(w io.Writer, columns []string) (Writer, error) {
	j := &jsonWriter{w: bufio.NewWriterSize(w, 64<<10)}
	for _, c := range columns {
		name, err := text(c)
		if err != nil {
			return nil, err
		}
		j.names = append(j.names, name)
	}
	return j, nil
}

type jsonWriter struct {
	w     *bufio.Writer
	names [][]byte
}

func (j *jsonWriter) Write(row []transfer.Value) error {
	line := []byte{'{'}
	for i, v := range row {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(append(line, j.names[i]...), ':')
		if v.Null {
			line = append(line, "null"...)
			continue
		}
		value, err := text(v.Text)
		if err != nil {
			return err
		}
		line = append(line, value...)
	}
	_, err := j.w.Write(append(line, "}\n"...))
	return err
}

func (j *jsonWriter) Flush() error { return j.w.Flush() }

// text is a text in JSON, without HTML's escapes.
func text(s string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
