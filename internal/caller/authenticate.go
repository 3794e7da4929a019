package caller

import (
	"crypto/rand"
	"crypto/subtle"
	"time"
)

// Digest is the proof of a secret that does not tell it.
type Digest interface {
	// Matches says in constant time whether it was made with secret.
	Matches(secret string) bool
}

// ByText gives the caller that a name and a secret prove. Errors: ErrUnauthenticated.
func (d *Directory) ByText(name, secret string) (Caller, error) {
	hash := HashSecret(secret)
	return d.named(name).prove(d.settings.Now(), func(s *slot) bool {
		return subtle.ConstantTimeCompare(s.secret.Hash[:], hash[:]) == 1 && s.real
	})
}

// ByDigest gives the caller that a name and a digest prove. Only sealed
// secrets have a text to compare with. Whether the digest was used before is
// for Nonces to say. Errors: ErrUnauthenticated.
func (d *Directory) ByDigest(name string, digest Digest) (Caller, error) {
	return d.named(name).prove(d.settings.Now(), func(s *slot) bool { return digest.Matches(s.text) && s.open })
}

// BySubject gives the caller whose certificate has a subject, as Subject
// writes it. The certificate must have been verified. Errors: ErrUnauthenticated.
func (d *Directory) BySubject(subject string) (Caller, error) {
	e := d.current.Load().bySubject[subject]
	if e == nil || e.caller.Disabled {
		return Caller{}, ErrUnauthenticated
	}
	return e.caller, nil
}

// named gives the entry of a name, known or not.
func (d *Directory) named(name string) *entry {
	s := d.current.Load()
	if e := s.byName[name]; e != nil {
		return e
	}
	return s.unknown
}

// entry is a caller as it is compared with.
type entry struct {
	caller Caller // without its Secrets
	slots  []slot // of every entry as many
}

// slot is a secret, or what takes its place where there is none.
type slot struct {
	secret Secret
	text   string // random where it is not open
	real   bool   // it is a secret
	open   bool   // its text is known
}

// prove compares with every slot, also behind one that matched, and also
// where the answer is settled: the work is the same for everybody.
func (e *entry) prove(now time.Time, matches func(*slot) bool) (Caller, error) {
	proved := false
	for i := range e.slots {
		s := &e.slots[i]
		proved = matches(s) && s.secret.InForce(now) || proved
	}
	if !proved || e.caller.Disabled {
		return Caller{}, ErrUnauthenticated
	}
	return e.caller, nil
}

// fill makes the slots as many as width and gives each a text.
func fill(slots []slot, width int) []slot {
	for len(slots) < width {
		slots = append(slots, slot{secret: Secret{Hash: HashSecret(rand.Text())}})
	}
	for i := range slots {
		if !slots[i].open {
			slots[i].text = rand.Text()
		}
	}
	return slots
}
