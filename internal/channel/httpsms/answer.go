package httpsms

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
)

// maxRef is the longest provider's id that is kept, in octets.
const maxRef = 128

// pick gives the string or the number that a dotted path leads to in a JSON
// text ("messages.0.id"), or "" where there is none.
func pick(body []byte, path string) string {
	if path == "" {
		return ""
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return ""
	}
	for step := range strings.SplitSeq(path, ".") {
		switch node := value.(type) {
		case map[string]any:
			value = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(node) {
				return ""
			}
			value = node[i]
		default:
			return ""
		}
	}
	ref := ""
	switch v := value.(type) {
	case string:
		ref = v
	case json.Number:
		ref = v.String()
	}
	if len(ref) > maxRef || strings.ContainsFunc(ref, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) {
		return ""
	}
	return ref
}
