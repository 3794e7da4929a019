package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// maxFile is the largest configuration or secret file that is read, in octets.
const maxFile = 1 << 20

// fileVariable names the configuration file, as the flag --config does.
const fileVariable = prefix + "CONFIG"

// byFlag are the keys that have a flag.
var byFlag = map[string]string{
	"listen":                "listen",
	"admin-listen":          "admin_listen",
	"data-dir":              "data_dir",
	"public-url":            "public_url",
	"allow-unauthenticated": "allow_unauthenticated",
	"log-level":             "log.level",
	"log-format":            "log.format",
	"lanes":                 "notify.lanes",
	"tier-listen":           "tier.listen",
	"servers":               "tier.servers",
}

// AddFlags gives fs the flags of a process that takes registrations.
func AddFlags(fs *pflag.FlagSet) {
	addSharedFlags(fs)
	addDataFlag(fs, "`directory` of the embedded database and queue")
	addListenFlags(fs)
}

// AddWebFlags gives fs the flags of a web server.
func AddWebFlags(fs *pflag.FlagSet) {
	d := Default()
	addSharedFlags(fs)
	addListenFlags(fs)
	fs.String("servers", strings.Join(d.Tier.Servers, ","), "the application servers' `addresses` (host:port), with commas between, or one dns:///host:port")
}

// AddAppFlags gives fs the flags of an application server.
func AddAppFlags(fs *pflag.FlagSet) {
	addSharedFlags(fs)
	addDataFlag(fs, ofTheName)
	fs.String("tier-listen", Default().Tier.Listen, "`host:port` where web servers' calls are taken")
}

func addListenFlags(fs *pflag.FlagSet) {
	d := Default()
	fs.String("listen", d.Listen, "`host:port` of the SOAP service")
	fs.String("public-url", d.PublicURL, "the service's `address` as callers see it, for the WSDL")
}

// AddNotifyFlags gives fs the flags of a process that only notifies.
func AddNotifyFlags(fs *pflag.FlagSet) {
	addSharedFlags(fs)
	addDataFlag(fs, ofTheName)
	fs.String("lanes", "", "the `lanes` to run, with commas between, such as sms.otp,email.otp; all when it is not given")
}

// ofTheName says what a process keeps that shares everything else with others.
const ofTheName = "`directory` of the process's own name"

func addDataFlag(fs *pflag.FlagSet, usage string) {
	fs.String("data-dir", Default().DataDir, usage)
}

func addSharedFlags(fs *pflag.FlagSet) {
	d := Default()
	fs.String("config", "", "configuration `file` in YAML")
	fs.String("admin-listen", d.AdminListen, "`host:port` of the health, metrics and inbox pages, for operators")
	fs.Bool("allow-unauthenticated", d.AllowUnauthenticated, "listen off loopback although anybody may call")
	fs.String("log-level", d.Log.Level, "debug, info, warn or error")
	fs.String("log-format", d.Log.Format, "text or json")
}

// Load reads the configuration: the file that the flag --config or the variable
// REGISTRAR_CONFIG names, environ (as os.Environ gives it) and those of flags
// that were set. flags may be nil, and need not have all of AddFlags'. The
// error is Problems: all of them, Validate's too. The Config is only complete
// without an error.
func Load(flags *pflag.FlagSet, environ []string) (Config, error) {
	path := fileName(flags, environ)
	var file []byte
	var problems Problems
	if path != "" {
		var err error
		if file, err = readFile(path); err != nil {
			problems = append(problems, Problem{Key: path, Rule: "cannot be read: " + err.Error(), Next: "name a readable file of at most 1 MiB by --config or " + fileVariable})
		}
	}
	return load(file, path, flags, environ, problems)
}

func fileName(flags *pflag.FlagSet, environ []string) string {
	if flags != nil {
		if f := flags.Lookup("config"); f != nil && f.Changed {
			return f.Value.String()
		}
	}
	name := ""
	for _, v := range environ {
		if value, found := strings.CutPrefix(v, fileVariable+"="); found {
			name = value
		}
	}
	return name
}

func load(file []byte, path string, flags *pflag.FlagSet, environ []string, problems Problems) (Config, error) {
	l := loader{k: koanf.New("."), from: map[string]string{}, lists: map[string]reflect.Value{}, problems: problems}
	l.file(file, path)
	l.environ(environ)
	if flags != nil {
		l.flags(flags)
	}
	c := Default()
	l.decode(l.k, &c)
	for name, list := range l.lists {
		reflect.ValueOf(&c).Elem().FieldByIndex(configTable.byName[name].index).Set(list)
	}
	l.secrets(&c)
	var invalid Problems
	if errors.As(c.Validate(), &invalid) {
		for _, p := range invalid {
			if !slices.ContainsFunc(l.problems, func(q Problem) bool { return q.Key == p.Key || strings.HasPrefix(p.Key, q.Key+".") }) {
				l.problems = append(l.problems, p)
			}
		}
	}
	for i, p := range l.problems {
		if p.From == "" {
			l.problems[i].From = l.from[p.Key]
		}
	}
	return c, l.problems.orNil()
}

// loader lays the sources over each other. Each value is checked and given its
// field's type before koanf sees it, so that no error text holds one.
type loader struct {
	k        *koanf.Koanf
	from     map[string]string        // key to the source that set it last
	lists    map[string]reflect.Value // lists of sections, by key; they have a single source, the file
	problems Problems
}

func (l *loader) add(name, from, rule, next string) {
	l.problems = append(l.problems, Problem{Key: name, From: from, Rule: rule, Next: next})
}

