package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// secrets reads the files that hold secrets.
func (l *loader) secrets(c *Config) {
	secretFiles{
		one: func(key string, value *Secret, file string) {
			if *value != "" {
				l.add(key+"_file", "", "is set, and so is "+key, "keep one of them")
				return
			}
			*value = l.secret(key+"_file", file)
		},
		named: func(key, filesKey string, values *map[string]Secret, files map[string]string) {
			all := maps.Clone(*values)
			if all == nil {
				all = map[string]Secret{}
			}
			for _, name := range slices.Sorted(maps.Keys(files)) {
				full := filesKey + "." + name
				if _, twice := all[name]; twice {
					l.add(full, "", "is set, and so is "+key+"."+name, "keep one of them")
					continue
				}
				all[name] = l.secret(full, files[name])
			}
			*values = all
		},
	}.walk(reflect.ValueOf(c).Elem(), "")
}

// secretFiles finds the secrets that are in files: a Secret beside a key of the
// same name with _file, and a map of secrets beside one of files (secrets and
// secret_files).
type secretFiles struct {
	one   func(key string, value *Secret, file string)
	named func(key, filesKey string, values *map[string]Secret, files map[string]string)
}

// walk takes those of a section that can be set. Lists of sections below it
// are copied first, so that what is changed is the section's own.
func (w secretFiles) walk(section reflect.Value, place string) {
	fields := map[string]reflect.Value{}
	for i := range section.NumField() {
		fields[section.Type().Field(i).Tag.Get("koanf")] = section.Field(i)
	}
	for i := range section.NumField() {
		field, tag := section.Field(i), section.Type().Field(i).Tag.Get("koanf")
		key, filesTag := place+tag, strings.TrimSuffix(tag, "s")+"_files"
		switch {
		case field.Kind() == reflect.Struct:
			w.walk(field, key+".")
		case isSections(field.Type()) && field.Len() > 0:
			own := reflect.MakeSlice(field.Type(), field.Len(), field.Len())
			reflect.Copy(own, field)
			field.Set(own)
			for i := range own.Len() {
				w.walk(own.Index(i), fmt.Sprintf("%s[%d].", key, i))
			}
		case field.Type() == secretType:
			if file := fields[tag+"_file"]; file.IsValid() && file.String() != "" {
				w.one(key, field.Addr().Interface().(*Secret), file.String())
			}
		case field.Type() == secretMapType:
			if files := fields[filesTag]; files.IsValid() && files.Len() > 0 {
				w.named(key, place+filesTag, field.Addr().Interface().(*map[string]Secret), files.Interface().(map[string]string))
			}
		}
	}
}

// secret is a file's text without the line feed that editors add.
func (l *loader) secret(key, path string) Secret {
	text, err := readFile(path)
	if err != nil {
		l.add(key, "", "names a file that cannot be read: "+err.Error(), "name a readable file that holds the secret alone")
		return ""
	}
	s := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if s == "" {
		l.add(key, "", "names a file that is empty", "name a file that holds the secret alone")
	}
	return Secret(s)
}
