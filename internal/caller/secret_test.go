package caller_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"regexp"
	"testing"
	"time"

	"registrar/internal/caller"
)

func TestNewSecretIsRandomAndEasyToType(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for range 100 {
		text, s := caller.NewSecret(now)
		if !regexp.MustCompile(`^[A-Z2-7]{26}$`).MatchString(text) || seen[text] {
			t.Fatalf("the secret %q", text)
		}
		seen[text] = true
		if s.Hash != sha256.Sum256([]byte(text)) || s.Sealed != nil || !s.CreatedAt.Equal(now) || !s.ExpiresAt.IsZero() {
			t.Fatalf("what is kept is %+v", s)
		}
	}
}

func TestASecretIsInForceUntilItExpires(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for expires, want := range map[time.Time]bool{{}: true, now.Add(1): true, now: false, now.Add(-1): false} {
		if got := (caller.Secret{ExpiresAt: expires}).InForce(now); got != want {
			t.Errorf("expires %v: in force %v", expires, got)
		}
	}
}

func sealer(t testing.TB, fill byte) *caller.Sealer {
	t.Helper()
	s, err := caller.NewSealer(bytes.Repeat([]byte{fill}, caller.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASealedSecretOpensForItsCallerAlone(t *testing.T) {
	t.Parallel()
	const text = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	s := sealer(t, 1)
	sealed := s.Seal("erp", text)
	if again := s.Seal("erp", text); bytes.Equal(again, sealed) {
		t.Error("the same secret is sealed the same way twice")
	}
	if bytes.Contains(sealed, []byte(text)) {
		t.Error("the secret can be read")
	}
	if got, err := s.Open("erp", sealed); got != text || err != nil {
		t.Errorf("opened %q, %v", got, err)
	}
	if got, err := s.Open("crm", sealed); got != "" || !errors.Is(err, caller.ErrSealed) {
		t.Errorf("opened for another caller: %q, %v", got, err)
	}
	if got, err := sealer(t, 2).Open("erp", sealed); got != "" || !errors.Is(err, caller.ErrSealed) {
		t.Errorf("opened with another key: %q, %v", got, err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if got, err := s.Open("erp", changed); got != "" || !errors.Is(err, caller.ErrSealed) {
			t.Errorf("opened with byte %d changed: %q, %v", i, got, err)
		}
		if got, err := s.Open("erp", sealed[:i]); got != "" || !errors.Is(err, caller.ErrSealed) {
			t.Errorf("opened with %d bytes only: %q, %v", i, got, err)
		}
	}
}

func TestAKeyIsOfAES256(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 16, 24, 31, 33} {
		if _, err := caller.NewSealer(make([]byte, size)); err == nil {
			t.Errorf("a key of %d bytes is taken", size)
		}
	}
}
