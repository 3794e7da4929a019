package caller_test

import (
	"errors"
	"strings"
	"testing"

	"registrar/internal/caller"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "7", "erp", "erp-2", "crm.eu_west-1", strings.Repeat("x", 64)} {
		if got, err := caller.ParseName(name); got != name || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", ".a", "_a", "-a", "ERP", "erp ", " erp", "e rp", "e:rp", "é", "erp\n", "erp\x00", strings.Repeat("x", 65)} {
		if got, err := caller.ParseName(name); got != "" || !errors.Is(err, caller.ErrName) {
			t.Errorf("%q is taken: %q, %v", name, got, err)
		}
	}
}
