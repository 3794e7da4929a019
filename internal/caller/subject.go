package caller

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrSubject is what ParseSubject and Subject say of what is no subject that a
// caller can have.
var ErrSubject = errors.New("caller: not a distinguished name such as CN=erp,O=Acme (RFC 4514), or longer than 1024 bytes")

const maxSubject = 1024 // bytes, in the canonical text

// Subject gives the subject of a certificate as canonical text, to be compared
// byte by byte: RFC 4514, but in whichever direction gives the smaller text, since
// tools write names in both (OpenSSL the first relative name first, RFC 4514
// the last one); attribute types by their short name in capitals or by their number, no spaces around
// separators, the parts of a multi-valued name sorted, and characters escaped
// in one way. The string type in which the certificate has a value makes no
// difference, the case of its letters does. An empty subject is an error: it
// names nobody. Errors: ErrSubject.
func Subject(certificate *x509.Certificate) (string, error) {
	var name []relativeNameSET
	if rest, err := asn1.Unmarshal(certificate.RawSubject, &name); err != nil || len(rest) > 0 {
		return "", ErrSubject
	}
	dn := make([]relativeName, 0, len(name))
	for _, set := range slices.Backward(name) {
		var rdn relativeName
		for _, a := range set {
			rdn = append(rdn, attribute{a.Type.String(), valueOf(a.Value)})
		}
		dn = append(dn, rdn)
	}
	return canonical(dn)
}

// relativeNameSET is a RelativeDistinguishedName in DER; the suffix of its
// name tells encoding/asn1 that it is a SET.
type relativeNameSET []struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// relativeName is one with a part or, rarely, several.
type relativeName []attribute

type attribute struct {
	oid   string // dotted decimal
	value string // the text, escaped; '#' and the DER in hexadecimal where it is none
}

// valueOf gives the value of an attribute in canonical text: that of a string,
// and the DER of anything else.
func valueOf(v asn1.RawValue) string {
	if v.Class == asn1.ClassUniversal && !v.IsCompound {
		switch v.Tag {
		case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString, asn1.TagBMPString:
			var s any
			if rest, err := asn1.Unmarshal(v.FullBytes, &s); err == nil && len(rest) == 0 {
				if text, ok := s.(string); ok && utf8.ValidString(text) {
					return escape(text)
				}
			}
		case asn1.TagT61String: // its other characters mean what its maker took them for
			if !bytes.ContainsFunc(v.Bytes, func(r rune) bool { return r >= utf8.RuneSelf }) {
				return escape(string(v.Bytes))
			}
		}
	}
	return "#" + hex.EncodeToString(v.FullBytes)
}

// escape writes a text so that it can be read in one way only (RFC 4514, 2.4),
// and control characters so that it can be printed.
func escape(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte('\\')
			b.WriteString(hex.EncodeToString([]byte{byte(r)}))
			continue
		case strings.ContainsRune(`"+,;<>\`, r), i == 0 && (r == ' ' || r == '#'), i == len(s)-1 && r == ' ':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// canonical writes a name.
func canonical(dn []relativeName) (string, error) {
	var names []string
	for _, rdn := range dn {
		var parts []string
		for _, a := range rdn {
			name, known := shortNames[a.oid]
			if !known {
				name = a.oid
			}
			parts = append(parts, name+"="+a.value)
		}
		if len(parts) == 0 {
			return "", ErrSubject
		}
		slices.Sort(parts)
		names = append(names, strings.Join(parts, "+"))
	}
	text := strings.Join(names, ",")
	slices.Reverse(names)
	text = min(text, strings.Join(names, ","))
	if text == "" || len(text) > maxSubject {
		return "", ErrSubject
	}
	return text, nil
}

// attributeTypes are the attribute types that are known by name: those of RFC
// 4514 (3), X.520 and PKCS #9 that certificates have, with the spellings of
// OpenSSL, Java and Windows. The first name of a type is the canonical one.
var attributeTypes = []struct {
	oid   string
	names []string
}{
	{"2.5.4.3", []string{"CN", "COMMONNAME"}},
	{"2.5.4.4", []string{"SN", "SURNAME"}},
	{"2.5.4.5", []string{"SERIALNUMBER"}},
	{"2.5.4.6", []string{"C", "COUNTRYNAME"}},
	{"2.5.4.7", []string{"L", "LOCALITYNAME"}},
	{"2.5.4.8", []string{"ST", "S", "STATEORPROVINCENAME"}},
	{"2.5.4.9", []string{"STREET", "STREETADDRESS"}},
	{"2.5.4.10", []string{"O", "ORGANIZATIONNAME"}},
	{"2.5.4.11", []string{"OU", "ORGANIZATIONALUNITNAME"}},
	{"2.5.4.12", []string{"T", "TITLE"}},
	{"2.5.4.17", []string{"POSTALCODE"}},
	{"2.5.4.42", []string{"GN", "G", "GIVENNAME"}},
	{"2.5.4.46", []string{"DNQUALIFIER"}},
	{"2.5.4.97", []string{"ORGANIZATIONIDENTIFIER"}},
	{"0.9.2342.19200300.100.1.1", []string{"UID", "USERID"}},
	{"0.9.2342.19200300.100.1.25", []string{"DC", "DOMAINCOMPONENT"}},
	{"1.2.840.113549.1.9.1", []string{"EMAILADDRESS", "E"}},
}

var shortNames, numbers = func() (map[string]string, map[string]string) {
	shortNames, numbers := map[string]string{}, map[string]string{}
	for _, t := range attributeTypes {
		shortNames[t.oid] = t.names[0]
		for _, name := range t.names {
			numbers[name] = t.oid
		}
	}
	return shortNames, numbers
}()
