package registration_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"registrar/internal/registration"
)

func TestParseID(t *testing.T) {
	t.Parallel()
	const text = "0192f0c1-2b3c-7d4e-8f50-112233445566"
	want := registration.ID(uuid.MustParse(text))
	for _, s := range []string{text, strings.ToUpper(text)} {
		if got, err := registration.ParseID(s); err != nil || got != want || got.String() != text || got.IsZero() {
			t.Errorf("%s is %s, %v", s, got, err)
		}
	}
	if zero, err := registration.ParseID("00000000-0000-0000-0000-000000000000"); err != nil || !zero.IsZero() {
		t.Errorf("zero is %s, %v", zero, err)
	}
	for _, s := range []string{
		"", "0192f0c1", text + "0", text[1:], "{" + text[1:35] + "}", strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", "_"),
		"0192f0c12-b3c-7d4e-8f50-112233445566", "0192f0cg-2b3c-7d4e-8f50-112233445566", "urn:uuid:" + text, " 192f0c1-2b3c-7d4e-8f50-112233445566",
		"٠192f0c-2b3c-7d4e-8f50-112233445566", "0192f0c1-2b3c-7d4e-8f50-11223344556\n",
	} {
		if got, err := registration.ParseID(s); err == nil || !got.IsZero() {
			t.Errorf("%q is %s", s, got)
		} else if s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("the error holds %q", s)
		}
	}
}

// FuzzParseID: what is read is what is written, in small letters.
func FuzzParseID(f *testing.F) {
	f.Add("0192f0c1-2b3c-7d4e-8f50-112233445566")
	f.Add("0192F0C1-2B3C-7D4E-8F50-11223344556-")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := registration.ParseID(s)
		if err != nil {
			return
		}
		if id.String() != strings.ToLower(s) {
			t.Fatalf("%q is written %q", s, id)
		}
		if u, err := uuid.Parse(s); err != nil || registration.ID(u) != id {
			t.Fatalf("%q is %s to another library, %v", s, u, err)
		}
	})
}
