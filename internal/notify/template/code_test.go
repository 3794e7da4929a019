package template_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/bidi"

	"registrar/internal/notify"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

const aCode = "012345"

// noon is when the tests of codes are.
var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func codeOf(channel registration.Channel, locale string) notify.Claim {
	claim := claimOf(channel, locale, "ada", "Ada", "Lovelace")
	claim.Notification.Kind = registration.VerificationCode
	claim.Code = notify.Code{Text: aCode, ExpiresAt: noon.Add(10 * time.Minute)}
	return claim
}

func TestTheCodesMail(t *testing.T) {
	c := load(t, template.Options{Now: atNoon, CodeDomain: "example.com"})
	for locale, want := range map[string]string{"en": "It is valid for 10 minutes, and once only.", "ar": "الرمز صالح لمدة 10 دقائق، ولمرة واحدة فقط."} {
		m := render(t, c, codeOf(registration.EmailChannel, locale))
		if strings.Count(m.Text, aCode) != 1 || strings.Count(m.HTML, aCode) != 1 || !strings.Contains(m.Text, want) || m.Kind != registration.VerificationCode {
			t.Errorf("%s", m.Text)
		}
		// Whoever sees a locked telephone sees the subject and the beginning.
		beginning, _, _ := strings.Cut(m.HTML, "<h1")
		if strings.Contains(m.Subject, aCode) || strings.Contains(beginning, aCode) || strings.Index(m.Text, aCode) < 90 {
			t.Errorf("the code is shown too early: %q, %q", m.Subject, m.Text)
		}
		if strings.Contains(m.Text+m.HTML, "@example.com #") {
			t.Error("the mail has an SMS's line")
		}
	}
}

func TestHowLongACodeIsValid(t *testing.T) {
	c := load(t, template.Options{Now: atNoon})
	for left, want := range map[time.Duration][2]string{
		-time.Minute: {"1 minute,", "دقيقة واحدة،"}, time.Second: {"1 minute,", "دقيقة واحدة،"}, 89 * time.Second: {"1 minute,", "دقيقة واحدة،"},
		90 * time.Second: {"2 minutes,", "دقيقتين،"}, 10*time.Minute - time.Millisecond: {"10 minutes,", "10 دقائق،"},
		3 * time.Minute: {"3 minutes,", "3 دقائق،"}, 11 * time.Minute: {"11 minutes,", "11 دقيقة،"}, 100 * time.Minute: {"100 minutes,", "100 دقيقة،"},
		103 * time.Minute: {"103 minutes,", "103 دقائق،"},
	} {
		for i, locale := range []string{"en", "ar"} {
			claim := codeOf(registration.EmailChannel, locale)
			claim.Code.ExpiresAt = noon.Add(left)
			if m := render(t, c, claim); !strings.Contains(m.Text, " "+want[i]) {
				t.Errorf("with %s left there is no %q: %s", left, want[i], m.Text)
			}
		}
	}
}

func TestTheCodesSMS(t *testing.T) {
	for _, one := range []struct{ domain, locale, want string }{
		{"", "en", "Registrar code: 012345. Never share it."},
		{"example.com", "en", "Registrar code: 012345. Never share it.\n@example.com #012345"},
		{"Login.Example.COM", "en", "Registrar code: 012345. Never share it.\n@login.example.com #012345"},
		{"", "ar", "رمز \u2068Registrar\u2069: \u2067012345 \u2069لا تشاركه."},
		{"example.com", "ar", "رمز التحقق: \u2067012345 \u2069لا تشاركه.\n@example.com #012345"},
		{"registration.example-bank.com.sa", "ar", "رمز التحقق: \u2067012345 \u2069\n@registration.example-bank.com.sa #012345"},
	} {
		m := render(t, load(t, template.Options{CodeDomain: one.domain, Now: atNoon}), codeOf(registration.SMSChannel, one.locale))
		if m.Text != one.want || template.Segments(m.Text) != 1 {
			t.Errorf("%s for %q: %q, %+v", one.locale, one.domain, m.Text, template.Measure(m.Text))
		}
	}
}

