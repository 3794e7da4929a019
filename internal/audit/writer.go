package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"

	"registrar/internal/registration"
)

// KeySize is the size of a Writer's key in octets.
const KeySize = 32

// maxDetail is the longest Detail, in octets.
const maxDetail = 255

var errDetail = errors.New("audit: the detail of an entry is too long")

// Writer makes records of a process's entries. It may be used by several
// goroutines.
type Writer struct {
	id  registration.ID
	key []byte

	mu   sync.Mutex
	last int64
	back []int64 // numbers that were given back, in order
}

// NewWriter makes a Writer. key is nil for none, or of KeySize octets.
func NewWriter(key []byte) (*Writer, error) {
	if key != nil && len(key) != KeySize {
		return nil, fmt.Errorf("audit: the key has %d octets, not %d", len(key), KeySize)
	}
	w := &Writer{key: key}
	_, _ = rand.Read(w.id[:]) // it never fails
	return w, nil
}

// Record makes the record of an entry, under the next number. An entry that
// was surely not written is to be given back.
func (w *Writer) Record(e Entry) (Record, error) {
	if len(e.Detail) > maxDetail {
		return Record{}, errDetail
	}
	r := Record{Entry: e, Writer: w.id, Number: w.next()}
	if e.ExternalID != "" {
		r.Salt = make([]byte, 16)
		_, _ = rand.Read(r.Salt) // it never fails
		r.Digest = digest(r.Salt, e.ExternalID)
	}
	if w.key != nil {
		r.MAC = r.mac(w.key)
	}
	return r, nil
}

func (w *Writer) next() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.back) > 0 {
		n := w.back[0]
		w.back = w.back[1:]
		return n
	}
	w.last++
	return w.last
}

// GiveBack says that a record was surely not written, and never will be: its
// number is the next one's.
func (w *Writer) GiveBack(r Record) {
	if r.Number == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i, _ := slices.BinarySearch(w.back, r.Number)
	w.back = slices.Insert(w.back, i, r.Number)
}
