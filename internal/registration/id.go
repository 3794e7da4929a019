package registration

import (
	"encoding/hex"
	"errors"
)

// ID is a UUID (RFC 9562). New ids are version 7, so that rows of one table
// are inserted in about the order of their keys; an ID is fixed before the
// first attempt to store what it names, so that an attempt whose outcome is
// unknown can be looked up and repeated.
type ID [16]byte

// IDSource makes new ids. It fails only where the machine has no entropy.
type IDSource func() (ID, error)

var errBadID = errors.New("registration: not a UUID in its 36-character form")

// ParseID reads the 36-character form, in either letter case.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, errBadID
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, errBadID
	}
	return id, nil
}

// String writes the 36-character form in lower case.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// IsZero says whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }
