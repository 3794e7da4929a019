package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/text/language"

	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

func TestLoadTellsEverything(t *testing.T) {
	dir := write(t,
		"v1/registration_completed/en/subject.txt", "{{.Usrname}}",
		"v1/registration_completed/en/text.txt", "{{if}}",
		"v1/registration_completed/en/html.html", "<script>alert(1)</script>",
		"v1/registration_completed/en/sms.txt", strings.Repeat("long ", 200),
		"v1/registration_completed/ar/subject.txt", " {{/* nothing */}} ",
		"v1/registration_completed/ar/text.txt", strings.Repeat("ن", 500),
		"v1/registration_completed/ar/sms.txt", "\xff",
		"v1/registration_completed/de/subject.txt", "Willkommen",
		"v1/registration_completed/english-please/text.txt", "x",
		"v1/registration_completed/EN/text.txt", "x",
		"v1/registration_completed/en/body.txt", "x",
		"v1/password_forgotten/en/subject.txt", "x",
		"v2/registration_completed/en/subject.txt", "x",
		"v1/verification_code/en/subject.txt", strings.Repeat("long ", 50),
		"v1/verification_code/en/text.txt", "The code is in the mail.",
		"v1/verification_code/en/html.html", "<p>The code is in the mail.</p>",
		"v1/verification_code/en/sms.txt", "",
		"v1/verification_code/ar/sms.txt", "{{.Code}}"+strings.Repeat("ن", 65),
		"v1/campaigns/sale/en/subject.txt", "Sale",
		"v1/campaigns/sale/en/text.txt", "Sale at http://example.com",
		"v1/campaigns/spring/ar/subject.txt", "ربيع",
		"v1/campaigns/spring/ar/text.txt", "{{.Unsubscribe}}",
		"v1/campaigns/spring/ar/html.html", "<p>{{.Unsubscribe}}</p>",
		"v1/campaigns/Sale 2/en/sms.txt", "x",
		"v1/campaigns/en/sms.txt", "x",
		"README.md", "x",
	)
	_, err := template.Load(template.Options{Dir: dir, DefaultLocale: "en"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"completed/en/subject.txt cannot be rendered", "Usrname", "completed/en/text.txt", "completed/en/html.html holds a script", "completed/en/sms.txt renders to an SMS of 7 segments, which is more than 4",
		"completed/ar/subject.txt renders to nothing", "completed/ar/text.txt renders to a line of more than 998 octets", "completed/ar/sms.txt is not UTF-8",
		"completed/de/text.txt is missing", "completed/de/html.html is missing", "completed/de/sms.txt is missing", "verification_code/de/subject.txt is missing", "verification_code/de/sms.txt is missing",
		`"english-please" is not a BCP 47`, `"EN" is not a BCP 47 language tag in canonical form`, "body.txt", "password_forgotten", "v2/registration_completed", "README.md",
		"verification_code/en/subject.txt renders to a subject of more than 200", "verification_code/en/text.txt does not show {{.Code}}", "verification_code/en/html.html does not show {{.Code}}", "verification_code/en/sms.txt renders to nothing",
		"verification_code/ar/sms.txt renders to an SMS of 2 segments, which is more than 1: 71 units of UCS-2, where 70 fit:",
		"sale/en/html.html is missing", "sale/en/text.txt does not show {{.Unsubscribe}}", "sale/en/text.txt has a link that is not https",
		"spring/ar/html.html does not link to {{.Unsubscribe}}", `spring/ar/html.html has no element with dir="rtl"`, `"Sale 2" is not a campaign template's name`, "campaigns/en/sms.txt: a template's path is",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error says nothing of %s", want)
		}
	}
	if strings.Contains(err.Error(), "sale/en/sms.txt") {
		t.Error("a campaign without SMS misses it")
	}
	if t.Failed() {
		t.Log(err)
	}
	for name, o := range map[string]template.Options{
		"no such folder":    {Dir: filepath.Join(dir, "nowhere")},
		"no such locale":    {DefaultLocale: "fr"},
		"a tag that is not": {DefaultLocale: "!"},
	} {
		if _, err := template.Load(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	big := write(t, "v1/registration_completed/en/text.txt", strings.Repeat("x", 256<<10+1))
	if _, err := template.Load(template.Options{Dir: big}); err == nil || !strings.Contains(err.Error(), "text.txt") {
		t.Errorf("a file that is too long: %v", err)
	}
}

// TestFilesAsEditorsLeaveThem: what is in a file, or in its place, beside text.
func TestFilesAsEditorsLeaveThem(t *testing.T) {
	const subject = "v1/registration_completed/en/subject.txt"
	c, err := template.Load(template.Options{Dir: write(t, subject, "\ufeffWelcome\tto\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	if m := render(t, c, claimOf(registration.EmailChannel, "en", "ada", "", "")); m.Subject != "Welcome to" {
		t.Errorf("with a byte order mark: %q", m.Subject)
	}
	for text, want := range map[string]string{
		"a\x00b":                       "control character U+0000 in line 1",
		"a\nb\x1b[2J":                  "control character U+001B in line 2",
		"a\x7f":                        "control character U+007F",
		"a\u0085":                      "control character U+0085",
		"{{range 2000000000}}x{{end}}": "it is too long: more than 1048576 octets",
	} {
		for _, file := range []string{subject, "v1/registration_completed/en/html.html"} {
			_, err := template.Load(template.Options{Dir: write(t, file, text)})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
				t.Errorf("%q in %s: %v", text, file, err)
			}
		}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, subject), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := template.Load(template.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "subject.txt is a directory, where a file is expected") {
		t.Errorf("a directory: %v", err)
	}
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(subject)), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, subject), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := template.Load(template.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "subject.txt is no regular file") {
		t.Errorf("a named pipe: %v", err)
	}
}

func TestWhatMailsMayHold(t *testing.T) {
	for html, want := range map[string]string{
		`<p>a<br>b<img src="data:image/png;base64,AA"><a href="mailto:a@example.com">c</a> <a href="https://example.com/?a=b&amp;c">d</a></p>`: "",
		`<!doctype html><html lang="en-GB"><head><style>p { background: url(data:,x) }</style></head><body><p>a</p></body></html>`:             "",
		`<p>a`:                               "leaves a p open",
		`<p><b>a</p></b>`:                    "closes a p where a b is open",
		`<p>a</p></div>`:                     "closes a div that is not open",
		`<img src="https://example.com/a">`:  "loads something from elsewhere: src of img",
		`<p style="background:URL( '//a')">`: "loads something from elsewhere: url()",
		`<style>@import "a.css";</style>`:    "@import",
		`<style>p { background: url(http://example.com/a) }</style>`: "url() of a style",
		`<td background="a.png">a</td>`:                              "background of td",
		`<link rel="stylesheet" href="https://example.com/a.css">`:   "holds a link",
		`<meta http-equiv="Refresh" content="0">a`:                   "meta refresh",
		`<form action="https://example.com/">a</form>`:               "holds a form",
		`<p onclick="a()">a</p>`:                                     "the script onclick",
		`<a href="http://example.com/">a</a>`:                        "not an absolute https address",
		`<a href="/a">a</a>`:                                         "not an absolute https address",
		`<a href="//example.com/a">a</a>`:                            "not an absolute https address",
		`<html lang="ar" dir="ltr"><body>a</body></html>`:            `without lang="en"`,
		`<html><body>a</body></html>`:                                `without lang="en"`,
		`<html lang="en" dir="rtl"><body>a</body></html>`:            "dir is not that of en",
		"<p>" + strings.Repeat("x", 100_000) + "</p>":                "more than 100000 octets",
		`<p>a</p>` + strings.Repeat("<br/>", 10) + `<hr><wbr></br>`:  "",
	} {
		_, err := template.Load(template.Options{Dir: write(t, "v1/registration_completed/en/html.html", html)})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", html, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "completed/en/html.html")):
			t.Errorf("%.80s: want %s, got %v", html, want, err)
		}
	}
	ar := `<html lang="ar" dir="rtl"><body><p>a</p></body></html>`
	if _, err := template.Load(template.Options{Dir: write(t, "v1/registration_completed/ar/html.html", ar)}); err == nil || !strings.Contains(err.Error(), "in its body") {
		t.Errorf("only html says that it runs from right to left: %v", err)
	}
}

