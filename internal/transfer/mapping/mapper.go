package mapping

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// Environment is what a mapping needs from outside.
type Environment struct {
	DomainToASCII func(domain string) (string, error)
	// ParseMobile reads numbers that no e164 transform has read.
	ParseMobile   func(number string) (registration.Mobile, error)
	DefaultLocale string
	// CheckHash says why a password's hash cannot be used: its format is not known,
	// or it costs too much to verify. The hash is not in the error's text.
	CheckHash func(hash string) error
	Now       func() time.Time
}

// Lengths of the store's columns and of the contract, in characters.
const (
	maxExternalID   = 64
	maxUsername     = 64
	maxEmail        = 254
	maxName         = 30
	maxPasswordHash = 512
)

// clockTolerance is how far in the future a time may be.
const clockTolerance = 24 * time.Hour

// Mapper implements transfer.Mapper.
type Mapper struct {
	*Mapping
	env     Environment
	indexes map[string][]int // of a field's columns in Columns
	names   []string
	domains cache[string]
	locales cache[locale]
}

type locale struct {
	tag   string
	wrong *registration.FieldError
}

// Mapper makes a Mapper of rows with the values of Columns.
func (m *Mapping) Mapper(env Environment) *Mapper {
	p := &Mapper{Mapping: m, env: env, indexes: map[string][]int{}}
	columns := map[string]int{}
	for i, c := range m.Columns() {
		columns[c] = i
	}
	for _, name := range FieldNames() {
		f := m.fields[name]
		if f.make == nil {
			continue
		}
		p.names = append(p.names, name)
		for _, c := range f.columns {
			p.indexes[name] = append(p.indexes[name], columns[c])
		}
	}
	return p
}

// row is one row on its way to a Person.
type row struct {
	*Mapper
	values map[string]value
	transfer.Mapped
}

// Map implements transfer.Mapper.
func (p *Mapper) Map(from transfer.Row) transfer.Mapped {
	r := &row{Mapper: p}
	if from.Wrong != "" {
		r.note(transfer.RowUnreadable, "", from.Wrong)
		return r.Mapped
	}
	r.transform(from)
	a := &r.Person.Account
	a.Caller = p.Caller
	r.externalID()
	r.username()
	r.email()
	r.ownUsername()
	r.mobile()
	r.password()
	r.Person.Profile.FirstName = r.name(fieldFirstName)
	r.Person.Profile.LastName = r.name(fieldLastName)
	r.locale()
	r.consent()
	r.times()
	r.status()
	return r.Mapped
}

// ExternalID is that of a row, without what else is in it; "" for none that can be
// used.
func (p *Mapper) ExternalID(from transfer.Row) string {
	if from.Wrong != "" {
		return ""
	}
	r := &row{Mapper: p}
	r.values = map[string]value{fieldExternalID: r.valueOf(fieldExternalID, from)}
	r.externalID()
	return r.Person.Account.ExternalID
}

// note adds a finding, and gives what is to be done about it.
func (r *row) note(rule transfer.Rule, field, why string) transfer.Action {
	f := r.finding(rule, field, why)
	r.Findings = append(r.Findings, f)
	return f.Action
}

// transform makes the values of all fields.
func (r *row) transform(from transfer.Row) {
	r.values = make(map[string]value, len(r.names))
	for _, name := range r.names {
		r.values[name] = r.valueOf(name, from)
	}
}

// valueOf makes the value of one field.
func (r *row) valueOf(name string, from transfer.Row) value {
	f := r.fields[name]
	var taken [8]transfer.Value
	columns := taken[:0]
	for _, i := range r.indexes[name] {
		columns = append(columns, from.Values[i])
	}
	v := f.make(columns)
	for _, t := range f.transforms {
		changed, err := t(v)
		if err == errMobile { //nolint:errorlint // never wrapped
			r.note(transfer.MobileInvalid, name, "")
			changed, err = value{null: true}, nil
		}
		if err != nil {
			r.note(transfer.ValueInvalid, name, err.Error())
			changed = value{null: true}
		}
		v = changed
	}
	if !v.null && !utf8.ValidString(v.text) {
		r.note(transfer.ValueInvalid, name, "is not UTF-8: see charset")
		v = value{null: true}
	}
	return v
}

