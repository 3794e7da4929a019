// Package charset turns the bytes of an XML document into UTF-8, as HTTP, a
// byte order mark or the XML declaration say that they are to be read.
//
// To be relied on: what comes out is valid UTF-8 without a byte order mark;
// a byte sequence that the charset does not define is an error and never
// becomes a replacement character; and a document that is declared in two ways,
// such as by HTTP and by a byte order mark of another charset, is an error,
// although RFC 7303 (3.3) prefers the mark: who looked at the document before
// may have read something else. Not to be relied on: that the characters
// are allowed in XML, and that the XML declaration names the charset that was
// used.
package charset

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// UnknownError is a charset that this package does not read.
type UnknownError struct {
	Label string // as declared; at most 40 characters of it
}

func (e *UnknownError) Error() string { return fmt.Sprintf("charset: %q is not known", e.Label) }

// InvalidError is a document that is not of its charset.
type InvalidError struct {
	Charset string // the canonical name
	Offset  int    // bytes from the document's start
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("charset: not %s (at byte %d)", e.Charset, e.Offset)
}

// Names are the charsets that Decode reads, by their IANA names.
var Names = []string{"UTF-8", "UTF-16", "ISO-8859-1", "windows-1252", "US-ASCII"}

// encoding is one way to read bytes.
type encoding uint8

const (
	unknown encoding = iota
	utf8Encoding
	utf16Marked // with a byte order mark, which says the order
	utf16Big
	utf16Little
	latin1
	windows1252
	ascii
)

// byLabel has the labels of IANA's registry in lower case.
var byLabel = map[string]encoding{
	"utf-8": utf8Encoding, "utf8": utf8Encoding,
	"utf-16": utf16Marked, "utf16": utf16Marked, "utf-16be": utf16Big, "utf-16le": utf16Little,
	"iso-8859-1": latin1, "iso_8859-1": latin1, "iso8859-1": latin1, "iso_8859-1:1987": latin1,
	"latin1": latin1, "l1": latin1, "iso-ir-100": latin1, "ibm819": latin1, "cp819": latin1,
	"windows-1252": windows1252, "cp1252": windows1252,
	"us-ascii": ascii, "ascii": ascii, "ansi_x3.4-1968": ascii, "iso646-us": ascii,
}

// Decode gives the document as UTF-8. declared is the charset parameter of the
// HTTP Content-Type, "" for none; where there is one it decides alone. Without
// it a byte order mark does, then the XML declaration, then it is UTF-8 (XML
// 1.0, 4.3.3 and appendix F). Errors are *UnknownError and *InvalidError.
//
// The result is up to three times as long as body, and the only memory that is taken.
func Decode(body []byte, declared string) (string, error) {
	label := strings.ToLower(strings.TrimSpace(declared))
	if label == "" {
		label = sniff(body)
	}
	switch byLabel[label] {
	case utf8Encoding:
		return decodeUTF8(body)
	case utf16Marked:
		switch {
		case hasPrefix(body, 0xFE, 0xFF):
			return decodeUTF16(body, binary.BigEndian)
		case hasPrefix(body, 0xFF, 0xFE):
			return decodeUTF16(body, binary.LittleEndian)
		default:
			return "", &InvalidError{"UTF-16 with a byte order mark", 0}
		}
	case utf16Big:
		return decodeUTF16(body, binary.BigEndian)
	case utf16Little:
		return decodeUTF16(body, binary.LittleEndian)
	case latin1:
		return decodeLatin1(body), nil
	case windows1252:
		return decodeWindows1252(body)
	case ascii:
		for i, c := range body {
			if c >= utf8.RuneSelf {
				return "", &InvalidError{"US-ASCII", i}
			}
		}
		return string(body), nil
	default:
		if len(label) > 40 {
			label = label[:40]
		}
		return "", &UnknownError{label}
	}
}

func hasPrefix(body []byte, a, b byte) bool { return len(body) >= 2 && body[0] == a && body[1] == b }

