package mapping

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// undo gives a value of which a transform makes the one that is given; false
// where there is none.
type undo func(value) (value, bool)

// word says which part of a full name a transform takes.
type word int

const (
	wholeText word = iota
	firstWord
	restWords
)

// undone is how a transform is undone.
type undone struct {
	undo undo // nil where it cannot be
	part word
}

// keepValue is for transforms that change no value which they have made: one in
// lower case is the same after lower.
func keepValue(v value) (value, bool) { return v, true }

// parseUndo reads how a transform is undone whose item was parsed without a problem.
func parseUndo(item node) undone {
	n := node{item.Node, item.key, &Problems{}} // what is wrong was told
	name, parameter := n.Value, n
	if n.Kind == yaml.MappingNode && len(n.Content) == 2 {
		name, parameter = n.Content[0].Value, node{n.Content[1], n.key, n.problems}
	}
	scalar := parameter.Kind == yaml.ScalarNode && n.Kind == yaml.MappingNode
	switch name {
	case "trim", "lower", "upper", "collapse_spaces", "empty_to_null", "null_if", "default", "e164":
		return undone{undo: keepValue}
	case "first_word":
		return undone{undo: keepValue, part: firstWord}
	case "rest_words":
		return undone{undo: keepValue, part: restWords}
	case "posix_locale":
		return undone{undo: func(v value) (value, bool) { return value{text: strings.ReplaceAll(v.text, "-", "_")}, true }}
	case "prefix":
		return undone{undo: func(v value) (value, bool) { return cutValue(v, parameter.Value, strings.CutPrefix) }}
	case "suffix":
		return undone{undo: func(v value) (value, bool) { return cutValue(v, parameter.Value, strings.CutSuffix) }}
	case "map":
		return undone{undo: undoMap(parameter.texts())}
	case "bool":
		texts := map[string]string{"true": "1", "false": "0"}
		if !scalar && n.Kind == yaml.MappingNode {
			for name, list := range parameter.entries("true", "false") {
				if items := list.list(); len(items) > 0 {
					texts[name] = items[0].Value
				}
			}
		}
		return undone{undo: func(v value) (value, bool) {
			text, ok := texts[v.text]
			return value{text: text}, ok
		}}
	case "sql_time":
		zone := time.UTC
		if scalar {
			if given, err := time.LoadLocation(parameter.Value); err == nil {
				zone = given
			}
		}
		return undone{undo: func(v value) (value, bool) { return value{text: v.at.In(zone).Format(time.DateTime)}, !v.at.IsZero() }}
	case "unix_time":
		unit := time.Second
		if scalar && parameter.Value == "milliseconds" {
			unit = time.Millisecond
		}
		return undone{undo: func(v value) (value, bool) {
			return value{text: strconv.FormatInt(v.at.UnixNano()/int64(unit), 10)}, !v.at.IsZero()
		}}
	case "hex_to_base64":
		return undone{undo: func(v value) (value, bool) {
			octets, err := base64.StdEncoding.DecodeString(v.text)
			return value{text: hex.EncodeToString(octets)}, err == nil
		}}
	default: // present: many texts are one
		return undone{}
	}
}

func cutValue(v value, what string, cut func(s, what string) (string, bool)) (value, bool) {
	text, ok := cut(v.text, what)
	return value{text: text}, ok
}

// undoMap goes to the first of the texts, in their order, that become a text.
func undoMap(known map[string]string) undo {
	back := map[string]string{}
	for _, from := range sortedKeys(known) {
		if _, there := back[known[from]]; !there {
			back[known[from]] = from
		}
	}
	return func(v value) (value, bool) {
		text, ok := back[v.text]
		return value{text: text}, ok
	}
}
