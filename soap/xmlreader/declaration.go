package xmlreader

import "strings"

// scanDeclaration gives the length of the XML declaration that doc begins with
// (XML 1.0, production 23), 0 for none. What it says of the encoding is for
// whoever decoded the document.
func scanDeclaration(doc string) (length int, reason Reason) {
	if !strings.HasPrefix(doc, "<?xml") || len(doc) > 5 && !isSpace(doc[5]) {
		return 0, ""
	}
	s := doc[5:]
	version, s, ok := pseudoAttribute(s, "version")
	if !ok {
		return 0, BadDeclaration
	}
	if version != "1.0" {
		return 0, BadVersion
	}
	if encoding, rest, ok := pseudoAttribute(s, "encoding"); ok {
		if !isEncodingName(encoding) {
			return 0, BadDeclaration
		}
		s = rest
	}
	if standalone, rest, ok := pseudoAttribute(s, "standalone"); ok {
		if standalone != "yes" && standalone != "no" {
			return 0, BadDeclaration
		}
		s = rest
	}
	s = strings.TrimLeft(s, " \t\r\n")
	if !strings.HasPrefix(s, "?>") {
		return 0, BadDeclaration
	}
	return len(doc) - len(s) + 2, ""
}

// pseudoAttribute reads white space, name, "=" and a quoted value.
func pseudoAttribute(s, name string) (value, rest string, ok bool) {
	trimmed := strings.TrimLeft(s, " \t\r\n")
	if len(trimmed) == len(s) || !strings.HasPrefix(trimmed, name) {
		return "", s, false
	}
	v := strings.TrimLeft(trimmed[len(name):], " \t\r\n")
	if !strings.HasPrefix(v, "=") {
		return "", s, false
	}
	v = strings.TrimLeft(v[1:], " \t\r\n")
	if v == "" || v[0] != '"' && v[0] != '\'' {
		return "", s, false
	}
	end := strings.IndexByte(v[1:], v[0])
	if end < 0 {
		return "", s, false
	}
	return v[1 : 1+end], v[2+end:], true
}

// isEncodingName is production 81.
func isEncodingName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return s != ""
}