// sniff gives the label that the document itself declares (XML 1.0, appendix F).
func sniff(body []byte) string {
	if hasPrefix(body, 0xFE, 0xFF) || hasPrefix(body, 0xFF, 0xFE) {
		return "utf-16"
	}
	const mark = "\xEF\xBB\xBF"
	head := string(body[:min(len(body), 256)])
	if strings.HasPrefix(head, mark) {
		return "utf-8"
	}
	if !strings.HasPrefix(head, "<?xml") {
		return "utf-8"
	}
	head, _, _ = strings.Cut(head, "?>")
	_, after, found := strings.Cut(head, "encoding")
	after = strings.TrimLeft(after, " \t\r\n")
	if !found || !strings.HasPrefix(after, "=") {
		return "utf-8"
	}
	after = strings.TrimLeft(after[1:], " \t\r\n")
	if after == "" || after[0] != '"' && after[0] != '\'' {
		return "utf-8" // the reader says what is wrong with it
	}
	label, _, found := strings.Cut(after[1:], after[:1])
	if !found || label == "" {
		return "utf-8"
	}
	if label = strings.ToLower(label); strings.HasPrefix(label, "utf-16") {
		return "utf-16" // it lacks the mark, or the declaration could not be read like this
	}
	return label
}

func decodeUTF8(body []byte) (string, error) {
	if len(body) >= 3 && body[0] == 0xEF && body[1] == 0xBB && body[2] == 0xBF {
		body = body[3:]
	}
	s := string(body)
	if !utf8.ValidString(s) {
		for i, r := range s {
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
					return "", &InvalidError{"UTF-8", i}
				}
			}
		}
	}
	return s, nil
}

func decodeUTF16(body []byte, order binary.ByteOrder) (string, error) {
	if len(body)%2 != 0 {
		return "", &InvalidError{"UTF-16", len(body) - 1}
	}
	i := 0
	if len(body) >= 2 && order.Uint16(body) == 0xFEFF {
		i = 2
	}
	size := 0
	for at := i; at < len(body); at += 2 {
		switch u := order.Uint16(body[at:]); {
		case u < utf8.RuneSelf:
			size++
		case u < 0x800, utf16.IsSurrogate(rune(u)): // four bytes for a pair
			size += 2
		default:
			size += 3
		}
	}
	var out strings.Builder
	out.Grow(size)
	for ; i < len(body); i += 2 {
		r := rune(order.Uint16(body[i:]))
		if utf16.IsSurrogate(r) {
			if i+4 > len(body) {
				return "", &InvalidError{"UTF-16", i}
			}
			pair := utf16.DecodeRune(r, rune(order.Uint16(body[i+2:])))
			if pair == utf8.RuneError {
				return "", &InvalidError{"UTF-16", i}
			}
			r = pair
			i += 2
		}
		out.WriteRune(r)
	}
	return out.String(), nil
}

// decodeLatin1 is ISO-8859-1 as it is defined: 80 to 9F are control characters
// and not, as in browsers, those of windows-1252.
func decodeLatin1(body []byte) string {
	return decodeBytes(body, func(c byte) rune { return rune(c) })
}

func decodeWindows1252(body []byte) (string, error) {
	for i, c := range body {
		switch c {
		case 0x81, 0x8D, 0x8F, 0x90, 0x9D: // not assigned; charmap takes them as control characters
			return "", &InvalidError{"windows-1252", i}
		}
	}
	return decodeBytes(body, charmap.Windows1252.DecodeByte), nil
}

// decodeBytes is for charsets in which each byte is a character. It takes the
// memory of its result alone.
func decodeBytes(body []byte, decode func(byte) rune) string {
	size := 0
	for _, c := range body {
		if c < utf8.RuneSelf {
			size++
		} else {
			size += utf8.RuneLen(decode(c))
		}
	}
	var out strings.Builder
	out.Grow(size)
	for _, c := range body {
		out.WriteRune(decode(c))
	}
	return out.String()
}
