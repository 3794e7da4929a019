package address

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// ErrDomain is a text that is no domain name. The text is not in it.
var ErrDomain = errors.New("address: not a domain name")

// lookup is UTS 46's processing for lookup with every check that a name in a
// mail address must pass: the Bidi rule of RFC 5893, hyphens and letters of
// host names only (RFC 1123), and DNS lengths. It is non-transitional.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.BidiRule(),
	idna.CheckHyphens(true),
	idna.CheckJoiners(true),
	idna.StrictDomainName(true),
	idna.VerifyDNSLength(true),
)

// DomainToASCII gives the ASCII form (A-labels, RFC 5890) of a domain name in
// lower case: labels of 1 to 63 octets, 253 in all, no dot at the end. The
// error is ErrDomain.
func DomainToASCII(domain string) (string, error) {
	if !utf8.ValidString(domain) { // idna takes such octets for letters
		return "", ErrDomain
	}
	ascii, err := lookup.ToASCII(domain)
	if err != nil || ascii == "" || strings.HasSuffix(ascii, ".") {
		return "", ErrDomain
	}
	return ascii, nil
}
