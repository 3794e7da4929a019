package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:generate go run registrar/hack/blocklist

// packed is the list of common passwords; blocklist.md says where it is from.
//
//go:embed blocklist.txt.gz
var packed []byte

// blocklist is folded passwords of at least MinLength characters, sorted, each
// with a line feed after it: one string, so that it costs its own length in
// memory and nothing in the garbage collector.
type blocklist string

// loadBlocklist unpacks the list once for the whole process.
var loadBlocklist = sync.OnceValues(func() (blocklist, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", fmt.Errorf("password: blocklist: %w", err)
	}
	var text strings.Builder
	if _, err := io.Copy(&text, io.LimitReader(unzip, 1<<24)); err != nil { // 16 MiB, far more than it is
		return "", fmt.Errorf("password: blocklist: %w", err)
	}
	return blocklist(text.String()), nil
})

// has looks a folded password up by binary search over octets: a probe lands
// inside a line and goes back to its beginning.
func (b blocklist) has(folded string) bool {
	low, high := 0, len(b) // both at beginnings of lines
	for low < high {
		start := low + strings.LastIndexByte(string(b[low:(low+high)/2]), '\n') + 1
		end := start + strings.IndexByte(string(b[start:]), '\n')
		switch strings.Compare(string(b[start:end]), folded) {
		case 0:
			return true
		case -1:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}
