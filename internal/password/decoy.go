package password

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
)

// Census is how many hashes of each class are stored.
type Census map[Class]int

// maxDecoyClasses bounds what For costs: the most frequent ones count.
const maxDecoyClasses = 64

// Decoys gives logins that nobody has a hash to verify, so that they are
// refused after the same work as those that somebody has. A login gets the same
// one each time, at every server with the same secret and the same census, and
// the classes of all of them are distributed as the census is: whatever the
// time tells of a login, it is as likely of one that nobody has. It may be used
// by several goroutines.
//
// Not to be relied on: that this holds for somebody who knows more of an account
// than its login, such as when it was made.
type Decoys struct {
	key     []byte
	classes atomic.Pointer[[]weighted]
}

type weighted struct {
	class  Class
	weight float64
}

// NewDecoys derives its key from secret, by HKDF with SHA-256 (RFC 5869).
// Until there is a census all decoys are of the class today, which is
// Algorithm.Class. The error is ErrHash for a class that is none.
func NewDecoys(secret []byte, today Class) (*Decoys, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "registrar v1 password decoy", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	d := &Decoys{key: key}
	return d, d.Recount(Census{today: 1})
}

// Recount puts another census in place. Decoys move as accounts do: where a
// tenth of the accounts has a hash of another class now, so has a tenth of the
// logins, and the others keep theirs. Counts below 1 do not count, and a census
// without any other changes nothing. The error is ErrHash for a class that is
// none, and then nothing changes either.
func (d *Decoys) Recount(census Census) error {
	var classes []weighted
	for class, count := range census {
		if count < 1 {
			continue
		}
		if _, err := blank(class, rand.NewChaCha8([32]byte{})); err != nil {
			return err
		}
		classes = append(classes, weighted{class, float64(count)})
	}
	if len(classes) == 0 {
		return nil
	}
	slices.SortFunc(classes, func(a, b weighted) int {
		if a.weight != b.weight {
			return int(math.Copysign(1, b.weight-a.weight))
		}
		return strings.Compare(a.class.String(), b.class.String())
	})
	classes = classes[:min(len(classes), maxDecoyClasses)]
	d.classes.Store(&classes)
	return nil
}

// For gives the decoy of a login, which must be in its canonical form: else each
// way to write it has a decoy of its own, as no account has. It takes some
// microseconds, so it is to be asked for every login, also of an account. No
// password matches it.
func (d *Decoys) For(login string) string {
	var chosen Class
	least := math.Inf(1)
	for _, c := range *d.classes.Load() {
		// Weighted rendezvous hashing: of exponential variates whose rates are the
		// weights, each is the least as often as its weight says, and a weight that
		// changes moves no login from one of the other classes to another.
		if wait := exponential(d.sum("class", c.class, login)) / c.weight; wait < least {
			least, chosen = wait, c.class
		}
	}
	hash, err := blank(chosen, rand.NewChaCha8(d.sum("octets", chosen, login)))
	if err != nil {
		panic(err) // Recount has made one of the class before
	}
	return hash
}

// sum is a key for one purpose, class and login.
func (d *Decoys) sum(purpose string, class Class, login string) (sum [32]byte) {
	mac := hmac.New(sha256.New, d.key)
	for _, part := range []string{purpose, class.Format, class.Cost, login} {
		_, _ = io.WriteString(mac, string(binary.BigEndian.AppendUint64(nil, uint64(len(part))))+part)
	}
	return [32]byte(mac.Sum(nil))
}

// exponential is a variate of rate 1 made of random octets.
func exponential(octets [32]byte) float64 {
	const bits = 53 // of a float64's mantissa
	return -math.Log((float64(binary.BigEndian.Uint64(octets[:])>>(64-bits)) + 0.5) / (1 << bits))
}
