package legacy_test

import (
	"errors"
	"testing"
	"time"

	"registrar/internal/password/legacy"
)

// FuzzVerifyLegacy: never panics, is done in time whatever the hash asks for,
// and takes nothing whose class cannot be made again.
func FuzzVerifyLegacy(f *testing.F) {
	for _, v := range append(rfcs, published...) {
		f.Add(v.hash, v.password)
	}
	f.Fuzz(func(t *testing.T, text, password string) {
		h, err := legacy.Parse(text)
		if err != nil {
			if h != nil || !errors.Is(err, legacy.ErrHash) {
				t.Fatalf("%v, %v", h, err)
			}
			return
		}
		if _, err := legacy.Blank(h.Class(), zero{}); err != nil {
			t.Errorf("%s: %v", h.Class(), err)
		}
		start := time.Now()
		h.Matches([]byte(password))
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s took %s", h.Class(), took)
		}
	})
}

type zero struct{}

func (zero) Read(b []byte) (int, error) { clear(b); return len(b), nil }
