package registration_test

import (
	"slices"
	"strings"
	"testing"

	"registrar/internal/address"
	"registrar/internal/password"
	"registrar/internal/registration"
)

// rules are the real ones, with a Saudi default region.
func rules(t testing.TB) registration.Rules {
	t.Helper()
	policy, err := password.NewPolicy(8, password.DefaultArgon2id)
	if err != nil {
		t.Fatal(err)
	}
	return registration.Rules{
		DomainToASCII: address.DomainToASCII,
		ParseMobile:   address.Mobiles{Region: "SA"}.Parse,
		CheckPassword: policy.Check,
		DefaultLocale: "en",
	}
}

func request() registration.Request {
	return registration.Request{
		Caller: "monolith", Username: "layla.h", Email: "Layla@Example.com", Password: "correct horse battery staple",
		FirstName: "Layla", LastName: "Al-Hassan", MobileNumber: "0512345678", Locale: "ar-sa", MarketingConsent: true, ExternalID: "4711",
	}
}

// told are field and rule of each error, in order.
func told(wrong []registration.FieldError) []string {
	var all []string
	for _, w := range wrong {
		all = append(all, w.Field+" "+w.Rule)
	}
	return all
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*registration.Request)
		want   []string
	}{
		{"right", func(*registration.Request) {}, nil},
		{"the least", func(r *registration.Request) {
			*r = registration.Request{Username: "layla.h", Email: "l@example.com", Password: "correct horse battery staple"}
		}, nil},
		{"everything wrong", func(r *registration.Request) {
			*r = registration.Request{
				Username: "a b", Email: "nobody", Password: "password1", FirstName: "A\nB", LastName: "\u200b ", MobileNumber: "12", Locale: "not a locale", ExternalID: "\x07",
			}
		}, []string{
			"username CHARACTERS", "email FORMAT", "password BLOCKLISTED", "firstName CHARACTERS", "lastName BLANK",
			"mobileNumber FORMAT", "locale LANGUAGE_TAG", "externalId CHARACTERS",
		}},
		{"empty", func(r *registration.Request) { *r = registration.Request{} }, []string{"username TOO_SHORT", "email FORMAT", "password TOO_SHORT"}},
		{"own address for a name", func(r *registration.Request) { r.Username = "LAYLA@example.COM" }, nil},
		{"another's address for a name", func(r *registration.Request) { r.Username = "omar@example.com" }, []string{"username OTHER_ADDRESS"}},
		{"an at sign in a name", func(r *registration.Request) { r.Username = "layla@home" }, []string{"username OTHER_ADDRESS"}},
		{"a full-width at sign in a name", func(r *registration.Request) { r.Username = "omar＠example.com" }, []string{"username OTHER_ADDRESS"}},
		{"an address for a name, and a wrong e-mail", func(r *registration.Request) { r.Username, r.Email = "omar@example.com", "omar" }, []string{"email FORMAT"}},
		{"password like the name", func(r *registration.Request) { r.Password = "hassan-layla-77" }, []string{"password LIKE_NAME"}},
		{"password like a wrong e-mail", func(r *registration.Request) { r.Email, r.Password = "zubayda", "zubayda-77" }, []string{"email FORMAT", "password LIKE_EMAIL"}},
		{"line separator in a name", func(r *registration.Request) { r.LastName = "Al\u2028Hassan" }, []string{"lastName CHARACTERS"}},
		{"override in a name", func(r *registration.Request) { r.FirstName = "Layla\u202e" }, []string{"firstName CHARACTERS"}},
		{"mark in an Arabic name", func(r *registration.Request) { r.FirstName = "\u200fليلى" }, nil},
		{"joiner in a Persian name", func(r *registration.Request) { r.FirstName = "علی\u200cرضا" }, nil},
		{"invalid octets", func(r *registration.Request) { r.FirstName, r.ExternalID = "\xff", "\xff" }, []string{"firstName CHARACTERS", "externalId CHARACTERS"}},
		{"fillers for a name", func(r *registration.Request) { r.FirstName = "\u3164\u115f" }, []string{"firstName BLANK"}},
		{"external id in Arabic", func(r *registration.Request) { r.ExternalID = "عميل ٤٧" }, nil},
		{"fixed line", func(r *registration.Request) { r.MobileNumber = "0112345678" }, []string{"mobileNumber FORMAT"}},
		{"locale of an unknown language", func(r *registration.Request) { r.Locale = "qq" }, []string{"locale LANGUAGE_TAG"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request()
			test.change(&r)
			wrong := rules(t).Check(r)
			if got := told(wrong); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, w := range wrong {
				for _, value := range []string{r.Username, r.Email, r.Password, r.FirstName, r.LastName, r.MobileNumber, r.ExternalID} {
					if len(value) > 3 && strings.Contains(w.Message, value) {
						t.Errorf("the message of %s holds a value: %s", w.Field, w.Message)
					}
				}
			}
		})
	}
}

func TestCheckLookup(t *testing.T) {
	t.Parallel()
	const id = "0192f0c1-2b3c-7d4e-8f50-112233445566"
	for _, test := range []struct {
		lookup registration.Lookup
		want   []string
	}{
		{registration.Lookup{RegistrationID: id}, nil},
		{registration.Lookup{Username: "Layla.H"}, nil},
		{registration.Lookup{Email: "layla@example.com"}, nil},
		{registration.Lookup{ExternalID: "4711"}, nil},
		{registration.Lookup{}, []string{"GetRegistrationRequest EXACTLY_ONE"}},
		{registration.Lookup{Caller: "monolith"}, []string{"GetRegistrationRequest EXACTLY_ONE"}},
		{registration.Lookup{Username: "layla.h", Email: "layla@example.com"}, []string{"GetRegistrationRequest EXACTLY_ONE"}},
		{registration.Lookup{RegistrationID: id, ExternalID: "x"}, []string{"GetRegistrationRequest EXACTLY_ONE"}},
		{registration.Lookup{RegistrationID: "4711"}, []string{"registrationId UUID"}},
		{registration.Lookup{Username: "a b"}, []string{"username CHARACTERS"}},
		{registration.Lookup{Email: "layla"}, []string{"email FORMAT"}},
	} {
		if got := told(rules(t).CheckLookup(test.lookup)); !slices.Equal(got, test.want) {
			t.Errorf("%+v: got %q, want %q", test.lookup, got, test.want)
		}
	}
}
