package attempt_test

import (
	"encoding/hex"
	"testing"

	"registrar/internal/attempt"
)

// TestKeys: each kind and each value has a hash of its own, under each key.
func TestKeys(t *testing.T) {
	seen := map[[32]byte]string{}
	for _, secret := range []string{"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdeg"} {
		k, err := attempt.NewKeys([]byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		for what, hash := range map[string][32]byte{
			"login":                         k.Login("amina"),
			"another login":                 k.Login("noor"),
			"no login":                      k.Login(""),
			"caller":                        k.Caller("amina"),
			"no caller":                     k.Caller(""),
			"origin":                        k.Origin("erp", "amina", "phone"),
			"of another caller":             k.Origin("portal", "amina", "phone"),
			"of another login":              k.Origin("erp", "noor", "phone"),
			"another origin":                k.Origin("erp", "amina", "tablet"),
			"the same letters, cut other":   k.Origin("er", "pamina", "phone"),
			"and other again":               k.Origin("erpa", "mina", "phone"),
			"a login in the caller's place": k.Origin("", "erp", "aminaphone"),
		} {
			if other, there := seen[hash]; there || hash == ([32]byte{}) {
				t.Errorf("%s under %s is %s", what, secret, other)
			}
			seen[hash] = what + " under " + secret
		}
		for range 2 {
			if seen[k.Login("amina")] != "login under "+secret {
				t.Error("one login has two hashes")
			}
		}
	}
}

// TestKeysStay: servers of two releases count together.
func TestKeysStay(t *testing.T) {
	k, err := attempt.NewKeys(make([]byte, attempt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	hash := k.Login("amina")
	if got, want := hex.EncodeToString(hash[:]), "debb1333c5bb4e924f8383357b6518de7bdb0b38c5b559afa365c51f783545db"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestKeySize(t *testing.T) {
	for _, n := range []int{0, 31, 33} {
		if _, err := attempt.NewKeys(make([]byte, n)); err == nil {
			t.Errorf("a key of %d octets is taken", n)
		}
	}
}
