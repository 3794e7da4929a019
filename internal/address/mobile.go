package address

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"registrar/internal/registration"
)

// ErrMobile is a text that is no number which can receive SMS. The text is not in it.
var ErrMobile = errors.New("address: not a mobile telephone number")

// Mobiles reads mobile telephone numbers.
type Mobiles struct {
	// Region is where a number without a country code belongs: two letters of
	// ISO 3166-1 in upper case, such as "SA". "" for none: then a number must
	// begin with "+" or "00".
	Region string
}

// KnownRegion says whether Region may be region.
func KnownRegion(region string) bool {
	return region == "" || phonenumbers.GetSupportedRegions()[region]
}

// Parse reads any common spelling into E.164: digits of any script, spaces,
// dashes, dots, slashes and parentheses between them. The number must be valid
// in its country and of a kind that receives SMS: mobile, or fixed-line or
// mobile where a country does not tell them apart. Letters and extensions are
// refused. The error is ErrMobile.
func (m Mobiles) Parse(number string) (registration.Mobile, error) {
	digits, ok := dialled(number)
	if !ok {
		return "", ErrMobile
	}
	region := m.Region
	if region == "" {
		region = phonenumbers.UNKNOWN_REGION
	}
	if e164, ok := mobile(digits, region); ok {
		return e164, nil
	}
	// ITU-T E.123's "00" abroad, where the region itself dials another prefix.
	if rest, found := strings.CutPrefix(digits, "00"); found {
		if e164, ok := mobile("+"+rest, region); ok {
			return e164, nil
		}
	}
	return "", ErrMobile
}

// dialled is number as "+" and ASCII digits only.
func dialled(number string) (digits string, ok bool) {
	var b strings.Builder
	for _, r := range norm.NFKC.String(number) {
		switch {
		case r == '+' && b.Len() == 0:
			b.WriteByte('+')
		case unicode.Is(unicode.Nd, r):
			b.WriteRune('0' + value(r))
		case unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r), unicode.IsSpace(r), strings.ContainsRune("()./\u2212\u00b7", r):
			// how people group digits (U+2212 is a minus sign), and directional marks around them
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// value is a decimal digit's: in unicode.Nd each range begins at a zero and is
// whole rows of ten, since Unicode encodes every script's digits in order.
func value(r rune) rune {
	for _, span := range unicode.Nd.R16 {
		if r >= rune(span.Lo) && r <= rune(span.Hi) {
			return (r - rune(span.Lo)) % 10
		}
	}
	for _, span := range unicode.Nd.R32 {
		if r >= rune(span.Lo) && r <= rune(span.Hi) {
			return (r - rune(span.Lo)) % 10
		}
	}
	return 0
}

func mobile(digits, region string) (registration.Mobile, bool) {
	number, err := phonenumbers.Parse(digits, region)
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", false
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return registration.Mobile(phonenumbers.Format(number, phonenumbers.E164)), true
	default:
		return "", false
	}
}

// TimeZones gives the IANA names of the time zones that a number's place may
// be in, by its country and where numbers tell more by its area; nil where
// nothing is known.
func TimeZones(number registration.Mobile) []string {
	zones, err := phonenumbers.GetTimezonesForPrefix(string(number))
	if err != nil || slices.Contains(zones, phonenumbers.UNKNOWN_TIMEZONE) {
		return nil
	}
	return zones
}
