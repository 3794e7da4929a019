package soap

import (
	"net/http"
	"strings"
)

// media is what a request's headers say of its body.
type media struct {
	version Version  // the one that the media type is for; the envelope decides
	charset string   // "" where HTTP declares none
	actions []string // all actions that are named, without quotes, "" left out
}

// parseMedia reads Content-Type and SOAPAction. Unlike mime.ParseMediaType it
// takes parameters as clients write them: without a space, in either kind of
// quotes or none (KDSoap writes an unquoted URI in action). It is false for a
// media type that is no SOAP message's.
func parseMedia(h http.Header) (m media, ok bool) {
	if len(h["Content-Type"]) != 1 {
		return m, false // a gateway before us may have looked at the other one
	}
	contentType, rest, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(contentType)) {
	case "text/xml":
		m.version = SOAP11
	case "application/soap+xml":
		m.version = SOAP12
	default:
		return m, false
	}
	for rest != "" {
		var name, value string
		name, value, rest = nextParameter(rest)
		switch name {
		case "charset":
			if m.charset != "" && !strings.EqualFold(m.charset, value) {
				return m, false
			}
			m.charset = value
		case "action":
			m.action(value)
		}
	}
	for _, v := range h["Soapaction"] { // the canonical form of every spelling
		m.action(unquote(strings.TrimSpace(v)))
	}
	return m, true
}

func (m *media) action(value string) {
	if value = strings.TrimSpace(value); value != "" {
		m.actions = append(m.actions, value)
	}
}

// nextParameter cuts a parameter off s, its name in lower case.
func nextParameter(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, " \t;")
	end := strings.IndexAny(s, "=;")
	if end < 0 || s[end] == ';' { // no value
		if end < 0 {
			end = len(s)
		}
		return "", "", s[end:]
	}
	name = strings.ToLower(strings.TrimSpace(s[:end]))
	s = strings.TrimLeft(s[end+1:], " \t")
	if strings.HasPrefix(s, `"`) {
		value, rest = quotedString(s)
		return name, value, rest
	}
	value, rest, _ = strings.Cut(s, ";")
	return name, unquote(strings.TrimSpace(value)), rest
}

// quotedString reads a quoted-string (RFC 9110, 5.6.4) and gives what follows.
func quotedString(s string) (value, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// unquote drops a pair of quotes around s.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3).
func acceptsGzip(h http.Header) bool {
	for _, line := range h["Accept-Encoding"] {
		for part := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(part, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "gzip" && coding != "x-gzip" {
				continue
			}
			q, value, _ := strings.Cut(strings.ReplaceAll(weight, " ", ""), "=")
			return !strings.EqualFold(q, "q") || strings.Trim(value, "0.") != ""
		}
	}
	return false
}
