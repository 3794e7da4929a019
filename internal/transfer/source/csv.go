package source

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

const (
	byteOrderMark = "\ufeff"
	// reasonColumn is where a file of rejects says why.
	reasonColumn = "import_reason"
)

// csvFile reads RFC 4180's form. Where a row cannot be read its first line is given
// as unreadable, and reading goes on with the second.
type csvFile struct {
	*file
	delimiter rune
	charset   *charmap.Charmap
	null      *string
	indexes   []int // of the columns that are asked for
	width     int   // fields of a row
	reason    int   // which of them is the reason of a file of rejects; -1 for none
	headless  bool  // no line names the columns: rejects have the reason as one field more
	rejects   bool  // of headless: the first row is of a file of rejects
	reader    *csv.Reader
	limit     *limited
	begin     place // where reader began
	at        place
}

// limited ends where a row has become too long.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errRowLength
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

var errRowLength = errors.New("source: " + wrongLength)

func openCSV(f *file, s mapping.Source, columns []string, at transfer.Position) (*csvFile, error) {
	c := &csvFile{file: f, delimiter: s.Delimiter, charset: s.Charset, null: s.Null, headless: len(s.Columns) > 0}
	have := s.Columns
	first := place{0, 1}
	mark := make([]byte, len(byteOrderMark))
	if n, _ := f.ReadAt(mark, 0); string(mark[:n]) == byteOrderMark {
		first.offset = int64(n)
	}
	if err := c.seek(first); err != nil {
		return nil, err
	}
	if !c.headless {
		header, wrong, err := c.record()
		switch {
		case errors.Is(err, io.EOF):
			return nil, errors.New("the file is empty: its first line should name the columns")
		case err != nil:
			return nil, err
		case wrong != "":
			return nil, errors.New("the first line, which should name the columns, cannot be read: " + wrong)
		}
		if have, err = c.decode(header); err != nil {
			return nil, errors.New("the first line, which should name the columns, is not in the file's charset")
		}
		first = c.at
	}
	if err := missing(columns, have); err != nil {
		return nil, err
	}
	c.width, c.reason = len(have), slices.Index(have, reasonColumn)
	if c.headless {
		row, wrong, err := c.record()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		c.rejects = wrong == "" && len(row) == c.width+1 && (row[c.width] == "" || transfer.IsReason(row[c.width]))
	}
	for _, name := range columns {
		c.indexes = append(c.indexes, slices.Index(have, name))
	}
	from, err := placeOf(at, f.size)
	if err != nil {
		return nil, err
	}
	if at == "" {
		from = first
	}
	return c, c.seek(from)
}

// seek begins to read at a place.
func (c *csvFile) seek(p place) error {
	if _, err := c.Seek(p.offset, io.SeekStart); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	c.limit = &limited{c.File, maxRow}
	c.reader = csv.NewReader(bufio.NewReaderSize(c.limit, 64<<10))
	c.reader.Comma, c.reader.FieldsPerRecord, c.reader.ReuseRecord = c.delimiter, -1, false
	c.begin, c.at = p, p
	return nil
}

// record reads one row; wrong says why it cannot be read. c.at is behind it.
func (c *csvFile) record() (fields []string, wrong string, err error) {
	c.limit.left = maxRow
	fields, err = c.reader.Read()
	switch {
	case err == nil:
		line, _ := c.reader.FieldPos(len(fields) - 1)
		c.at = place{c.begin.offset + c.reader.InputOffset(), c.begin.line + int64(line) + newlines(fields[len(fields)-1])}
		return fields, "", nil
	case errors.Is(err, io.EOF):
		return nil, "", io.EOF
	case errors.Is(err, errRowLength):
		wrong = wrongLength + ", or a quotation mark is not closed"
	case errors.Is(err, csv.ErrQuote), errors.Is(err, csv.ErrBareQuote):
		wrong = "a quotation mark is in the wrong place, or not closed; inside of a quoted field it is doubled"
	default:
		return nil, "", fmt.Errorf("source: %w", err)
	}
	text, err := c.skipLine()
	return []string{text}, wrong, err
}

