package caller

import "errors"

// ErrName is what ParseName says of anything but a name.
var ErrName = errors.New("caller: a name is 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit")

const maxName = 64 // bytes

// ParseName checks the name of a caller: 1 to 64 lower-case ASCII letters,
// digits, '.', '_' and '-', the first one a letter or a digit. Such a name is
// the same in every charset, header, metric and shell. Errors: ErrName.
func ParseName(s string) (string, error) {
	if s == "" || len(s) > maxName {
		return "", ErrName
	}
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return "", ErrName
		}
	}
	return s, nil
}
