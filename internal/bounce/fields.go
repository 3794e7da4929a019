package bounce

import (
	"bytes"
	"strings"
)

// fields are header fields (RFC 5322 section 2.2) by their names in lower case,
// unfolded. Of fields with one name it is the first.
type fields map[string]string

// maxField bounds a field's value; what is longer is cut.
const maxField = 4 << 10

// readFields reads the fields up to the first empty line, and gives what is
// behind it. Lines that are no fields are left out: many reports have some.
func readFields(text []byte) (f fields, rest []byte) {
	f = fields{}
	last := ""
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if last != "" && len(f[last]) < maxField {
				f[last] = strings.TrimSpace(f[last] + " " + string(bytes.TrimSpace(line[:min(len(line), maxField)])))
			}
			continue
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		last = ""
		if !found || len(name) > 128 {
			continue
		}
		key := strings.ToLower(string(bytes.TrimSpace(name)))
		if _, repeated := f[key]; repeated {
			continue
		}
		f[key] = string(bytes.TrimSpace(value[:min(len(value), maxField)]))
		last = key
	}
	return f, text
}
