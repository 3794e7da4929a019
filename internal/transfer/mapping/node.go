package mapping

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// node is a value in the file, with its place.
type node struct {
	*yaml.Node
	key      string
	problems *Problems
}

func (n node) wrong(rule, next string) { n.problems.add(n.Line, n.key, rule, next) }

// quoted is a piece of the file inside a YAML error.
var quoted = regexp.MustCompile("(?s)`.*?`|'.*?'|\".*\"")

// yamlLine is where a YAML error says that it is.
var yamlLine = regexp.MustCompile(`^line (\d+): `)

// parseYAML reads the only document of a file, which is a map.
func parseYAML(text []byte, problems *Problems) (node, bool) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := d.Decode(&document); {
	case errors.Is(err, io.EOF):
		problems.add(0, "", "the file is empty", "registrar import mapping laravel prints one to begin with")
		return node{}, false
	case err != nil:
		why := quoted.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "…")
		line := 0
		if m := yamlLine.FindStringSubmatch(why); m != nil {
			line = number(m[1])
			why = why[len(m[0]):]
		}
		problems.add(line, "", "is not valid YAML: "+why, "correct the file")
		return node{}, false
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		problems.add(0, "", "the file holds more than one document", "remove all but one")
		return node{}, false
	}
	root := node{document.Content[0], "", problems}
	if root.Kind != yaml.MappingNode {
		root.wrong("the file is not a map of keys", "registrar import mapping laravel prints one to begin with")
		return node{}, false
	}
	return root, true
}

func number(digits string) (n int) {
	for _, d := range digits {
		n = min(n*10+int(d-'0'), 1<<30)
	}
	return n
}

// entries gives the values of a map by their keys, of which known are allowed.
func (n node) entries(known ...string) map[string]node {
	if n.Kind != yaml.MappingNode {
		n.wrong("must be a map with keys below it", "keys are "+strings.Join(known, ", "))
		return nil
	}
	found := map[string]node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], node{n.Content[i+1], n.below(n.Content[i].Value), n.problems}
		switch {
		case name.Kind != yaml.ScalarNode || !slices.Contains(known, name.Value):
			n.problems.add(name.Line, printable(n.below(name.Value)), "is not a known key", suggestion(name.Value, known))
		case found[name.Value].Node != nil:
			n.problems.add(name.Line, value.key, "is there twice", "remove one")
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			value.wrong("uses an anchor or an alias", "write the value out")
		default:
			found[name.Value] = value
		}
	}
	return found
}

// texts gives the values of a map whose keys may be anything.
func (n node) texts() map[string]string {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		n.wrong("must be a map of texts", `write {"Y": "true", "N": "false"}`)
		return nil
	}
	found := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if value, ok := (node{n.Content[i+1], n.key, n.problems}).text(); ok {
			found[n.Content[i].Value] = value
		}
	}
	return found
}

// list gives the items of a list; a single value is a list of one.
func (n node) list() []node {
	if n.Kind != yaml.SequenceNode {
		return []node{n}
	}
	items := make([]node, len(n.Content))
	for i, c := range n.Content {
		items[i] = node{c, n.key, n.problems}
	}
	return items
}

// text gives a scalar as it is written.
func (n node) text() (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		n.wrong("must be a text", "")
		return "", false
	}
	return n.Value, true
}

// one gives a text that is one of some.
func (n node) one(of ...string) (string, bool) {
	text, ok := n.text()
	if ok && !slices.Contains(of, text) {
		n.wrong("must be one of "+strings.Join(of, ", "), "")
		return "", false
	}
	return text, ok
}

func (n node) boolean() bool {
	text, _ := n.one("true", "false")
	return text == "true"
}

func (n node) below(name string) string {
	if n.key == "" {
		return name
	}
	return n.key + "." + name
}

func suggestion(name string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(strings.ReplaceAll(k, "_", ""), strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", "")) {
			return "did you mean " + k + "?"
		}
	}
	return "known are " + strings.Join(known, ", ")
}

// printable is a name that nobody meant, fit for a terminal.
func printable(name string) string {
	const most = 80
	name = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, name)
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return name
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
