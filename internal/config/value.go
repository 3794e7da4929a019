package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Secret is a text that prints as [redacted], or as nothing when it is empty.
type Secret string

const redacted = "[redacted]"

// Reveal gives the text itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format keeps the text out of every verb of fmt, also inside other values.
func (s Secret) Format(f fmt.State, verb rune) {
	if verb == 'q' || f.Flag('#') {
		_, _ = fmt.Fprintf(f, "%q", s.String())
		return
	}
	_, _ = io.WriteString(f, s.String())
}

// LogValue keeps the text out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText keeps the text out of JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Bytes is a size in octets.
type Bytes int64

// String is the size in the largest binary unit that gives a whole number.
func (b Bytes) String() string {
	for _, u := range []struct {
		name string
		size Bytes
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if b != 0 && b%u.size == 0 {
			return fmt.Sprintf("%d%s", b/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dB", int64(b))
}

var (
	durationType  = reflect.TypeFor[time.Duration]()
	bytesType     = reflect.TypeFor[Bytes]()
	secretType    = reflect.TypeFor[Secret]()
	listType      = reflect.TypeFor[[]string]()
	mapType       = reflect.TypeFor[map[string]string]()
	secretMapType = reflect.TypeFor[map[string]Secret]()
)

// What a value must be when it is not; never with the value itself.
var (
	errText     = errors.New("must be a text: put it in quotes")
	errBool     = errors.New("must be true or false")
	errNumber   = errors.New("must be a whole number")
	errDuration = errors.New(`must be a duration with a unit, such as "500ms", "10s", "15m", "72h" or "3d"`)
	errSize     = errors.New(`must be a size, such as 65536, "64KiB" or "1MiB"`)
	errList     = errors.New("must be a list of texts")
	errMap      = errors.New("must be a map of texts by name")
	errSection  = errors.New("must be a section with keys below it")
)

// fromText reads a variable's or a flag's text as a value of type t.
func fromText(t reflect.Type, text string) (any, error) {
	switch {
	case t == durationType:
		return parseDuration(text)
	case t == bytesType:
		return parseBytes(text)
	case t == secretType:
		return Secret(text), nil
	case t == listType:
		var list []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, nil
	case t == mapType, t == secretMapType:
		var value map[string]any
		if yaml.Unmarshal([]byte(text), &value) != nil {
			return nil, fmt.Errorf(`%w, written {name: "text"}`, errMap)
		}
		return fromYAML(t, value)
	case t.Kind() == reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b, nil
		}
		return nil, errBool
	case t.Kind() == reflect.Int:
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
		return nil, errNumber
	default:
		return text, nil
	}
}

// fromYAML takes what the YAML parser made of a value as one of type t.
func fromYAML(t reflect.Type, value any) (any, error) {
	text, isText := value.(string)
	switch {
	case t == durationType:
		return parseDuration(text)
	case t == bytesType:
		if n, ok := value.(int); ok {
			return Bytes(n), nil
		}
		return parseBytes(text)
	case t == listType:
		items, ok := value.([]any)
		if !ok {
			return nil, errList
		}
		list := make([]string, len(items))
		for i, item := range items {
			if list[i], ok = item.(string); !ok {
				return nil, errList
			}
		}
		return list, nil
	case t == mapType, t == secretMapType:
		items, ok := value.(map[string]any)
		if !ok {
			return nil, errMap
		}
		texts, secrets := map[string]string{}, map[string]Secret{}
		for name, item := range items {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("%w; one of them is not: put it in quotes", errMap)
			}
			texts[name], secrets[name] = text, Secret(text)
		}
		if t == mapType {
			return texts, nil
		}
		return secrets, nil
	case t.Kind() == reflect.Bool:
		if b, ok := value.(bool); ok {
			return b, nil
		}
		return nil, errBool
	case t.Kind() == reflect.Int:
		if n, ok := value.(int); ok {
			return n, nil
		}
		return nil, errNumber
	case !isText:
		return nil, errText
	case t == secretType:
		return Secret(text), nil
	default:
		return text, nil
	}
}

var days = regexp.MustCompile(`^([0-9]{1,6})d(.*)$`)

// parseDuration is time.ParseDuration with days of 24 hours in front.
func parseDuration(text string) (time.Duration, error) {
	var whole time.Duration
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n > 36500 {
			return 0, errDuration
		}
		whole = time.Duration(n) * 24 * time.Hour
		if text = m[2]; text == "" {
			return whole, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d > math.MaxInt64-whole {
		return 0, errDuration
	}
	return whole + d, nil
}

// formatDuration is d without the zero units that time.Duration writes.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

var sizes = regexp.MustCompile(`^([0-9]{1,15}) ?([A-Za-z]*)$`)

func parseBytes(text string) (Bytes, error) {
	m := sizes.FindStringSubmatch(text)
	if m == nil {
		return 0, errSize
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	units := []string{"", "b", "kb", "kib", "mb", "mib", "gb", "gib"}
	factors := []int64{1, 1, 1e3, 1 << 10, 1e6, 1 << 20, 1e9, 1 << 30}
	i := slices.Index(units, strings.ToLower(m[2]))
	if err != nil || i < 0 || n > math.MaxInt64/factors[i] {
		return 0, errSize
	}
	return Bytes(n * factors[i]), nil
}
