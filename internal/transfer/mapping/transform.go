package mapping

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"registrar/internal/address"
	"registrar/internal/registration"
)

// value is what a field is on its way from the row to the Person.
type value struct {
	text   string
	null   bool
	at     time.Time           // by sql_time and unix_time
	mobile registration.Mobile // by e164
}

// transform makes another value of one. Its error tells nothing of the value.
type transform func(value) (value, error)

// Why a value cannot be transformed.
var (
	errSQLTime  = errors.New("is not a time as SQL writes it")
	errUnixTime = errors.New("is not a time in seconds or milliseconds since 1970")
	errBool     = errors.New("is neither true nor false")
	errMap      = errors.New("is not among the values that the mapping knows")
	errHex      = errors.New("is not hexadecimal")
	errMobile   = errors.New("is not a mobile telephone number")
	errDomain   = errors.New("is not a domain name")
)

// onText is a transform of texts that cannot fail.
func onText(f func(string) string) transform {
	return func(v value) (value, error) {
		v.text = f(v.text)
		return v, nil
	}
}

// plainTransforms are those without a parameter.
var plainTransforms = map[string]transform{
	"trim":            onText(strings.TrimSpace),
	"lower":           onText(strings.ToLower),
	"upper":           onText(strings.ToUpper),
	"collapse_spaces": onText(func(s string) string { return strings.Join(strings.Fields(s), " ") }),
	"first_word": onText(func(s string) string {
		first, _, _ := strings.Cut(strings.TrimSpace(s), " ")
		return first
	}),
	"rest_words": onText(func(s string) string {
		_, rest, _ := strings.Cut(strings.TrimSpace(s), " ")
		return strings.TrimSpace(rest)
	}),
	"posix_locale": onText(func(s string) string { return strings.ReplaceAll(s, "_", "-") }),
	"empty_to_null": func(v value) (value, error) {
		v.null = v.text == ""
		return v, nil
	},
	"bool":      boolOf([]string{"1", "t", "true", "y", "yes", "on", "\x01"}, []string{"", "0", "f", "false", "n", "no", "off", "\x00"}), // the last ones are BIT(1)
	"sql_time":  sqlTime(time.UTC),
	"unix_time": unixTime(time.Second),
	"e164":      nil, // by the configured region; see mobileOf
	"hex_to_base64": func(v value) (value, error) {
		octets, err := hex.DecodeString(v.text)
		if err != nil {
			return v, errHex
		}
		v.text = base64.StdEncoding.EncodeToString(octets)
		return v, nil
	},
}

// parameterTransforms are those with one.
var parameterTransforms = map[string]func(node) transform{
	"prefix": func(n node) transform {
		text, _ := n.text()
		return onText(func(s string) string { return text + s })
	},
	"suffix": func(n node) transform {
		text, _ := n.text()
		return onText(func(s string) string { return s + text })
	},
	"null_if": func(n node) transform {
		text, _ := n.text()
		return func(v value) (value, error) {
			v.null = v.text == text
			return v, nil
		}
	},
	"map": func(n node) transform {
		known := n.texts()
		return func(v value) (value, error) {
			text, ok := known[v.text]
			if !ok {
				return v, errMap
			}
			v.text = text
			return v, nil
		}
	},
	"bool": func(n node) transform {
		found := n.entries("true", "false")
		of := func(name string) (texts []string) {
			if given, ok := found[name]; ok {
				for _, item := range given.list() {
					if text, ok := item.text(); ok {
						texts = append(texts, strings.ToLower(text))
					}
				}
			}
			return texts
		}
		return boolOf(of("true"), of("false"))
	},
	"sql_time": func(n node) transform {
		name, ok := n.text()
		zone, err := time.LoadLocation(name)
		if ok && (err != nil || name == "Local") {
			n.wrong("is not a time zone", "write an IANA name such as UTC or Asia/Riyadh")
			zone = time.UTC
		}
		return sqlTime(zone)
	},
	"unix_time": func(n node) transform {
		unit := time.Second
		if text, _ := n.one("seconds", "milliseconds"); text == "milliseconds" {
			unit = time.Millisecond
		}
		return unixTime(unit)
	},
	"e164": func(n node) transform {
		region, ok := n.text()
		if ok && (region == "" || !address.KnownRegion(region)) {
			n.wrong("is not a region", "write two letters of ISO 3166-1, such as SA")
		}
		return e164(region)
	},
}

