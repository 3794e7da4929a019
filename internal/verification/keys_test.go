package verification_test

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"registrar/internal/registration"
	"registrar/internal/verification"
)

func keys(t testing.TB, first byte) *verification.Keys {
	t.Helper()
	secret := make([]byte, verification.KeySize)
	secret[0] = first
	k, err := verification.NewKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var (
	amina     = registration.ID{1}
	omar      = registration.ID{2}
	sixDigits = regexp.MustCompile(`^[0-9]{6}$`)
)

func TestACodeIsKnownAndOpens(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	seen := map[string]bool{}
	for range 200 {
		c, err := k.New(amina, registration.EmailChannel)
		if err != nil {
			t.Fatal(err)
		}
		if c.AccountID != amina || c.Channel != registration.EmailChannel || c.Issue.IsZero() {
			t.Fatalf("made %+v", c)
		}
		text, err := k.Open(amina, registration.EmailChannel, c.Sealed)
		if err != nil || !sixDigits.MatchString(text) {
			t.Fatalf("opened %q, %v", text, err)
		}
		if !k.Is(c, text) {
			t.Error("the code is not known")
		}
		if bytes.Contains(c.Sealed, []byte(text)) || bytes.Contains(c.MAC[:], []byte(text)) {
			t.Error("the code is kept in the clear")
		}
		seen[text] = true
	}
	if len(seen) < 190 {
		t.Errorf("%d codes of 200 differ", len(seen))
	}
}

// TestEveryDigitComesEverywhere: leading zeros too. Each digit is expected a
// thousand times at each place; 800 are more than six standard deviations off.
func TestEveryDigitComesEverywhere(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	var counts [verification.Digits][10]int
	for range 10_000 {
		c, err := k.New(amina, registration.SMSChannel)
		if err != nil {
			t.Fatal(err)
		}
		text, err := k.Open(amina, registration.SMSChannel, c.Sealed)
		if err != nil {
			t.Fatal(err)
		}
		for place, digit := range text {
			counts[place][digit-'0']++
		}
	}
	for place, digits := range counts {
		for digit, n := range digits {
			if n < 800 || n > 1200 {
				t.Errorf("%d is at place %d in %d codes of 10,000", digit, place+1, n)
			}
		}
	}
}

// TestACodeIsGoodForItsContactAlone: moved to another row it is nothing.
func TestACodeIsGoodForItsContactAlone(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	c, err := k.New(amina, registration.EmailChannel)
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.Open(amina, registration.EmailChannel, c.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	other, err := k.New(amina, registration.EmailChannel)
	if err != nil {
		t.Fatal(err)
	}
	for name, moved := range map[string]func(c registration.OneTimeCode) registration.OneTimeCode{
		"another account": func(c registration.OneTimeCode) registration.OneTimeCode { c.AccountID = omar; return c },
		"another channel": func(c registration.OneTimeCode) registration.OneTimeCode {
			c.Channel = registration.SMSChannel
			return c
		},
		"another issue": func(c registration.OneTimeCode) registration.OneTimeCode { c.Issue = other.Issue; return c },
		"another MAC":   func(c registration.OneTimeCode) registration.OneTimeCode { c.MAC[31] ^= 1; return c },
	} {
		if k.Is(moved(c), text) {
			t.Errorf("the code is good for %s", name)
		}
	}
	if keys(t, 2).Is(c, text) {
		t.Error("the code is good under another key")
	}
	for _, near := range []string{"", text[:5], text + "0", " " + text, string(text[0]^1) + text[1:]} {
		if k.Is(c, near) {
			t.Errorf("a text of %d characters that is not the code is taken for it", len(near))
		}
	}
	spoilt := func(i int) []byte { b := bytes.Clone(c.Sealed); b[i] ^= 1; return b }
	for name, open := range map[string]func() (string, error){
		"another account": func() (string, error) { return k.Open(omar, registration.EmailChannel, c.Sealed) },
		"another channel": func() (string, error) { return k.Open(amina, registration.SMSChannel, c.Sealed) },
		"another key":     func() (string, error) { return keys(t, 2).Open(amina, registration.EmailChannel, c.Sealed) },
		"another version": func() (string, error) { return k.Open(amina, registration.EmailChannel, spoilt(0)) },
		"another issue":   func() (string, error) { return k.Open(amina, registration.EmailChannel, spoilt(1)) },
		"another end": func() (string, error) {
			return k.Open(amina, registration.EmailChannel, spoilt(len(c.Sealed)-1))
		},
		"nothing": func() (string, error) { return k.Open(amina, registration.EmailChannel, nil) },
		"a piece": func() (string, error) { return k.Open(amina, registration.EmailChannel, c.Sealed[:17]) },
	} {
		if got, err := open(); !errors.Is(err, verification.ErrSealed) || got != "" {
			t.Errorf("%s: opened %d characters, %v", name, len(got), err)
		}
	}
}

func TestRecipientsAreToldApart(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	seen := map[[32]byte]string{}
	for name, hash := range map[string][32]byte{
		"e-mail":      k.Recipient(registration.EmailChannel, "amina@example.com"),
		"another":     k.Recipient(registration.EmailChannel, "omar@example.com"),
		"by SMS":      k.Recipient(registration.SMSChannel, "amina@example.com"),
		"another key": keys(t, 2).Recipient(registration.EmailChannel, "amina@example.com"),
	} {
		if other, twice := seen[hash]; twice {
			t.Errorf("%s has the hash of %s", name, other)
		}
		seen[hash] = name
	}
	if k.Recipient(registration.SMSChannel, "+966512345678") != keys(t, 1).Recipient(registration.SMSChannel, "+966512345678") {
		t.Error("a recipient has another hash at another server")
	}
}

func TestAKeyHasItsSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 16, 31, 33} {
		if _, err := verification.NewKeys(make([]byte, size)); err == nil {
			t.Errorf("a key of %d octets was taken", size)
		}
	}
}

// FuzzOpen: whatever is in the column, nothing but a code of this contact opens.
func FuzzOpen(f *testing.F) {
	k := keys(f, 1)
	c, err := k.New(amina, registration.EmailChannel)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Sealed)
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		text, err := k.Open(amina, registration.EmailChannel, sealed)
		if (err == nil) != bytes.Equal(sealed, c.Sealed) {
			t.Errorf("opened %d octets: %d characters, %v", len(sealed), len(text), err)
		}
	})
}