// text gives a field's text; "" for none.
func (r *row) text(name string) string {
	v, ok := r.values[name]
	if !ok || v.null {
		return ""
	}
	return v.text
}

// broken says whether a field's value could not be read, which was told.
func (r *row) broken(field string) bool {
	return slices.ContainsFunc(r.Findings, func(f transfer.Finding) bool { return f.Rule == transfer.ValueInvalid && f.Field == field })
}

func (r *row) externalID() {
	id := r.text(fieldExternalID)
	switch {
	case id == "" && r.broken(fieldExternalID):
	case id == "":
		r.note(transfer.ExternalIDInvalid, "", "there is none")
	case utf8.RuneCountInString(id) > maxExternalID:
		r.note(transfer.ExternalIDInvalid, "", "it has more than 64 characters")
	case strings.ContainsFunc(id, unicode.IsControl):
		r.note(transfer.ExternalIDInvalid, "", "it holds a control character")
	default:
		r.Person.Account.ExternalID = id
	}
}

func (r *row) username() {
	text := r.text(fieldUsername)
	if text == "" {
		if !r.broken(fieldUsername) && r.note(transfer.UsernameMissing, "", "") == transfer.ExternalID {
			r.generateUsername()
		}
		return
	}
	name, wrong := registration.ParseUsername(text)
	var why string
	switch {
	case wrong != nil:
		why = wrong.Message
	case utf8.RuneCountInString(text) > maxUsername:
		why = "has more than 64 characters"
	default:
		r.Person.Account.Username = name
		return
	}
	if r.note(transfer.UsernameInvalid, "", why) == transfer.ExternalID {
		r.generateUsername()
	}
}

// generateUsername makes a name of the external id. Where that does not come to a
// name the row is refused.
func (r *row) generateUsername() bool {
	a := &r.Person.Account
	name, wrong := registration.ParseUsername("user-" + a.ExternalID)
	if a.ExternalID == "" || wrong != nil || utf8.RuneCountInString(name.Text) > maxUsername || strings.ContainsRune(name.Key, '@') {
		r.Findings = append(r.Findings, transfer.Finding{Rule: transfer.UsernameInvalid, Action: transfer.Refuse, Why: "none can be made of the external id"})
		return false
	}
	a.Username = name
	return true
}

func (r *row) email() {
	text := r.text(fieldEmail)
	if text == "" {
		if !r.broken(fieldEmail) {
			r.note(transfer.EmailMissing, "", "")
		}
		return
	}
	email, wrong := registration.ParseEmail(text, r.domain)
	var why string
	switch {
	case wrong != nil:
		why = wrong.Message
	case utf8.RuneCountInString(text) > maxEmail:
		why = "has more than 254 characters"
	default:
		r.Person.Account.Email = email
		return
	}
	r.note(transfer.EmailInvalid, "", why)
}

// ownUsername refuses a name that is somebody else's address.
func (r *row) ownUsername() {
	a := &r.Person.Account
	if !strings.ContainsRune(a.Username.Key, '@') {
		return
	}
	if address, wrong := registration.ParseEmail(a.Username.Text, r.domain); wrong == nil && a.Email.Text != "" && address.Key == a.Email.Key {
		return
	}
	a.Username = registration.Username{}
	if r.note(transfer.UsernameInvalid, "", "is an e-mail address other than the account's own") == transfer.ExternalID {
		r.generateUsername()
	}
}

func (r *row) mobile() {
	v := r.values[fieldMobile]
	if v.null || v.text == "" {
		return
	}
	if v.mobile == "" {
		var err error
		if v.mobile, err = r.env.ParseMobile(v.text); err != nil {
			r.note(transfer.MobileInvalid, "", "")
			return
		}
	}
	r.Person.Account.Mobile = v.mobile
}