// newlines are the line ends inside of a field.
func newlines(field string) (n int64) {
	for i := range len(field) {
		if field[i] == '\n' {
			n++
		}
	}
	return n
}

// skipLine goes to the second line of the row that begins at c.at, and gives the
// first one.
func (c *csvFile) skipLine() (string, error) {
	r := bufio.NewReader(io.NewSectionReader(c.File, c.at.offset, c.size-c.at.offset))
	var line []byte
	next := c.at
	for {
		part, err := r.ReadSlice('\n')
		next.offset += int64(len(part))
		if len(line) < maxRow {
			line = append(line, part...)
		}
		if err == nil || errors.Is(err, io.EOF) {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", fmt.Errorf("source: %w", err)
		}
	}
	next.line++
	return string(trimEnd(line)), c.seek(next)
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

var errCharset = errors.New("source: not in the charset")

// decode gives fields in UTF-8.
func (c *csvFile) decode(fields []string) ([]string, error) {
	decoded := make([]string, len(fields))
	for i, f := range fields {
		if c.charset == nil {
			if !utf8.ValidString(f) {
				return nil, errCharset
			}
			decoded[i] = f
			continue
		}
		text := make([]rune, len(f))
		for k := range len(f) {
			if text[k] = c.charset.DecodeByte(f[k]); text[k] == utf8.RuneError {
				return nil, errCharset
			}
		}
		decoded[i] = string(text)
	}
	return decoded, nil
}

// Next implements transfer.Source.
func (c *csvFile) Next(ctx context.Context, limit int) ([]transfer.Row, error) {
	rows := make([]transfer.Row, 0, limit)
	for bytes := 0; len(rows) < limit && bytes < maxRow; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		begin := c.at
		fields, wrong, err := c.record()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		bytes += int(c.at.offset - begin.offset)
		row := transfer.Row{Number: begin.line, After: c.at.position(), Done: c.at.offset, Raw: fields, Wrong: wrong}
		if wrong == "" {
			line, _ := c.reader.FieldPos(0) // empty lines before it are passed over
			row.Number = c.begin.line + int64(line) - 1
			row.Raw = c.withoutReason(fields)
			row.Values, row.Wrong = c.values(fields)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, io.EOF
	}
	return rows, nil
}

// reasonOf is where a row has the reason of a file of rejects, which a row of too
// many fields has behind them; -1 for nowhere.
func (c *csvFile) reasonOf(fields []string) int {
	n := len(fields)
	switch last := fields[n-1]; {
	case n == c.width:
		return c.reason
	case n < c.width:
		return -1
	case isUnmended(last),
		c.headless && n == c.width+1 && (transfer.IsReason(last) || c.rejects && last == ""),
		c.reason >= 0 && last == "":
		return n - 1
	default:
		return -1
	}
}

// withoutReason is a row as it was before it came into a file of rejects.
func (c *csvFile) withoutReason(fields []string) []string {
	if i := c.reasonOf(fields); i >= 0 {
		return slices.Delete(slices.Clone(fields), i, i+1)
	}
	return fields
}

// values picks the columns that are asked for.
func (c *csvFile) values(fields []string) (values []transfer.Value, wrong string) {
	at, n := c.reasonOf(fields), len(fields)
	if c.headless && n == c.width+1 && at >= 0 {
		n--
	}
	if n != c.width {
		return nil, fmt.Sprintf("it has %d fields and not %d", n, c.width)
	}
	if at >= 0 && isUnmended(fields[at]) {
		return nil, wrongUnmended
	}
	picked := make([]string, len(c.indexes))
	for i, index := range c.indexes {
		picked[i] = fields[index]
	}
	decoded, err := c.decode(picked)
	if err != nil {
		return nil, "it is not in the file's charset"
	}
	values = make([]transfer.Value, len(decoded))
	for i, text := range decoded {
		if values[i].Text = text; c.null != nil && text == *c.null {
			values[i] = transfer.Value{Null: true}
		}
	}
	return values, ""
}

// Total implements transfer.Source.
func (c *csvFile) Total() int64 { return c.size }

// Unit implements transfer.Source.
func (c *csvFile) Unit() string { return "line" }
