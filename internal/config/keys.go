package config

import (
	"reflect"
	"regexp"
	"strings"
)

// key is one leaf of Config.
type key struct {
	name  string // "database.password_file"
	typ   reflect.Type
	index []int  // for reflect.Value.FieldByIndex
	show  string // the field's show tag
}

// variable is the name in the environment.
func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

const prefix = "REGISTRAR_"

// keys are all leaves, in the struct's order; byName and byVariable find them;
// sections are the names of the structs between.
var keys, byName, byVariable, sections = tabulate()

func tabulate() (all []key, names, variables map[string]key, sections map[string]bool) {
	names, variables, sections = map[string]key{}, map[string]key{}, map[string]bool{}
	var walk func(t reflect.Type, path string, index []int)
	walk = func(t reflect.Type, path string, index []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			name := path + f.Tag.Get("koanf")
			at := append(append([]int{}, index...), i)
			if f.Type.Kind() == reflect.Struct {
				sections[name] = true
				walk(f.Type, name+".", at)
				continue
			}
			k := key{name: name, typ: f.Type, index: at, show: f.Tag.Get("show")}
			all = append(all, k)
			names[name] = k
			variables[k.variable()] = k
		}
	}
	walk(reflect.TypeFor[Config](), "", nil)
	return all, names, variables, sections
}

// Keys are the names of everything that may be configured, in the order of Config.
func Keys() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// notOurs are variables with our prefix that others set: hack/deps' cache, and
// those by which Kubernetes tells every pod of a Service named registrar or
// registrar-something.
func notOurs(variable, value string) bool {
	return variable == "REGISTRAR_CACHE" || kubernetes.MatchString(variable) ||
		strings.HasSuffix(variable, "_PORT") && kubernetesPort.MatchString(value)
}

var (
	kubernetes     = regexp.MustCompile(`_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?$`)
	kubernetesPort = regexp.MustCompile(`^(tcp|udp|sctp)://`)
)

// nearest is the known name most like an unknown one, or "" when none is.
func nearest(unknown string, known []string) string {
	best, least := "", 4
	for _, name := range known {
		if len(name)-len(unknown) >= least || len(unknown)-len(name) >= least {
			continue // at least as far apart as that
		}
		if d := distance(unknown, name); d < least && d < len(name)/2+1 {
			best, least = name, d
		}
	}
	return best
}

// distance is Levenshtein's, in octets.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
