package template_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"registrar/internal/notify"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

func load(t *testing.T, o template.Options) *template.Catalog {
	t.Helper()
	c, err := template.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func claimOf(channel registration.Channel, locale, username, first, last string) notify.Claim {
	return notify.Claim{
		Attempt: notify.Attempt{NotificationID: registration.ID{1}, Number: 1},
		Notification: registration.Notification{ID: registration.ID{1}, Kind: registration.RegistrationCompleted, Channel: channel,
			Recipient: "ada@example.com", Locale: locale},
		Username: username, FirstName: first, LastName: last,
	}
}

func render(t *testing.T, c *template.Catalog, claim notify.Claim) notify.Message {
	t.Helper()
	m, err := c.Render(claim)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRegistrationCompleted(t *testing.T) {
	c := load(t, template.Options{})
	m := render(t, c, claimOf(registration.EmailChannel, "en", "ada", "Ada", "Lovelace"))
	if m.Subject != "Your Registrar account is ready" || m.Name != "Ada Lovelace" || m.Locale != "en" || m.To != "ada@example.com" || m.Kind != registration.RegistrationCompleted || m.Unsubscribe != "" {
		t.Errorf("%+v", m)
	}
	for _, want := range []string{"Hello Ada Lovelace,", "Your account ada is verified, and you can use it", "If you did not register", "support of Registrar"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the text has no %q", want)
		}
	}
	m = render(t, c, claimOf(registration.EmailChannel, "ar", "nour.91", "نور", "الهاشمي"))
	if m.Subject != "حسابك في \u2068Registrar\u2069 جاهز" || !strings.Contains(m.Text, "تم التحقق من حسابك \u2068nour.91\u2069") || !strings.Contains(m.Text, "مرحبًا نور الهاشمي،") {
		t.Errorf("%q\n%s", m.Subject, m.Text)
	}
	if !strings.Contains(m.HTML, `<html lang="ar" dir="rtl">`) || !strings.Contains(m.HTML, `<body class="page" dir="rtl"`) {
		t.Error("the Arabic HTML does not run from right to left")
	}
	m = render(t, load(t, template.Options{Brand: "Example Portal", Contact: "help@example.org"}), claimOf(registration.EmailChannel, "en", "سلمى", "", ""))
	for _, want := range []string{"Hello,", "\u2068سلمى\u2069", "tell us at help@example.org", "Example Portal"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("the text has no %q: %s", want, m.Text)
		}
	}
}

func TestSMS(t *testing.T) {
	c := load(t, template.Options{})
	for _, username := range []string{"ada", strings.Repeat("n", 64), "ada.lovelace@mathematics.example.org"} {
		m := render(t, c, claimOf(registration.SMSChannel, "en", username, "Ada", "Lovelace"))
		if n := template.Segments(m.Text); n != 1 || m.Subject != "" || m.HTML != "" {
			t.Errorf("%d segments, %q, %q", n, m.Subject, m.Text)
		}
	}
	if m := render(t, c, claimOf(registration.SMSChannel, "ar", "nour.91", "نور", "الهاشمي")); template.Segments(m.Text) > 2 || !strings.Contains(m.Text, "\u2068nour.91\u2069") {
		t.Errorf("%d segments, %q", template.Segments(m.Text), m.Text)
	}
}

func TestMatch(t *testing.T) {
	c := load(t, template.Options{DefaultLocale: "ar"})
	for asked, want := range map[string]string{
		"en": "en", "en-GB": "en", "en-SA": "en", "ar": "ar", "ar-SA": "ar", "ar-Arab-EG": "ar",
		"fr": "ar", "ja-JP": "ar", "": "ar", "not a tag": "ar", "und": "ar",
	} {
		for range 2 { // the second answer is remembered
			if got := c.Match(asked); got != want {
				t.Errorf("%q is written in %q, want %q", asked, got, want)
			}
		}
	}
	for i := range 5000 { // more than are remembered
		if got := c.Match(fmt.Sprintf("en-x-%d", i)); got != "en" {
			t.Fatalf("the %dth is written in %q", i, got)
		}
	}
	if got := strings.Join(c.Locales(), " "); got != "ar en" {
		t.Errorf("locales: %s", got)
	}
}

// write makes a templates folder of path, content, ...
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		p := filepath.Join(dir, filepath.FromSlash(files[i]))
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOperatorsFiles(t *testing.T) {
	dir := write(t,
		"v1/registration_completed/en/subject.txt", "Hooray, {{.Username}}\nBcc: everyone@example.com",
		"v1/registration_completed/fr/subject.txt", "Votre compte {{isolate .Brand}}",
		"v1/registration_completed/fr/text.txt", "Bonjour {{.Name}}",
		"v1/registration_completed/fr/html.html", "<p>Bonjour {{.Name}}</p>",
		"v1/registration_completed/fr/sms.txt", "{{.Brand}}: compte {{short 8 .Username}}\n\n  {{.FirstName}}\t!\n",
		"v1/verification_code/fr/subject.txt", "Votre code",
		"v1/verification_code/fr/text.txt", "{{.Code}} ({{plural .ValidMinutes \"one\" \"%d minute\" \"other\" \"%d minutes\"}})",
		"v1/verification_code/fr/html.html", "<p>Votre code {{.Code}}<br></p>",
		"v1/verification_code/fr/sms.txt", "Code {{.Code}}",
		"v1/registration_completed/.en.swp", "an editor's",
		".git/config", "a checkout's",
	)
	c := load(t, template.Options{Dir: dir})
	if m := render(t, c, claimOf(registration.EmailChannel, "en", "ada", "", "")); m.Subject != "Hooray, ada Bcc: everyone@example.com" || !strings.Contains(m.Text, "Your account ada") {
		t.Errorf("%q", m.Subject)
	}
	if m := render(t, c, claimOf(registration.SMSChannel, "fr-CA", "ada.lovelace", "", "")); m.Text != "Registrar: compte ada.lo..\n!" || m.Locale != "fr" {
		t.Errorf("%q", m.Text)
	}
}

