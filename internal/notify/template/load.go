package template

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"registrar/internal/registration"
)

//go:embed v1
var builtIn embed.FS

// Options is what an operator may choose.
type Options struct {
	Brand         string // the product's name; default "Registrar"
	Contact       string // an address or a page where a person can ask; "" leaves it out
	DefaultLocale string // BCP 47; default "en"; there must be templates for it
	// Dir holds files of the same paths as the built-in ones
	// (v1/registration_completed/fr/subject.txt); each takes the built-in one's
	// place, and a locale that is not built in must be complete. "" for none.
	Dir string
}

// kinds are the kinds of notification by their folder.
var kinds = map[string]registration.Kind{
	"registration_completed": registration.RegistrationCompleted,
}

// The files of a locale's folder.
const (
	subjectFile = "subject.txt"
	textFile    = "text.txt"
	htmlFile    = "html.html"
	smsFile     = "sms.txt"
)

var fileNames = []string{subjectFile, textFile, htmlFile, smsFile}

// maxFile bounds a template's file, in octets.
const maxFile = 256 << 10

// file is a template's source.
type file struct {
	path    string // v1/kind/locale/name
	origin  string // where it came from, for messages
	content string
}

// Load reads the built-in templates and those of o.Dir, parses each, and renders
// each with sample data. Its error tells everything that is wrong, with the
// files' names.
func Load(o Options) (*Catalog, error) {
	if o.Brand == "" {
		o.Brand = "Registrar"
	}
	if o.DefaultLocale == "" {
		o.DefaultLocale = "en"
	}
	files := make(map[string]file)
	if err := read(builtIn, "built-in:", files); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if o.Dir != "" {
		root, err := os.OpenRoot(o.Dir)
		if err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
		defer func() { _ = root.Close() }() // only read from
		if err := read(root.FS(), o.Dir+string(filepath.Separator), files); err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
	}
	c := &Catalog{brand: clean(o.Brand), contact: clean(o.Contact), sets: make(map[key]*set)}
	problems := c.add(files)
	if err := c.arrange(o.DefaultLocale); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return c, nil
}

// read puts the files of fsys into files, over those of the same path. Names
// that begin with a dot, as editors and mounted volumes leave them, are passed over.
func read(fsys fs.FS, origin string, files map[string]file) error {
	return fs.WalkDir(fsys, ".", func(p string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		}
		f, err := fsys.Open(p)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // only read from
		content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		if err != nil {
			return err
		}
		if len(content) > maxFile {
			return fmt.Errorf("%s%s is longer than %d octets", origin, p, maxFile)
		}
		files[p] = file{path: p, origin: origin + p, content: string(content)}
		return nil
	})
}

// add parses files into sets, looks for what is missing, and tries them all.
func (c *Catalog) add(files map[string]file) (problems []error) {
	folders := make(map[string]key) // of a kind and a locale
	for _, p := range sortedKeys(files) {
		k, err := keyOf(p)
		if err != nil {
			problems = append(problems, fmt.Errorf("template: %s: %w", files[p].origin, err))
			continue
		}
		folders[path.Dir(p)] = k
	}
	for _, folder := range sortedKeys(folders) {
		k := folders[folder]
		s := new(set)
		parts := []*executor{&s.subject, &s.text, &s.html, &s.sms}
		complete := true
		for i, name := range fileNames {
			f, ok := files[path.Join(folder, name)]
			if !ok {
				problems = append(problems, fmt.Errorf("template: %s is missing", path.Join(folder, name)))
				complete = false
				continue
			}
			e, err := parse(f, k.locale)
			if err != nil {
				problems = append(problems, fmt.Errorf("template: %w", err))
				complete = false
				continue
			}
			if wrong := c.try(name, f, e); len(wrong) > 0 {
				problems = append(problems, wrong...)
				complete = false
			}
			*parts[i] = e
		}
		if complete {
			c.sets[k] = s
		}
	}
	return problems
}

// keyOf reads the path of a template's file.
func keyOf(p string) (key, error) {
	parts := strings.Split(p, "/")
	if len(parts) != 4 || parts[0] != Version {
		return key{}, fmt.Errorf("a template's path is %s/KIND/LOCALE/FILE", Version)
	}
	kind, ok := kinds[parts[1]]
	if !ok {
		return key{}, fmt.Errorf("there is no kind %q; there are %v", parts[1], sortedKeys(kinds))
	}
	locale, err := language.Parse(parts[2])
	if err != nil {
		return key{}, fmt.Errorf("%q is not a BCP 47 language tag", parts[2])
	}
	if !slices.Contains(fileNames, parts[3]) {
		return key{}, fmt.Errorf("the files of a template are %v", fileNames)
	}
	return key{kind, locale}, nil
}

// arrange makes the matcher; every kind must have the same locales.
func (c *Catalog) arrange(byDefault string) error {
	fallback, err := language.Parse(byDefault)
	if err != nil {
		return fmt.Errorf("template: the default locale %q is not a BCP 47 language tag", byDefault)
	}
	names := make(map[string]language.Tag)
	for k := range c.sets {
		names[k.locale.String()] = k.locale
	}
	if _, ok := names[fallback.String()]; !ok {
		return fmt.Errorf("template: there are no templates for the default locale %q; there are %v", byDefault, sortedKeys(names))
	}
	c.locales = []language.Tag{names[fallback.String()]}
	for _, name := range sortedKeys(names) {
		if name != fallback.String() {
			c.locales = append(c.locales, names[name])
		}
	}
	for _, kind := range kinds {
		for _, l := range c.locales {
			if c.sets[key{kind, l}] == nil {
				return fmt.Errorf("template: %s has no templates for the locale %s", kind, l)
			}
		}
	}
	c.matcher = language.NewMatcher(c.locales)
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
