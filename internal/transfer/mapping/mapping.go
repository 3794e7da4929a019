package mapping

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"registrar/internal/transfer"
)

// Mapping is what a mapping file says.
type Mapping struct {
	// Caller is the name under which the external ids are: the monolith's, as a caller of the service.
	Caller string
	Source Source
	Rules  map[transfer.Rule]transfer.Action // all that can be chosen, defaults filled in
	fields map[string]field
	sum    [32]byte
}

// field is how one field of a Person is made.
type field struct {
	kind       string   // keyColumn, keyConstant, keyTemplate or keyDigest
	columns    []string // in the order in which make takes them
	make       func([]transfer.Value) value
	transforms []transform
	back       []undone // of the transforms
}

// Sum tells one file from another.
func (m *Mapping) Sum() [32]byte { return m.sum }

// Columns are the source's columns that the mapping needs, each once; Mapper
// takes rows with values in this order.
func (m *Mapping) Columns() []string {
	var columns []string
	for _, name := range FieldNames() {
		for _, c := range m.fields[name].columns {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	return columns
}

// Sets says whether the mapping makes a field.
func (m *Mapping) Sets(field string) bool { return m.fields[field].make != nil }

// Compares says whether a field says something of the monolith's people: one that
// the mapping makes of columns, and not of a constant.
func (m *Mapping) Compares(field string) bool { return len(m.fields[field].columns) > 0 }

// TellKeys says whether the key column may be told in reports: not where it is
// somebody's name, address, number or hash.
func (m *Mapping) TellKeys() bool {
	for _, personal := range []string{fieldUsername, fieldEmail, fieldMobile, fieldFirstName, fieldLastName, fieldPasswordHash} {
		f := m.fields[personal]
		made := personal == fieldUsername && f.kind == keyTemplate // of the key, such as user-17
		if slices.Contains(f.columns, m.Source.Key) && !made {
			return false
		}
	}
	return true
}

//go:embed *.yaml
var shipped embed.FS

// Shipped are the names of the mappings that come with the program.
func Shipped() []string {
	files, err := shipped.ReadDir(".")
	if err != nil {
		return nil
	}
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names
}

// Text gives the file of a shipped mapping.
func Text(name string) ([]byte, error) {
	text, err := shipped.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no mapping %q among the shipped ones (%s)", printable(name), strings.Join(Shipped(), ", "))
	}
	return text, nil
}

// maxFile is the largest mapping file that is read, in octets.
const maxFile = 1 << 20

// Load reads a mapping: one of the Shipped, by its name, or a file. The error is
// *Problems, or says why the file cannot be read.
func Load(name string) (*Mapping, error) {
	if slices.Contains(Shipped(), name) {
		text, err := Text(name)
		if err != nil {
			return nil, err
		}
		return Parse(name, text)
	}
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxFile {
		return nil, fmt.Errorf("mapping %s: longer than 1 MiB", name)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(filepath.Clean(name))
	}
	if err != nil {
		return nil, fmt.Errorf("mapping: %w; give a file, or one of %s", err, strings.Join(Shipped(), ", "))
	}
	return Parse(name, text)
}
