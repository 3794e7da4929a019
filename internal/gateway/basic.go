package gateway

import (
	"encoding/base64"
	"strings"
)

// basic is a user name and a password by HTTP Basic (RFC 7617). Names and
// secrets of callers are ASCII, so it makes no difference in which charset a
// client writes what is not: UTF-8, as it is asked to, or ISO-8859-1.
type basic struct{ name, password string }

// parseBasic reads the value of an Authorization header: the scheme in any
// case, one space or more (RFC 9110, section 11.4), and base64. Its padding may
// be missing, as a token68 allows and some clients have it; what is left over
// in its last bits must be zero.
func parseBasic(header string) (b basic, ok bool) {
	scheme, rest, ok := strings.Cut(header, " ")
	encoded := strings.Trim(rest, " ")
	if !ok || len(scheme) != len("Basic") || !strings.EqualFold(scheme, "Basic") { // by length too: other letters fold to these
		return b, false
	}
	if strings.ContainsAny(encoded, "\r\n") { // which the decoder passes over
		return b, false
	}
	encoding := base64.StdEncoding
	if !strings.HasSuffix(encoded, "=") {
		encoding = base64.RawStdEncoding
	}
	text, err := encoding.Strict().DecodeString(encoded)
	if err != nil {
		return b, false
	}
	b.name, b.password, ok = strings.Cut(string(text), ":")
	return b, ok
}
