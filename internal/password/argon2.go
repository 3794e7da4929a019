package password

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"registrar/internal/password/legacy"
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
	argon2iPrefix  = "$argon2i$"
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
)

// MaxBytes is 0: Argon2id takes passwords of any length.
func (a Argon2id) MaxBytes() int { return 0 }

// Check says what is wrong with the parameters.
func (a Argon2id) Check() error { return checkArgon2(a.MemoryKiB, a.Passes, 1) }

// Class is that of the hashes that Hash makes.
func (a Argon2id) Class() Class { return argon2Class("argon2id", a.MemoryKiB, a.Passes, 1) }

func argon2Class(format string, memory, passes, lanes uint32) Class {
	return Class{Format: format, Cost: fmt.Sprintf("m=%d,t=%d,p=%d", memory, passes, lanes)}
}

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

// argon2Hash is one of Argon2id, or of Argon2i, which PHP and others made before.
type argon2Hash struct {
	id             bool // not Argon2i
	memory, passes uint32
	lanes          uint8
	salt, tag      []byte
}

// parseArgon2 reads the PHC string form, parameters in the order m, t, p
// that every implementation writes.
func parseArgon2(s string) (legacy.Hash, error) {
	var h argon2Hash
	var rest string
	if rest, h.id = strings.CutPrefix(s, argon2idPrefix); !h.id {
		rest = strings.TrimPrefix(s, argon2iPrefix)
	}
	parts := strings.Split(rest, "$")
	if len(parts) != 4 || parts[0] != "v="+strconv.Itoa(argon2.Version) {
		return nil, legacy.Refuse("argon2 is not v=19$PARAMETERS$SALT$TAG")
	}
	memory, passes, lanes, err := argon2Cost(parts[1])
	if err != nil {
		return nil, err
	}
	h.memory, h.passes, h.lanes = memory, passes, uint8(lanes)
	b64 := base64.RawStdEncoding.Strict()
	if h.salt, err = b64.DecodeString(parts[2]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return nil, legacy.Refuse("argon2 salt is not 8 to 64 octets of base64")
	}
	if h.tag, err = b64.DecodeString(parts[3]); err != nil || len(h.tag) < 16 || len(h.tag) > 64 {
		return nil, legacy.Refuse("argon2 tag is not 16 to 64 octets of base64")
	}
	return h, nil
}

func argon2Cost(text string) (memory, passes, lanes uint32, err error) {
	parameters := strings.Split(text, ",")
	if len(parameters) != 3 {
		return 0, 0, 0, legacy.Refuse("argon2 parameters are not m, t, p")
	}
	var numbers [3]uint32
	for i, name := range []string{"m=", "t=", "p="} {
		text, found := strings.CutPrefix(parameters[i], name)
		n, err := strconv.ParseUint(text, 10, 32)
		if !found || err != nil {
			return 0, 0, 0, legacy.Refuse("argon2 parameters are not m, t, p")
		}
		numbers[i] = uint32(n)
	}
	if checkArgon2(numbers[0], numbers[1], numbers[2]) != nil {
		return 0, 0, 0, legacy.Refuse("argon2 parameters out of bounds")
	}
	return numbers[0], numbers[1], numbers[2], nil
}

func (h argon2Hash) Class() Class {
	format := "argon2i"
	if h.id {
		format = "argon2id"
	}
	return argon2Class(format, h.memory, h.passes, uint32(h.lanes))
}

func (h argon2Hash) Matches(password []byte) bool {
	key := argon2.Key
	if h.id {
		key = argon2.IDKey
	}
	tag := key(password, h.salt, h.passes, h.memory, h.lanes, uint32(len(h.tag)))
	return subtle.ConstantTimeCompare(tag, h.tag) == 1
}

func blankArgon2(class Class, random io.Reader) (string, error) {
	b := make([]byte, argon2SaltLen+argon2TagLen)
	_, err := io.ReadFull(random, b)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$%s$v=%d$%s$%s$%s", class.Format, argon2.Version, class.Cost,
		b64.EncodeToString(b[:argon2SaltLen]), b64.EncodeToString(b[argon2SaltLen:])), err
}
