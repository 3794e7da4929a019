package sms

import (
	"errors"
	"unicode/utf16"
)

// Alphabet is how the characters of a message are written.
type Alphabet int

// The alphabets.
const (
	GSM7 Alphabet = iota // the GSM 7 bit default alphabet with its extension table
	UCS2                 // UTF-16 in network order: phones read surrogate pairs too
)

// The default alphabet of 3GPP TS 23.038 section 6.2.1 in the order of its
// codes; the escape code has no character of its own.
const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// gsm7Extension is section 6.2.1.1: what a code means behind an escape.
var gsm7Extension = map[byte]rune{
	0x0a: '\f', 0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€',
}

const escape = 0x1b

// codes are the codes of each character, one or two of them; characters are
// their inverse.
var codes, characters = tabulate()

func tabulate() (codes map[rune][]byte, characters [128]rune) {
	codes = make(map[rune][]byte, 137)
	code := byte(0)
	for _, r := range gsm7 {
		if code != escape {
			codes[r] = []byte{code}
		}
		characters[code] = r
		code++
	}
	for code, r := range gsm7Extension {
		codes[r] = []byte{escape, code}
	}
	return codes, characters
}

// AlphabetOf is the shortest alphabet that has every character of text.
func AlphabetOf(text string) Alphabet {
	for _, r := range text {
		if codes[r] == nil {
			return UCS2
		}
	}
	return GSM7
}

var (
	errCharacter = errors.New("sms: a character that the default alphabet does not have")
	errCode      = errors.New("sms: not a code of the alphabet")
)

// EncodeGSM7 writes text as codes of the default alphabet, one an octet: the
// packing into septets is the message centre's.
func EncodeGSM7(text string) ([]byte, error) {
	octets := make([]byte, 0, len(text))
	for _, r := range text {
		c := codes[r]
		if c == nil {
			return nil, errCharacter
		}
		octets = append(octets, c...)
	}
	return octets, nil
}

// DecodeGSM7 is the inverse of EncodeGSM7.
func DecodeGSM7(octets []byte) (string, error) {
	text := make([]rune, 0, len(octets))
	for i := 0; i < len(octets); i++ {
		r, ok := rune(0), octets[i] < 0x80
		switch {
		case ok && octets[i] != escape:
			r = characters[octets[i]]
		case ok && i+1 < len(octets):
			i++
			r, ok = gsm7Extension[octets[i]]
		default:
			ok = false
		}
		if !ok {
			return "", errCode
		}
		text = append(text, r)
	}
	return string(text), nil
}

// EncodeUCS2 writes text as UTF-16 in network order. What is no character
// becomes U+FFFD.
func EncodeUCS2(text string) []byte {
	units := utf16.Encode([]rune(text))
	octets := make([]byte, 0, 2*len(units))
	for _, u := range units {
		octets = append(octets, byte(u>>8), byte(u))
	}
	return octets
}

// DecodeUCS2 is the inverse of EncodeUCS2.
func DecodeUCS2(octets []byte) (string, error) {
	if len(octets)%2 != 0 {
		return "", errCode
	}
	units := make([]uint16, len(octets)/2)
	for i := range units {
		units[i] = uint16(octets[2*i])<<8 | uint16(octets[2*i+1])
	}
	return string(utf16.Decode(units)), nil
}
