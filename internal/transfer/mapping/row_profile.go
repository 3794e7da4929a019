package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

func (r *row) name(field string) string {
	text := r.text(field)
	if text == "" {
		return ""
	}
	if wrong := registration.CheckName(field, text); wrong != nil {
		r.note(transfer.NameInvalid, field, wrong.Message)
		return ""
	}
	if utf8.RuneCountInString(text) <= maxName {
		return text
	}
	if r.note(transfer.NameTooLong, field, "") != transfer.Truncate {
		return ""
	}
	return truncated(text)
}

// truncated is the first characters of a name, not cut inside of a letter with its
// marks.
func truncated(text string) string {
	runes := []rune(text)
	n := maxName
	for n > 1 && (unicode.In(runes[n], unicode.Mn, unicode.Me, unicode.Mc) || runes[n] == '\u200d' || runes[n-1] == '\u200d') {
		n--
	}
	return strings.TrimSpace(string(runes[:n]))
}

type locale struct {
	tag   string
	wrong *registration.FieldError
}

// posix is a locale as BCP 47 writes it of one as POSIX does.
func posix(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "_", "-") }

func (r *row) locale() {
	text := posix(r.text(fieldLocale))
	profile := &r.Person.Profile
	profile.Locale = r.env.DefaultLocale
	if text == "" {
		return
	}
	l := r.locales.get(text, func() locale {
		tag, wrong := registration.ParseLocale(text)
		return locale{tag, wrong}
	})
	if l.wrong != nil {
		r.note(transfer.LocaleInvalid, "", "")
		return
	}
	profile.Locale = l.tag
}

func (r *row) consent() {
	v, ok := r.values[fieldConsent]
	if !ok || v.null {
		return
	}
	v, err := plainTransforms["bool"](v)
	if err != nil {
		r.note(transfer.ValueInvalid, fieldConsent, err.Error())
		return
	}
	r.Person.Profile.MarketingConsent = v.text == "true"
}