func TestUnknownKindAndChannel(t *testing.T) {
	c := load(t, template.Options{})
	claim := claimOf(registration.EmailChannel, "en", "ada", "", "")
	claim.Notification.Kind = "OTHER"
	if _, err := c.Render(claim); err == nil {
		t.Error("an unknown kind was rendered")
	}
	claim.Notification.Kind, claim.Template = registration.RegistrationCompleted, "welcome-back" // only campaigns look at it
	if m := render(t, c, claim); m.Subject != "Your Registrar account is ready" {
		t.Errorf("%q", m.Subject)
	}
	if _, err := c.Render(claimOf("PIGEON", "en", "ada", "", "")); err == nil {
		t.Error("an unknown channel was rendered")
	}
}

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 1}, {strings.Repeat("a", 160), 1}, {strings.Repeat("a", 161), 2}, {strings.Repeat("a", 306), 2}, {strings.Repeat("a", 307), 3},
		{strings.Repeat("€", 80), 1}, {strings.Repeat("€", 81), 2},
		{strings.Repeat("ع", 70), 1}, {strings.Repeat("ع", 71), 2}, {strings.Repeat("ع", 134), 2}, {strings.Repeat("ع", 135), 3},
		{strings.Repeat("😀", 35), 1}, {strings.Repeat("😀", 36), 2},
	} {
		if got := template.Segments(c.text); got != c.want {
			t.Errorf("%d characters: %d segments, want %d", len([]rune(c.text)), got, c.want)
		}
	}
	for text, want := range map[string]template.Size{
		"a\n€": {Encoding: template.GSM7, Units: 4, Limit: 160, Segments: 1}, "ع😀": {Encoding: template.UCS2, Units: 3, Limit: 70, Segments: 1},
		strings.Repeat("a", 200): {Encoding: template.GSM7, Units: 200, Limit: 306, Segments: 2},
	} {
		if got := template.Measure(text); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

// FuzzRender holds the promises about names, whatever they are.
func FuzzRender(f *testing.F) {
	f.Add("ada", "Ada", "Lovelace")
	f.Add("سلمى\u202e", "\r\nBcc: x@example.com", "</td><script>")
	f.Add("\u2069\u2066", "\x00", "{{.Brand}}")
	f.Add("\n@evil.example #000000", "@", "#")
	c, err := template.Load(template.Options{CodeDomain: "example.com"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, username, first, last string) {
		for _, locale := range []string{"en", "ar"} {
			m, err := c.Render(claimOf(registration.EmailChannel, locale, username, first, last))
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsFunc(m.Subject, unicode.IsControl) || strings.ContainsFunc(m.Name, unicode.IsControl) {
				t.Errorf("control characters: %q, %q", m.Subject, m.Name)
			}
			for _, s := range []string{m.Subject, m.Text, m.HTML} {
				if depth(t, s) != 0 {
					t.Errorf("isolates are not balanced: %q", s)
				}
			}
			node, err := html.Parse(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			for n := range node.Descendants() {
				if n.Type == html.ElementNode && !strings.Contains(" html head body meta title style div table tbody tr td h1 h2 p strong ", " "+n.Data+" ") {
					t.Errorf("a name made the element %q", n.Data)
				}
			}
			sms, err := c.Render(claimOf(registration.SMSChannel, locale, username, first, last))
			if err != nil || template.Segments(sms.Text) > 3 || strings.ContainsFunc(sms.Text, unicode.IsControl) {
				t.Errorf("%v, %q", err, sms.Text)
			}
			code := codeOf(registration.SMSChannel, locale)
			code.Username, code.FirstName, code.LastName = username, first, last
			if sms, err = c.Render(code); err != nil || template.Segments(sms.Text) > 1 || !strings.HasSuffix(sms.Text, "\n@example.com #012345") {
				t.Errorf("%v, %q", err, sms.Text)
			}
		}
	})
}

// depth counts isolates that are open at the end of s; none may be closed that is not open.
func depth(t *testing.T, s string) int {
	open := 0
	for _, r := range s {
		switch r {
		case '\u2066', '\u2067', '\u2068':
			open++
		case '\u2069':
			if open--; open < 0 {
				t.Errorf("an isolate is closed that is not open: %q", s)
			}
		case '\u202a', '\u202b', '\u202d', '\u202e':
			t.Errorf("a directional override: %q", s)
		}
	}
	return open
}