// FuzzInspect: whatever a file holds, it is judged.
func FuzzInspect(f *testing.F) {
	for _, seed := range []string{"<p>a</p>", "<style>url(url(", "</a></a><a href=':'>", `<html lang="" dir=RTL><body dir=rtl>`, "<!--", "<a href=https://example.com/u>u</a>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, wrong := range template.Inspect(text, "", language.English) {
			if wrong == "" {
				t.Error("a problem without a word")
			}
		}
		linked := text + `<a href="https://example.com/u">u</a>`
		before, after := template.Inspect(linked, "https://example.com/u", language.English), template.Inspect(linked, "", language.English)
		if d := len(before) - len(after); d != 0 && d != 1 {
			t.Errorf("%q and %q", before, after)
		}
	})
}

// FuzzPlaceOf: a path is refused, or names one of our files.
func FuzzPlaceOf(f *testing.F) {
	for _, seed := range []string{"v1/verification_code/en/sms.txt", "v1/campaigns/a/ar/html.html", "v1//", "v1/campaigns", "", "v1/campaigns/en/sms.txt"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		folder, locale, err := template.PlaceOf(path)
		if err == nil && !strings.HasPrefix(path, folder+"/"+locale+"/") {
			t.Errorf("%q is in %s of %s", path, folder, locale)
		}
	})
}