func (r *row) password() {
	hash := r.text(fieldPasswordHash)
	if hash == "" {
		if !r.broken(fieldPasswordHash) {
			r.note(transfer.PasswordMissing, "", "")
		}
		return
	}
	err := r.env.CheckHash(hash)
	switch {
	case err != nil:
		r.note(transfer.PasswordUnusable, "", err.Error())
	case utf8.RuneCountInString(hash) > maxPasswordHash:
		r.note(transfer.PasswordUnusable, "", "has more than 512 characters")
	default:
		r.Person.Account.PasswordHash = hash
	}
}

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

func (r *row) times() {
	a := &r.Person.Account
	a.RegisteredAt = r.time(fieldRegisteredAt)
	if a.Email.Text != "" {
		a.EmailVerifiedAt = r.time(fieldEmailVerifiedAt)
	}
	if a.Mobile != "" {
		a.MobileVerifiedAt = r.time(fieldMobileVerifiedAt)
	}
}

// time gives a field's time, to the microsecond; zero for none.
func (r *row) time(field string) time.Time {
	v, ok := r.values[field]
	if !ok || v.null || v.text == "" {
		return time.Time{}
	}
	at := v.at
	if at.IsZero() {
		var err error
		if at, err = time.Parse(time.RFC3339, v.text); err != nil {
			r.note(transfer.ValueInvalid, field, "is not a time: see the transforms sql_time and unix_time")
			return time.Time{}
		}
	}
	if at.UnixMicro() <= 0 || at.After(r.env.Now().Add(clockTolerance)) {
		r.note(transfer.ValueInvalid, field, "is before 1970 or in the future")
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// status is the mapping's, or follows from what is verified: who has no address to
// verify does not wait for it.
func (r *row) status() {
	a := &r.Person.Account
	text := r.text(fieldStatus)
	status, ok := statusOf(text)
	switch {
	case ok:
		a.Status = status
	case text != "":
		r.note(transfer.ValueInvalid, fieldStatus, wrongStatus)
	case a.Email.Text == "" || !a.EmailVerifiedAt.IsZero():
		a.Status = registration.Active
	default:
		a.Status = registration.PendingVerification
	}
}

// Yield implements transfer.Mapper.
func (p *Mapper) Yield(m transfer.Mapped, taken transfer.Taken) transfer.Mapped {
	r := &row{Mapper: p, Mapped: transfer.Mapped{Person: m.Person, Findings: append([]transfer.Finding{}, m.Findings...)}}
	a := &r.Person.Account
	before := a.Username.Key
	if taken.Email {
		if r.note(transfer.EmailTaken, "", "") == transfer.Drop {
			a.Email, a.EmailVerifiedAt = registration.Email{}, time.Time{}
			r.ownUsername()
		}
	}
	if taken.Username && a.Username.Key == before {
		if r.note(transfer.UsernameTaken, "", "") == transfer.ExternalID && r.generateUsername() && a.Username.Key == before {
			r.Findings[len(r.Findings)-1].Action = transfer.Refuse
		}
	}
	return r.Mapped
}

// domain is Environment.DomainToASCII of the few domains that most people have.
func (r *row) domain(name string) (string, error) {
	ascii := r.domains.get(name, func() string {
		ascii, err := r.env.DomainToASCII(name)
		if err != nil {
			return ""
		}
		return ascii
	})
	if ascii == "" {
		return "", errDomain
	}
	return ascii, nil
}

// cache keeps what was worked out for the first texts that it was asked for.
type cache[T any] struct {
	mu    sync.RWMutex
	known map[string]T
}

const cacheMost = 4096

func (c *cache[T]) get(text string, work func() T) T {
	c.mu.RLock()
	v, ok := c.known[text]
	c.mu.RUnlock()
	if ok {
		return v
	}
	v = work()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]T{}
	}
	if len(c.known) < cacheMost {
		c.known[strings.Clone(text)] = v
	}
	return v
}
