package config

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Redacted is the configuration as a YAML file, every key in it, each secret
// as [redacted]. A secret that came from a file is left empty: the file's name
// is there.
func (c Config) Redacted() string {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errorsOf(e.Encode(c.node(reflect.ValueOf(c.withoutFileSecrets()))), e.Close()); err != nil {
		return "# cannot be written\n" // cannot happen: texts and numbers only
	}
	return b.String()
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// String keeps secrets out of %v, %+v and %s.
func (c Config) String() string { return c.Redacted() }

// GoString keeps secrets out of %#v.
func (c Config) GoString() string { return c.Redacted() }

// LogValue keeps secrets out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.Redacted()) }

func (c Config) withoutFileSecrets() Config {
	secretFiles{
		one: func(_ string, value *Secret, _ string) { *value = "" },
		named: func(_, _ string, values *map[string]Secret, files map[string]string) {
			kept := maps.Clone(*values)
			for name := range files {
				delete(kept, name)
			}
			*values = kept
		},
	}.walk(reflect.ValueOf(&c).Elem(), "")
	return c
}

// node is a struct as a YAML map in the order of its fields.
func (c Config) node(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		n.Content = append(n.Content, text(f.Tag.Get("koanf")))
		switch {
		case f.Type.Kind() == reflect.Struct:
			n.Content = append(n.Content, c.node(v.Field(i)))
		case isSections(f.Type):
			n.Content = append(n.Content, c.list(v.Field(i)))
		default:
			n.Content = append(n.Content, leaf(v.Field(i).Interface(), f.Tag.Get("show")))
		}
	}
	return n
}

// list is a list of sections.
func (c Config) list(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		n.Content = append(n.Content, c.node(v.Index(i)))
	}
	return n
}

func leaf(value any, show string) *yaml.Node {
	switch v := value.(type) {
	case Secret:
		if show == "host" {
			return text(hostOnly(v))
		}
		return text(v.String())
	case string:
		return text(v)
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case int:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(v)}
	case time.Duration:
		return text(formatDuration(v))
	case Bytes:
		return text(v.String())
	case []string:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, s := range v {
			n.Content = append(n.Content, text(s))
		}
		return n
	case map[string]string:
		return mapping(v)
	case map[string]Secret:
		shown := map[string]string{}
		for name, s := range v {
			shown[name] = s.String()
		}
		return mapping(shown)
	default:
		return text(fmt.Sprintf("(%T)", v))
	}
}

func mapping(m map[string]string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if len(m) == 0 {
		n.Style = yaml.FlowStyle
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		n.Content = append(n.Content, text(name), text(m[name]))
	}
	return n
}

// text is a YAML string, quoted where it would be read as something else.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	return n
}

// hostOnly shows where a URL leads: providers put keys into users, paths and queries.
func hostOnly(s Secret) string {
	if s == "" {
		return ""
	}
	before, _, _ := strings.Cut(s.Reveal(), "{{")
	u, err := url.Parse(before)
	if err != nil || u.Host == "" || u.Path == "" && before != s.Reveal() { // a template inside the authority
		return redacted
	}
	return u.Scheme + "://" + u.Host + "/" + redacted
}
