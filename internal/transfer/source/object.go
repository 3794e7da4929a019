package source

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Why a line is no object that can be read.
const (
	wrongObject = "it is not a JSON object"
	wrongUTF8   = "it is not in UTF-8"
	wrongHalf   = `it has an escape \u of half a character`
	wrongTwice  = "it has a name twice"
)

// readObject reads an object strictly: encoding/json puts U+FFFD in the place of what
// is no character, and takes the last of two values of one name.
func readObject(text []byte) (object map[string]json.RawMessage, wrong string) {
	switch err := json.Unmarshal(text, &object); {
	case !utf8.Valid(text):
		return nil, wrongUTF8
	case err != nil || object == nil:
		return nil, wrongObject
	case halves(text):
		return nil, wrongHalf
	case members(text) != len(object):
		return nil, wrongTwice
	default:
		return object, ""
	}
}

// halves says whether valid JSON has a surrogate without its other half.
func halves(text []byte) bool {
	var high rune // the one before, which waits for its low one
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || text[i+1] != 'u' {
			if high != 0 {
				return true
			}
			if text[i] == '\\' {
				i++
			}
			continue
		}
		n, _ := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
		r := rune(n)
		switch {
		case high != 0 && utf16.DecodeRune(high, r) != utf8.RuneError:
			high = 0
		case high != 0, utf16.IsSurrogate(r) && r >= 0xdc00:
			return true
		case utf16.IsSurrogate(r):
			high = r
		}
		i += 5
	}
	return false
}

// members counts the names of an object that is valid JSON, each as often as it is there.
func members(text []byte) (n int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		case c == ':' && depth == 1:
			n++
		}
	}
	return n
}

// checkNames refuses columns that no object of the file has: a name that is written
// wrong would be null everywhere. It reads from the beginning until all have been
// seen, mostly one row. A file of rejects may leave out what others have.
func checkNames(ctx context.Context, f *file, columns []string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	lines := jsonFile{file: f, reader: bufio.NewReaderSize(f, 64<<10), at: place{0, 1}}
	left, seen := slices.Clone(columns), map[string]bool{}
	for len(left) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, _, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		object, _ := readObject(text)
		if _, rejects := object[reasonColumn]; rejects {
			return nil
		}
		for name := range object {
			if len(seen) < namesMost {
				seen[name] = true
			}
		}
		left = slices.DeleteFunc(left, func(name string) bool {
			_, there := object[name]
			return there
		})
	}
	if len(left) == 0 || len(seen) == 0 {
		return nil
	}
	return fmt.Errorf("no row has a column %s: there are %s; correct the mapping, or write null for it in one row", strings.Join(left, ", "), strings.Join(slices.Sorted(maps.Keys(seen)), ", "))
}

// namesMost is how many names of a file are told at most.
const namesMost = 100
