package config

import (
	"reflect"
	"regexp"
	"strings"
)

// key is one leaf of a section.
type key struct {
	name  string // "database.password_file"
	typ   reflect.Type
	index []int  // for reflect.Value.FieldByIndex
	show  string // the field's show tag
	each  *table // of a list of sections: what one of them holds; nil for anything else
}

// variable is the name in the environment.
func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

const prefix = "REGISTRAR_"

// table is what a struct of Config holds.
type table struct {
	keys     []key          // all leaves, in the struct's order
	byName   map[string]key // the same
	sections map[string]bool
}

var (
	configTable = tabulate(reflect.TypeFor[Config]())
	byVariable  = variables(configTable)
)

func tabulate(root reflect.Type) *table {
	t := &table{byName: map[string]key{}, sections: map[string]bool{}}
	var walk func(t *table, at reflect.Type, path string, index []int)
	walk = func(t *table, at reflect.Type, path string, index []int) {
		for i := range at.NumField() {
			f := at.Field(i)
			name := path + f.Tag.Get("koanf")
			leaf := append(append([]int{}, index...), i)
			if f.Type.Kind() == reflect.Struct {
				t.sections[name] = true
				walk(t, f.Type, name+".", leaf)
				continue
			}
			k := key{name: name, typ: f.Type, index: leaf, show: f.Tag.Get("show")}
			if isSections(f.Type) {
				k.each = tabulate(f.Type.Elem())
			}
			t.keys = append(t.keys, k)
			t.byName[name] = k
		}
	}
	walk(t, root, "", nil)
	return t
}

// isSections says whether t is a list of sections, which only a file can hold.
func isSections(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// variables are the keys by their variables.
func variables(t *table) map[string]key {
	found := map[string]key{}
	for _, k := range t.keys {
		found[k.variable()] = k
	}
	return found
}

func (t *table) names() []string {
	names := make([]string, len(t.keys))
	for i, k := range t.keys {
		names[i] = k.name
	}
	return names
}

// Keys are the names of everything that may be configured, in the order of
// Config. What a section of a list holds is told by KeysOf.
func Keys() []string { return configTable.names() }

// KeysOf are the names of what each section of the list at key holds, such as
// smtp.host; nil for a key that is no list of sections.
func KeysOf(key string) []string {
	if each := configTable.byName[key].each; each != nil {
		return each.names()
	}
	return nil
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
