package template

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

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
	// place, and a locale that is not built in must be there for all kinds but
	// already_registered.
	// "" for none.
	Dir string
	// CodeDomain is the host name, in ASCII, of the page where people enter the
	// code of an SMS: their browsers fill it in there. "" leaves that line out.
	CodeDomain string
	Now        func() time.Time // default time.Now
}

// kinds are the kinds of notification by their folder. A campaign's folder is
// one below campaignsFolder.
var kinds = map[string]registration.Kind{
	"already_registered":     registration.AlreadyRegistered,
	"verification_code":      registration.VerificationCode,
	"registration_completed": registration.RegistrationCompleted,
}

var errNoSMS = errors.New("this kind is sent by e-mail alone")

const campaignsFolder = "campaigns"

// campaignName is the form of a campaign template's name; the ledger keeps 64 octets.
var campaignName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

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
	name    string // one of fileNames
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
	if o.Now == nil {
		o.Now = time.Now
	}
	fallback, err := language.Parse(o.DefaultLocale)
	if err != nil {
		return nil, fmt.Errorf("template: the default locale %q is not a BCP 47 language tag", o.DefaultLocale)
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
	c := &Catalog{
		brand: clean(o.Brand), contact: clean(o.Contact), domain: strings.ToLower(clean(o.CodeDomain)),
		now: o.Now, fallback: fallback, bundles: map[subject]*bundle{},
	}
	l := &loader{catalog: c, files: files}
	l.sort()
	l.completeKinds()
	l.parse()
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	return c, nil
}

// byteOrderMark begins the files of some editors; it is no part of the text.
const byteOrderMark = "\ufeff"

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
		case entry.IsDir() && !slices.Contains(fileNames, entry.Name()):
			return nil
		}
		switch info, err := fs.Stat(fsys, p); {
		case err != nil:
			return err
		case info.IsDir():
			return fmt.Errorf("%s%s is a directory, where a file is expected", origin, p)
		case !info.Mode().IsRegular(): // to read a named pipe would never end
			return fmt.Errorf("%s%s is no regular file", origin, p)
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
		files[p] = file{name: entry.Name(), origin: origin + p, content: strings.TrimPrefix(string(content), byteOrderMark)}
		return nil
	})
}

// loader makes a catalog of files, and notes what is wrong.
type loader struct {
	catalog  *Catalog
	files    map[string]file            // by path
	folders  map[subject][]language.Tag // the locales of each
	problems []error
}

func (l *loader) add(format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("template: "+format, args...))
}

// sort finds what the files are about.
func (l *loader) sort() {
	l.folders = map[subject][]language.Tag{}
	for _, p := range slices.Sorted(maps.Keys(l.files)) {
		about, locale, err := placeOf(p)
		if err != nil {
			l.add("%s: %w", l.files[p].origin, err)
			continue
		}
		if !slices.Contains(l.folders[about], locale) {
			l.folders[about] = append(l.folders[about], locale)
		}
	}
}

// placeOf reads the path of a template's file.
func placeOf(p string) (about subject, locale language.Tag, err error) {
	parts := strings.Split(p, "/")
	campaign := len(parts) > 1 && parts[1] == campaignsFolder
	switch {
	case parts[0] != Version, campaign && len(parts) != 5, !campaign && len(parts) != 4:
		return about, locale, fmt.Errorf("a template's path is %s/KIND/LOCALE/FILE or %s/%s/NAME/LOCALE/FILE", Version, Version, campaignsFolder)
	case campaign:
		about = subject{registration.CampaignMessage, parts[2]}
		if !campaignName.MatchString(about.campaign) {
			return about, locale, fmt.Errorf("%q is not a campaign template's name: those are of small letters, digits, - and _, at most 64", about.campaign)
		}
	default:
		kind, ok := kinds[parts[1]]
		if !ok {
			return about, locale, fmt.Errorf("there is no kind %q; there are %v, and %s", parts[1], slices.Sorted(maps.Keys(kinds)), campaignsFolder)
		}
		about = subject{kind: kind}
	}
	name, rest := parts[len(parts)-2], parts[len(parts)-1]
	if locale, err = language.Parse(name); err != nil || locale.String() != name {
		return about, locale, fmt.Errorf("%q is not a BCP 47 language tag in canonical form, such as en or pt-BR", name)
	}
	if !slices.Contains(fileNames, rest) {
		return about, locale, fmt.Errorf("the files of a template are %v", fileNames)
	}
	if about.kind == registration.AlreadyRegistered && rest == smsFile {
		return about, locale, errNoSMS
	}
	return about, locale, nil
}

// optional says whether a kind needs no folder for each locale: who asks for one
// that is not there gets the nearest, as for a campaign.
func optional(kind registration.Kind) bool { return kind == registration.AlreadyRegistered }

// completeKinds gives every kind but the optional ones the locales of all kinds,
// so that what is missing is told file by file, and looks for the default one.
func (l *loader) completeKinds() {
	locales := map[string]language.Tag{}
	for _, kind := range kinds {
		if optional(kind) {
			continue
		}
		for _, locale := range l.folders[subject{kind: kind}] {
			locales[locale.String()] = locale
		}
	}
	names := slices.Sorted(maps.Keys(locales))
	if !slices.Contains(names, l.catalog.fallback.String()) {
		l.add("there are no templates for the default locale %q; there are %v", l.catalog.fallback, names)
	}
	for _, kind := range kinds {
		if optional(kind) {
			continue
		}
		all := make([]language.Tag, len(names))
		for i, name := range names {
			all[i] = locales[name]
		}
		l.folders[subject{kind: kind}] = all
	}
}

// parse makes the bundles, and tries each.
func (l *loader) parse() {
	for _, about := range slices.SortedFunc(maps.Keys(l.folders), func(a, b subject) int { return strings.Compare(a.folder(), b.folder()) }) {
		var email, sms []*edition
		for _, locale := range l.folders[about] {
			found := map[string]*document{}
			for _, name := range l.wanted(about, locale) {
				p := about.folder() + "/" + locale.String() + "/" + name
				f, ok := l.files[p]
				if !ok {
					l.add("%s is missing", p)
					continue
				}
				d, err := parse(f, about, locale)
				if err != nil {
					l.add("%w", err)
					continue
				}
				for _, wrong := range l.catalog.try(d, locale) {
					l.add("%s %s", f.origin, wrong)
				}
				found[name] = d
			}
			if found[subjectFile] != nil && found[textFile] != nil && found[htmlFile] != nil {
				email = append(email, &edition{locale: locale, subject: found[subjectFile], text: found[textFile], html: found[htmlFile]})
			}
			if found[smsFile] != nil {
				sms = append(sms, &edition{locale: locale, sms: found[smsFile]})
			}
		}
		l.catalog.bundles[about] = &bundle{email: choose(email, l.catalog.fallback), sms: choose(sms, l.catalog.fallback)}
	}
}

// wanted are the files that a folder must have: all, but for a campaign the
// files of one channel are enough, and some are sent by e-mail alone.
func (l *loader) wanted(about subject, locale language.Tag) []string {
	if about.kind == registration.AlreadyRegistered {
		return []string{subjectFile, textFile, htmlFile}
	}
	if about.kind != registration.CampaignMessage {
		return fileNames
	}
	has := func(name string) bool {
		_, ok := l.files[about.folder()+"/"+locale.String()+"/"+name]
		return ok
	}
	switch email := has(subjectFile) || has(textFile) || has(htmlFile); {
	case !email:
		return []string{smsFile}
	case !has(smsFile):
		return []string{subjectFile, textFile, htmlFile}
	default:
		return fileNames
	}
}