// nullTransforms are those that see values that are null; the others are left out
// for them.
var nullTransforms = map[string]func(node) transform{
	"default": func(n node) transform {
		text, _ := n.text()
		return func(v value) (value, error) {
			if v.null {
				v = value{text: text}
			}
			return v, nil
		}
	},
	"present": func(n node) transform {
		found := n.entries("then", "else")
		texts := map[string]string{}
		for _, name := range []string{"then", "else"} {
			given, ok := found[name]
			if !ok {
				n.wrong("needs then and else", "write {then: ACTIVE, else: PENDING_VERIFICATION}")
				continue
			}
			texts[name], _ = given.text()
		}
		return func(v value) (value, error) {
			if v.null || v.text == "" {
				return value{text: texts["else"]}, nil
			}
			return value{text: texts["then"]}, nil
		}
	},
}

// parseTransform reads one item of a list of transforms.
func parseTransform(n node) transform {
	skipNull := func(t transform) transform {
		return func(v value) (value, error) {
			if v.null {
				return v, nil
			}
			return t(v)
		}
	}
	name, parameter := n.Value, n
	if len(n.Content) == 2 {
		name = n.Content[0].Value
		parameter = node{n.Content[1], n.below(name), n.problems}
	}
	plain, isPlain := plainTransforms[name]
	with, takes := parameterTransforms[name]
	anyway, seesNull := nullTransforms[name]
	switch {
	case len(n.Content) == 2 && takes:
		return skipNull(with(parameter))
	case len(n.Content) == 2 && seesNull:
		return anyway(parameter)
	case len(n.Content) == 0 && isPlain && plain == nil: // e164
		return func(v value) (value, error) { return v, nil }
	case len(n.Content) == 0 && isPlain:
		return skipNull(plain)
	case len(n.Content) == 0 && (takes || seesNull):
		n.wrong(name+" needs a value", "write {"+name+": ...}")
	case isPlain:
		n.wrong(name+" takes no value", "write "+name)
	default:
		n.wrong("has a transform that is not known", "known are "+strings.Join(transformNames(), ", "))
	}
	return nil
}

func transformNames() []string {
	all := map[string]bool{}
	for name := range plainTransforms {
		all[name] = true
	}
	for name := range parameterTransforms {
		all[name] = true
	}
	for name := range nullTransforms {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// boolOf makes "true" or "false" of texts, without regard to letter case.
func boolOf(yes, no []string) transform {
	return func(v value) (value, error) {
		switch text := strings.ToLower(strings.TrimSpace(v.text)); {
		case slices.Contains(yes, text):
			v.text = "true"
		case slices.Contains(no, text):
			v.text = "false"
		default:
			return v, errBool
		}
		return v, nil
	}
}

// sqlTime reads DATE, DATETIME and TIMESTAMP as they are written in a time zone.
// MySQL's zero date is null, and so is an empty text.
func sqlTime(zone *time.Location) transform {
	return func(v value) (value, error) {
		if v.text == "" || strings.HasPrefix(v.text, "0000-00-00") {
			return value{null: true}, nil
		}
		for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", time.DateOnly} {
			if at, err := time.ParseInLocation(layout, v.text, zone); err == nil {
				v.at = at
				return v, nil
			}
		}
		return v, errSQLTime
	}
}

// unixTime reads a number of units since 1970; 0 and an empty text are null.
func unixTime(unit time.Duration) transform {
	return func(v value) (value, error) {
		if v.text == "" {
			return value{null: true}, nil
		}
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/int64(unit) {
			return v, errUnixTime
		}
		if n == 0 {
			return value{null: true}, nil
		}
		v.at = time.Unix(0, n*int64(unit))
		return v, nil
	}
}

// e164 reads a number of a region.
func e164(region string) transform {
	mobiles := address.Mobiles{Region: region}
	return func(v value) (value, error) {
		if v.text == "" {
			return v, nil
		}
		number, err := mobiles.Parse(v.text)
		if err != nil {
			return v, errMobile
		}
		v.mobile, v.text = number, string(number)
		return v, nil
	}
}
