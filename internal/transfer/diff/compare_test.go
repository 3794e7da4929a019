package diff_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
)

// TestCompare: of what can only go on it matters on which side it has.
func TestCompare(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	someone := func(change func(*transfer.Person)) transfer.Person {
		p := transfer.Person{
			Account: registration.Account{
				Username: registration.Username{Text: "Amina", Key: "amina"}, Email: registration.Email{Text: "Amina@example.com", Key: "amina@example.com"},
				Mobile: "+966512345678", PasswordHash: "imported", Status: registration.Active, RegisteredAt: at, EmailVerifiedAt: at, MobileVerifiedAt: at,
			},
			Profile: registration.Profile{FirstName: "Amina", LastName: "Noor", Locale: "ar", MarketingConsent: true},
		}
		change(&p)
		return p
	}
	comparer := diff.Comparer{
		Compares: func(field string) bool { return field != "locale" },
		Yield:    func(m transfer.Mapped, _ transfer.Taken) transfer.Mapped { return m },
		OwnHash:  func(h string) bool { return h == "own" },
	}
	for name, tt := range map[string]struct {
		change        func(*transfer.Person)
		differ, ahead []string // of the one that is changed in the store
		back          []string // that differ where the table has the change
		backAhead     []string
		rehashed      bool
	}{
		"nothing":                  {change: func(*transfer.Person) {}},
		"another spelling":         {change: func(p *transfer.Person) { p.Account.Username.Text, p.Account.Email.Text = "AMINA", "amina@EXAMPLE.com" }},
		"a field that is nobody's": {change: func(p *transfer.Person) { p.Profile.Locale = "fr" }},
		"no address": {
			change: func(p *transfer.Person) {
				p.Account.Email, p.Account.EmailVerifiedAt = registration.Email{Key: "an id"}, time.Time{}
			},
			differ: []string{"email", "email_verified_at"}, back: []string{"email"}, backAhead: []string{"email_verified_at"},
		},
		"not verified":       {change: func(p *transfer.Person) { p.Account.MobileVerifiedAt = time.Time{} }, differ: []string{"mobile_verified_at"}, backAhead: []string{"mobile_verified_at"}},
		"another time of it": {change: func(p *transfer.Person) { p.Account.EmailVerifiedAt = at.Add(time.Hour) }},
		"pending":            {change: func(p *transfer.Person) { p.Account.Status = registration.PendingVerification }, differ: []string{"status"}, backAhead: []string{"status"}},
		"no consent":         {change: func(p *transfer.Person) { p.Profile.MarketingConsent = false }, ahead: []string{"marketing_consent"}, back: []string{"marketing_consent"}},
		"names":              {change: func(p *transfer.Person) { p.Profile.FirstName, p.Profile.LastName = "A", "N" }, differ: []string{"first_name", "last_name"}, back: []string{"first_name", "last_name"}},
		"another number":     {change: func(p *transfer.Person) { p.Account.Mobile = "+966512345679" }, differ: []string{"mobile"}, back: []string{"mobile"}},
		"hashed anew":        {change: func(p *transfer.Person) { p.Account.PasswordHash = "own" }, rehashed: true, back: []string{"password_hash"}},
		"another password":   {change: func(p *transfer.Person) { p.Account.PasswordHash = "other" }, differ: []string{"password_hash"}, back: []string{"password_hash"}},
		"the clock":          {change: func(p *transfer.Person) { p.Account.RegisteredAt = at.Add(time.Minute) }},
		"another day":        {change: func(p *transfer.Person) { p.Account.RegisteredAt = at.Add(24 * time.Hour) }, differ: []string{"registered_at"}, back: []string{"registered_at"}},
	} {
		t.Run(name, func(t *testing.T) {
			one, other := someone(func(*transfer.Person) {}), someone(tt.change)
			got := comparer.Compare(transfer.Mapped{Person: one}, other)
			if !slices.Equal(got.Differ, tt.differ) || !slices.Equal(got.Ahead, tt.ahead) || got.Rehashed != tt.rehashed {
				t.Errorf("in the store: %+v", got)
			}
			got = comparer.Compare(transfer.Mapped{Person: other}, one)
			if !slices.Equal(got.Differ, tt.back) || !slices.Equal(got.Ahead, tt.backAhead) || got.Rehashed {
				t.Errorf("in the table: %+v", got)
			}
		})
	}
	noTime := someone(func(p *transfer.Person) { p.Account.RegisteredAt = time.Time{} })
	if got := comparer.Compare(transfer.Mapped{Person: noTime}, someone(func(*transfer.Person) {})); len(got.Differ) > 0 {
		t.Errorf("without a time: %+v", got)
	}
}

// TestNamesOfOneColumn: a full name says nothing of where its parts end, and all of
// the rest.
func TestNamesOfOneColumn(t *testing.T) {
	named := func(first, last string) transfer.Person {
		return transfer.Person{Profile: registration.Profile{FirstName: first, LastName: last}}
	}
	comparer := diff.Comparer{
		Compares: func(string) bool { return true },
		Yield:    func(m transfer.Mapped, _ transfer.Taken) transfer.Mapped { return m },
		Names: func(p registration.Profile) (first, last string, ok bool) {
			first, last, _ = strings.Cut(strings.Join(strings.Fields(p.FirstName+" "+p.LastName), " "), " ")
			return first, last, p.FirstName != "two columns"
		},
		OwnHash: func(string) bool { return false },
	}
	for name, tt := range map[string]struct {
		table, stored transfer.Person
		differ        []string
	}{
		"two first names":   {named("Maria", "Anna Noor"), named("Maria Anna", "Noor"), nil},
		"a space before":    {named("Maria", "Noor"), named(" Maria", "Noor"), nil},
		"a last name alone": {named("Noor", ""), named("", "Noor"), nil},
		"another last name": {named("Maria", "Anna Haddad"), named("Maria Anna", "Noor"), []string{"last_name"}},
		"another name":      {named("Mariam", "Haddad"), named("Maria", "Noor"), []string{"first_name", "last_name"}},
		"two columns":       {named("two", "columns"), named("two columns", ""), []string{"first_name", "last_name"}},
	} {
		if got := comparer.Compare(transfer.Mapped{Person: tt.table}, tt.stored); !slices.Equal(got.Differ, tt.differ) || len(got.Ahead) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
