package smtp

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"strings"
)

// encoding is a transfer encoding (RFC 2045 section 6). All of them give 7-bit
// lines, which no relay has to convert: that would break a signature (RFC 6376
// section 5.3).
type encoding string

const (
	sevenBit        encoding = "7bit"
	quotedPrintable encoding = "quoted-printable"
	base64Encoding  encoding = "base64"
)

// encodingFor leaves text alone where it may travel as it is, and takes the
// shorter encoding for other text.
func encodingFor(text string) encoding {
	beyond, column, plain := 0, 0, true
	for i := range len(text) {
		c := text[i]
		if c == '\n' {
			column = 0
			continue
		}
		if c >= 0x80 {
			beyond++
		} else if c < ' ' && c != '\t' || c == 0x7f {
			plain = false
		}
		if column++; column > lineLimit {
			plain = false
		}
	}
	switch {
	case 6*beyond > len(text): // two octets more for each, against a third more for all
		return base64Encoding
	case beyond > 0 || !plain:
		return quotedPrintable
	default:
		return sevenBit
	}
}

// appendBody adds text, whose lines end with LF, in encoding e, with CRLF.
func appendBody(b []byte, e encoding, text string) []byte {
	switch e {
	case base64Encoding:
		const line = 57 // octets make 76 characters (RFC 2045 section 6.8)
		raw := appendLines(make([]byte, 0, len(text)+len(text)/16), text)
		for ; len(raw) > line; raw = raw[line:] {
			b = base64.StdEncoding.AppendEncode(b, raw[:line])
			b = append(b, crlf...)
		}
		return base64.StdEncoding.AppendEncode(b, raw)
	case quotedPrintable:
		out := bytes.NewBuffer(b)
		w := quotedprintable.NewWriter(out)
		_, _ = w.Write([]byte(text)) // a Buffer takes everything
		_ = w.Close()
		return out.Bytes()
	default:
		return appendLines(b, text)
	}
}

// appendLines adds text with CRLF for each LF.
func appendLines(b []byte, text string) []byte {
	for {
		line, rest, more := strings.Cut(text, "\n")
		b = append(b, line...)
		if !more {
			return b
		}
		b, text = append(b, crlf...), rest
	}
}

// lines ends the lines of text with LF, whichever ends it has.
func lines(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, crlf, "\n"), "\r", "\n")
}

// appendStuffed adds a message as it follows DATA: dots at the beginning of
// lines doubled, and the dot that ends it (RFC 5321 section 4.5.2). The message
// ends with CRLF.
func appendStuffed(b, message []byte) []byte {
	for {
		i := bytes.Index(message, []byte("\n."))
		if i < 0 {
			break
		}
		b = append(b, message[:i+2]...)
		b, message = append(b, '.'), message[i+2:]
	}
	return append(append(b, message...), "."+crlf...)
}
