package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2id is RFC 9106's memory-hard function, version 0x13, with one lane.
type Argon2id struct {
	MemoryKiB uint32 // for each hash that runs; 19456 by OWASP's advice
	Passes    uint32 // over that memory; 2 by OWASP's advice
}

// DefaultArgon2id is the OWASP Password Storage Cheat Sheet's first choice for
// a service: 19 MiB, two passes, one lane.
var DefaultArgon2id = Argon2id{MemoryKiB: 19456, Passes: 2}

const (
	argon2idPrefix = "$argon2id$"
	argon2SaltLen  = 16 // octets; RFC 9106 section 3.1
	argon2TagLen   = 32 // octets
)

// What a stored hash may ask for. The highest cost that passes is about half a
// second of one core: 256 MiB twice, or 19 MiB 27 times.
const (
	MinArgon2MemoryKiB = 8       // for each lane; RFC 9106 section 3.1
	MaxArgon2MemoryKiB = 1 << 18 // 256 MiB
	MaxArgon2Passes    = 64
	MaxArgon2Work      = 1 << 19 // KiB times passes
	maxArgon2Lanes     = 16
	maxArgon2Text      = 512 // characters of the whole string
)

// MaxBytes is 0: Argon2id takes passwords of any length.
func (a Argon2id) MaxBytes() int { return 0 }

// Check says what is wrong with the parameters.
func (a Argon2id) Check() error { return checkArgon2(a.MemoryKiB, a.Passes, 1) }

// Hash makes the PHC string "$argon2id$v=19$m=19456,t=2,p=1$SALT$TAG".
func (a Argon2id) Hash(password string) (string, error) {
	if err := a.Check(); err != nil {
		return "", err
	}
	salt := newSalt(argon2SaltLen)
	tag := argon2.IDKey(prepare(password), salt, a.Passes, a.MemoryKiB, 1, argon2TagLen)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=1$%s$%s", argon2idPrefix, argon2.Version, a.MemoryKiB, a.Passes,
		b64.EncodeToString(salt), b64.EncodeToString(tag)), nil
}

func checkArgon2(memory, passes, lanes uint32) error {
	switch {
	case lanes < 1 || lanes > maxArgon2Lanes:
		return fmt.Errorf("password: argon2id lanes must be 1 to %d", maxArgon2Lanes)
	case memory < MinArgon2MemoryKiB*lanes || memory > MaxArgon2MemoryKiB:
		return fmt.Errorf("password: argon2id memory must be %d to %d KiB", MinArgon2MemoryKiB*lanes, MaxArgon2MemoryKiB)
	case passes < 1 || passes > MaxArgon2Passes:
		return fmt.Errorf("password: argon2id passes must be 1 to %d", MaxArgon2Passes)
	case uint64(memory)*uint64(passes) > MaxArgon2Work:
		return fmt.Errorf("password: argon2id memory times passes must be at most %d KiB", MaxArgon2Work)
	default:
		return nil
	}
}

func verifyArgon2id(hash string, password []byte) (bool, error) {
	h, err := parseArgon2id(hash)
	if err != nil {
		return false, err
	}
	tag := argon2.IDKey(password, h.salt, h.passes, h.memory, h.lanes, uint32(len(h.tag)))
	return subtle.ConstantTimeCompare(tag, h.tag) == 1, nil
}

type argon2idHash struct {
	memory, passes uint32
	lanes          uint8
	salt, tag      []byte
}

// parseArgon2id reads the PHC string form, parameters in the order m, t, p
// that every implementation writes.
func parseArgon2id(s string) (h argon2idHash, err error) {
	if len(s) > maxArgon2Text {
		return h, errHash("too long")
	}
	parts := strings.Split(strings.TrimPrefix(s, argon2idPrefix), "$")
	if len(parts) != 4 || parts[0] != "v="+strconv.Itoa(argon2.Version) {
		return h, errHash("not $argon2id$v=19$PARAMETERS$SALT$TAG")
	}
	parameters := strings.Split(parts[1], ",")
	if len(parameters) != 3 {
		return h, errHash("argon2id parameters are not m, t, p")
	}
	var numbers [3]uint32
	for i, name := range []string{"m=", "t=", "p="} {
		text, found := strings.CutPrefix(parameters[i], name)
		n, err := strconv.ParseUint(text, 10, 32)
		if !found || err != nil {
			return h, errHash("argon2id parameters are not m, t, p")
		}
		numbers[i] = uint32(n)
	}
	if checkArgon2(numbers[0], numbers[1], numbers[2]) != nil || numbers[2] > math.MaxUint8 {
		return h, errHash("argon2id parameters out of bounds")
	}
	h.memory, h.passes, h.lanes = numbers[0], numbers[1], uint8(numbers[2])
	b64 := base64.RawStdEncoding.Strict()
	if h.salt, err = b64.DecodeString(parts[2]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return h, errHash("argon2id salt is not 8 to 64 octets of base64")
	}
	if h.tag, err = b64.DecodeString(parts[3]); err != nil || len(h.tag) < 16 || len(h.tag) > 64 {
		return h, errHash("argon2id tag is not 16 to 64 octets of base64")
	}
	return h, nil
}
