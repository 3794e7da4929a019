package help_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

var previewAddress = regexp.MustCompile(`The templates are at (\S+) until`)

// preview starts `registrar template preview` and gives its address.
func preview(t *testing.T, args ...string) (address string) {
	t.Helper()
	proc, err := devstack.StartProcess("preview", t.TempDir(), append([]string{harness.Binary(t), "template", "preview"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proc.Stop(20 * time.Second)
		if err := proc.Err(); err != nil {
			t.Errorf("the preview ended with %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err = proc.AwaitReady(ctx, func(context.Context) error {
		said, err := os.ReadFile(proc.Log)
		if m := previewAddress.FindSubmatch(said); err == nil && m != nil {
			address = string(m[1])
			return nil
		}
		return errors.Join(err, errors.New("it has not said its address"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// list gives what a script finds for each element of a selector.
func (b *tab) list(selector, script string) []string {
	b.t.Helper()
	return get(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("`+selector+`")].map(e => `+script+`)`))
}

func TestTemplatePreview(t *testing.T) {
	t.Setenv("REGISTRAR_SMS_CODE_DOMAIN", "example.com")
	address := preview(t)
	for name, v := range map[string]view{"": {width: 1480, height: 860}, "usual-dark.html": {width: 1480, height: 860, dark: true}, "longest-light.html": phone} {
		b := open(t, address+name, v)
		b.do(chromedp.WaitVisible(".card"))
		want := []string{
			"already_registered ar", "already_registered en", "campaigns/welcome-back ar", "campaigns/welcome-back en", "registration_completed ar", "registration_completed en", "verification_code ar", "verification_code en",
		}
		if got := b.list(".card h2", "e.textContent"); !slices.Equal(got, want) {
			t.Errorf("%s: the page has %v", name, got)
		}
		for _, size := range b.list("[id^=verification_code] .size", "e.textContent") {
			if !strings.HasPrefix(size, "1 segment, ") {
				t.Errorf("%s: a code's SMS has %s", name, size)
			}
		}
		if filled := b.list("[id^=verification_code] .bubble", "e.textContent.split('\\n').pop()"); !slices.Equal(filled, []string{"@example.com #492716", "@example.com #492716"}) {
			t.Errorf("%s: the SMS of codes end with %v", name, filled)
		}
		if wide := get(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)); int64(wide) > v.width {
			t.Errorf("%s: the page is %d wide in a window of %d", name, wide, v.width)
		}
		if name == "" {
			// The line by which a browser fills a code in is read from left to right.
			if got := b.list(".bubble, pre", `getComputedStyle(e).unicodeBidi`); len(got) != 14 || slices.ContainsFunc(got, func(s string) bool { return s != "plaintext" }) {
				t.Errorf("plain texts are laid out as %v", got)
			}
			b.do(chromedp.ScrollIntoView(`[id="verification_code.ar"]`), chromedp.Sleep(time.Second))
		}
		b.show("template-preview" + strings.TrimSuffix("-"+strings.TrimSuffix(name, ".html"), "-") + ".png")
		b.clean()
		frames := b.list("iframe", `e.hasAttribute("sandbox") ? e.src : "not in a sandbox: " + e.src`)
		if len(frames) != 16 {
			t.Errorf("%s: there are %d frames", name, len(frames))
		}
		slices.Sort(frames)
		mails(t, slices.Compact(frames), v)
	}
}

// mails looks at each by itself: a page is not told what its sandboxed frames do.
func mails(t *testing.T, addresses []string, v view) {
	t.Helper()
	b := open(t, addresses[0], v)
	for _, address := range addresses {
		b.do(chromedp.Navigate(address))
		direction := "ltr"
		if strings.HasSuffix(address, ".ar.html") {
			direction = "rtl"
		}
		if got := b.list("h1, h2, p, a", `getComputedStyle(e).direction`); len(got) == 0 || slices.ContainsFunc(got, func(s string) bool { return s != direction }) {
			t.Errorf("%s: the text runs %v", address, got)
		}
		if wide := get(b, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)); int64(wide) > v.width {
			t.Errorf("%s: the mail is %d wide in a window of %d", address, wide, v.width)
		}
		ground := get(b, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
		if want := map[bool]string{false: "rgb(243, 245, 249)", true: "rgb(15, 20, 32)"}[strings.Contains(address, "-dark/")]; ground != want {
			t.Errorf("%s: the ground is %s", address, ground)
		}
		if strings.Contains(address, "verification_code") {
			code := b.list("div[dir=ltr]", `e.textContent + " " + getComputedStyle(e).direction + " " + getComputedStyle(e).userSelect`)
			if !slices.Equal(code, []string{"492716 ltr all"}) {
				t.Errorf("%s: the code is %v", address, code)
			}
		}
	}
	b.clean()
}

// TestTemplatePreviewReloads: an author edits, reloads, and sees it, or what is wrong.
func TestTemplatePreviewReloads(t *testing.T) {
	dir := t.TempDir()
	subject := filepath.Join(dir, "v1", "verification_code", "en", "subject.txt")
	if err := os.MkdirAll(filepath.Dir(subject), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(subject, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("First words")
	b := open(t, preview(t, "--templates-dir", dir), desktop)
	shown := func() string {
		t.Helper()
		return get(b, chromedp.TextContent("body"))
	}
	if !strings.Contains(shown(), "First words") {
		t.Error("the template of the directory is not shown")
	}
	write("Other words")
	b.do(chromedp.Click(".reload"), chromedp.WaitVisible(".card"))
	if !strings.Contains(shown(), "Other words") {
		t.Error("a change does not show")
	}
	b.clean()
	write("{{.Cod}}")
	b.do(chromedp.Click(".reload"), chromedp.WaitVisible(".problems"))
	if !strings.Contains(shown(), filepath.Join("verification_code", "en", "subject.txt")) {
		t.Errorf("the page says %s", shown())
	}
	write("Words again")
	b.do(chromedp.Click(".reload"), chromedp.WaitVisible(".card"))
	if !strings.Contains(shown(), "Words again") {
		t.Error("the page did not recover")
	}
}