// put loads nested values; they have their types already, so it cannot fail.
func (l *loader) put(p koanf.Provider) {
	if err := l.k.Load(p, nil); err != nil {
		l.problems.add("configuration", "cannot be merged", "report this")
	}
}

func (l *loader) file(text []byte, path string) {
	raw, err := parseYAML(text)
	if err != nil {
		l.add(path, "", "is not valid YAML: "+err.Error(), "correct the file")
		return
	}
	l.put(confmap.Provider(l.section(configTable, raw, "", "", path), ""))
}

// decode lays what k holds over what into points to.
func (l *loader) decode(k *koanf.Koanf, into any) {
	if err := k.UnmarshalWithConf("", into, koanf.UnmarshalConf{Tag: "koanf"}); err != nil {
		// Cannot happen: every value already has its field's type.
		l.problems.add("configuration", "cannot be decoded", "report this")
	}
}

// section takes the known keys of one level of the file: below at in t, and
// below place, such as email.providers[1]., in the file.
func (l *loader) section(t *table, raw map[string]any, at, place, path string) map[string]any {
	taken := map[string]any{}
	for name, value := range raw {
		full := place + at + name
		k, known := t.byName[at+name]
		switch {
		case value == nil && (known || t.sections[at+name]):
			// "database:" with nothing below it
		case known && k.each != nil:
			l.lists[full] = l.list(k, value, full, path)
		case known:
			v, err := fromYAML(k.typ, value)
			if err != nil {
				l.add(full, path, err.Error(), "")
				continue
			}
			taken[name] = v
			l.from[full] = path
		case t.sections[at+name]:
			below, ok := value.(map[string]any)
			if !ok {
				l.add(full, path, errSection.Error(), "")
				continue
			}
			taken[name] = l.section(t, below, at+name+".", place, path)
		default:
			meant := nearest(at+name, t.names())
			if meant != "" {
				meant = place + meant
			}
			l.add(printable(full), path, "is not a known key", suggestion(meant))
		}
	}
	return taken
}

// maxSections is how many sections a list may have.
const maxSections = 8

// list takes a list of sections, each over the defaults of such a section.
func (l *loader) list(k key, value any, full, path string) reflect.Value {
	list := reflect.MakeSlice(k.typ, 0, maxSections)
	items, ok := value.([]any)
	if !ok || len(items) > maxSections {
		l.add(full, path, fmt.Sprintf("must be a list of at most %d sections", maxSections), "begin each with - name:")
		return list
	}
	l.from[full] = path
	for i, item := range items {
		place := fmt.Sprintf("%s[%d]", full, i)
		section := reflect.New(k.typ.Elem())
		section.Elem().Set(reflect.ValueOf(defaultSections[k.name]))
		below, ok := item.(map[string]any)
		if !ok {
			l.add(place, path, errSection.Error(), "")
			return list.Slice(0, 0)
		}
		values := koanf.New(".")
		if err := values.Load(confmap.Provider(l.section(k.each, below, "", place+".", path), ""), nil); err != nil {
			l.problems.add("configuration", "cannot be merged", "report this")
		}
		l.decode(values, section.Interface())
		list = reflect.Append(list, section.Elem())
	}
	return list
}

func suggestion(name string) string {
	if name == "" {
		return "remove it"
	}
	return "did you mean " + name + "?"
}

// printable is a name that the operator did not mean, fit for a terminal.
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

func (l *loader) environ(environ []string) {
	l.put(env.Provider(".", env.Opt{
		Prefix:      prefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(variable, text string) (string, any) {
			k, known := byVariable[variable]
			switch {
			case known && k.each != nil && text != "":
				l.add(k.name, variable, "cannot be set by a variable", "write it in the file")
			case known && text != "":
				v, err := fromText(k.typ, text)
				if err != nil {
					l.add(k.name, variable, err.Error(), "")
					return "", nil
				}
				l.from[k.name] = variable
				return k.name, v
			case !known && variable != fileVariable && !notOurs(variable, text):
				var names []string
				for _, k := range configTable.keys {
					if k.each == nil {
						names = append(names, k.variable())
					}
				}
				l.add(printable(variable), "", "is not a known variable", suggestion(nearest(variable, names)))
			}
			return "", nil
		},
	}))
}

func (l *loader) flags(flags *pflag.FlagSet) {
	l.put(posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) {
		name, known := byFlag[f.Name]
		if !known || !f.Changed {
			return "", nil
		}
		v, err := fromText(configTable.byName[name].typ, f.Value.String())
		if err != nil {
			l.add(name, "--"+f.Name, err.Error(), "")
			return "", nil
		}
		l.from[name] = "--" + f.Name
		return name, v
	}))
}

// quoted is a piece of the file inside a YAML error, which may be a secret.
var quoted = regexp.MustCompile("(?s)`.*?`|'.*?'|\".*\"")

// parseYAML reads a single document, which is a map. Nothing of the file is in
// the error but numbers of lines.
func parseYAML(text []byte) (map[string]any, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var raw map[string]any
	switch err := d.Decode(&raw); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, errors.New(quoted.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "…"))
	}
	var second any
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document")
	}
	return raw, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, pathless(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, pathless(err)
	case len(text) > maxFile:
		return nil, fmt.Errorf("longer than %s", Bytes(maxFile))
	}
	return text, nil
}

// pathless is a file error without the path, which the Problem names already.
func pathless(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return e.Err
	}
	return err
}