// TestDomainsThatFit: each that Load takes leaves a code in one segment, and
// Load says which it does not take.
func TestDomainsThatFit(t *testing.T) {
	taken := 0
	for length := 4; length < 70; length++ {
		domain := strings.Repeat("d", length-3) + ".sa"
		c, err := template.Load(template.Options{CodeDomain: domain})
		if err != nil {
			if !strings.Contains(err.Error(), "verification_code/ar/sms.txt renders to an SMS of 2 segments") || !strings.Contains(err.Error(), "sms.code_domain") {
				t.Fatalf("%d characters: %v", length, err)
			}
			continue
		}
		if taken++; taken != length-3 {
			t.Errorf("a longer domain than one that is refused is taken: %d characters", length)
		}
		for _, locale := range []string{"en", "ar"} {
			if m := render(t, c, codeOf(registration.SMSChannel, locale)); template.Segments(m.Text) != 1 || !strings.HasSuffix(m.Text, "\n@"+domain+" #"+aCode) {
				t.Errorf("%d characters: %q", length, m.Text)
			}
		}
	}
	if longest := taken + 3; longest < 39 {
		t.Errorf("a domain of more than %d characters does not fit", longest)
	}
}

func TestBrandsOfAnyScriptInACodesSMS(t *testing.T) {
	for _, brand := range []string{"سجلّ", "Ægir & Søn", "Реестр", strings.Repeat("Registrar ", 6), "株式会社"} {
		c := load(t, template.Options{Brand: brand, CodeDomain: "example.com"})
		for _, locale := range []string{"en", "ar"} {
			if m := render(t, c, codeOf(registration.SMSChannel, locale)); template.Segments(m.Text) != 1 {
				t.Errorf("%q", m.Text)
			}
		}
	}
}

// TestNobodyReordersACode: by UAX #9, in the visual order of its line.
func TestNobodyReordersACode(t *testing.T) {
	c := load(t, template.Options{Now: atNoon})
	for _, channel := range []registration.Channel{registration.EmailChannel, registration.SMSChannel} {
		found := 0
		for line := range strings.SplitSeq(render(t, c, codeOf(channel, "ar")).Text, "\n") {
			if !strings.Contains(line, aCode) {
				continue
			}
			var p bidi.Paragraph
			if _, err := p.SetString(line); err != nil {
				t.Fatal(err)
			}
			order, err := p.Order()
			if err != nil {
				t.Fatal(err)
			}
			for i := range order.NumRuns() {
				if run := order.Run(i); strings.Contains(run.String(), aCode) && run.Direction() == bidi.LeftToRight {
					found++
				}
			}
			// Who selects the word must not copy a mark with it.
			_, after, _ := strings.Cut(line, aCode)
			if !strings.HasPrefix(after, " \u2069") {
				t.Errorf("after the code comes %q", after)
			}
		}
		if found != 1 {
			t.Errorf("%s: the code is in %d runs from left to right", channel, found)
		}
	}
}

func TestAClaimWithoutItsCode(t *testing.T) {
	claim := codeOf(registration.SMSChannel, "en")
	claim.Code.Text = ""
	if m, err := load(t, template.Options{}).Render(claim); err == nil {
		t.Errorf("rendered %q", m.Text)
	}
}

func TestPluralForms(t *testing.T) {
	for name, one := range map[string]struct{ call, want string }{
		"a form that is none": {`"some" "%d" "other" "%d"`, "plural wants a number"},
		"half a pair":         {`"one" "%d" "other"`, "plural wants a number"},
		"without other":       {`"one" "%d"`, "the form other"},
	} {
		dir := write(t, "v1/verification_code/en/text.txt", fmt.Sprintf("{{.Code}} {{plural .ValidMinutes %s}}", one.call))
		if _, err := template.Load(template.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), one.want) || !strings.Contains(err.Error(), "verification_code/en/text.txt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
