package config

import (
	"maps"
	"slices"
	"strings"
)

// secrets reads the files that hold secrets.
func (l *loader) secrets(c *Config) {
	for _, s := range []struct {
		name  string
		value *Secret
		file  string
	}{
		{"database.password", &c.Database.Password, c.Database.PasswordFile},
		{"callers.key", &c.Callers.Key, c.Callers.KeyFile},
		{"email.smtp.password", &c.Email.SMTP.Password, c.Email.SMTP.PasswordFile},
	} {
		switch {
		case s.file == "":
		case *s.value != "":
			l.add(s.name+"_file", "", "is set, and so is "+s.name, "keep one of them")
		default:
			*s.value = l.secret(s.name+"_file", s.file)
		}
	}
	http := &c.SMS.HTTP
	for _, name := range slices.Sorted(maps.Keys(http.SecretFiles)) {
		full := "sms.http.secret_files." + name
		if _, twice := http.Secrets[name]; twice {
			l.add(full, "", "is set, and so is sms.http.secrets."+name, "keep one of them")
			continue
		}
		if http.Secrets == nil {
			http.Secrets = map[string]Secret{}
		}
		http.Secrets[name] = l.secret(full, http.SecretFiles[name])
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
