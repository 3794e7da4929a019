package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"registrar/internal/transfer"
)

// jsonFile reads JSON Lines: an object a line. Lines without anything are passed over.
type jsonFile struct {
	*file
	columns []string
	reader  *bufio.Reader
	at      place
}

func openJSON(ctx context.Context, f *file, columns []string, at transfer.Position) (*jsonFile, error) {
	from, err := placeOf(at, f.size)
	if err != nil {
		return nil, err
	}
	if err := checkNames(ctx, f, columns); err != nil {
		return nil, err
	}
	if _, err := f.Seek(from.offset, io.SeekStart); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	return &jsonFile{file: f, columns: columns, reader: bufio.NewReaderSize(f, 64<<10), at: from}, nil
}

// line reads one line, of which no more than maxRow octets are kept.
func (j *jsonFile) line() (text []byte, tooLong bool, err error) {
	for {
		part, err := j.reader.ReadSlice('\n')
		j.at.offset += int64(len(part))
		if tooLong = tooLong || len(text)+len(part) > maxRow; !tooLong {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(text) == 0 && !tooLong:
			return nil, false, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, false, fmt.Errorf("source: %w", err)
		}
		j.at.line++
		return trimEnd(text), tooLong, nil
	}
}

// next is line without what an editor may put before the first one.
func (j *jsonFile) next() (text []byte, tooLong bool, err error) {
	begin := j.at.offset
	text, tooLong, err = j.line()
	if begin == 0 {
		text = bytes.TrimPrefix(text, []byte(byteOrderMark))
	}
	return text, tooLong, err
}

// Next implements transfer.Source.
func (j *jsonFile) Next(ctx context.Context, limit int) ([]transfer.Row, error) {
	rows := make([]transfer.Row, 0, limit)
	for octets := 0; len(rows) < limit && octets < maxRow; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		begin := j.at
		text, tooLong, err := j.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		octets += len(text)
		row := transfer.Row{Number: begin.line, After: j.at.position(), Done: j.at.offset, Raw: text}
		switch {
		case tooLong:
			row.Wrong = wrongLength
		case len(bytes.TrimSpace(text)) == 0:
			continue
		default:
			row.Values, row.Wrong = j.values(text)
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, io.EOF
	}
	return rows, nil
}

// values picks the columns that are asked for. One that an object does not have is
// null in it.
func (j *jsonFile) values(text []byte) (values []transfer.Value, wrong string) {
	object, wrong := readObject(text)
	if wrong != "" {
		return nil, wrong
	}
	var reason string
	if raw, ok := object[reasonColumn]; ok && json.Unmarshal(raw, &reason) == nil && isUnmended(reason) {
		return nil, wrongUnmended
	}
	values = make([]transfer.Value, len(j.columns))
	for i, name := range j.columns {
		raw, ok := object[name]
		switch {
		case !ok, string(raw) == "null":
			values[i].Null = true
		case raw[0] == '"':
			if json.Unmarshal(raw, &values[i].Text) != nil {
				return nil, wrongObject
			}
		case raw[0] == '{', raw[0] == '[':
			return nil, "a column's value is neither a text nor a number, true, false or null"
		default:
			values[i].Text = string(raw) // as it is written: large numbers keep all their digits
		}
	}
	return values, ""
}

// Total implements transfer.Source.
func (j *jsonFile) Total() int64 { return j.size }

// Unit implements transfer.Source.
func (j *jsonFile) Unit() string { return "line" }
