// Package help_test uses the built program's pages in a real browser: the
// service's help page, as a person does who is to call the service, and the
// preview of templates.
package help_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"registrar/test/harness"
)

// images is where to put pictures of the page; docs/images/help.png is one.
var images = flag.String("images", "", "write screenshots into this `directory`")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	desktop = view{width: 1280, height: 900}
	phone   = view{width: 360, height: 740}
)

// service starts one for a test.
func service(t *testing.T) string {
	t.Helper()
	s := harness.New(t)
	s.Start(t)
	return s.URL
}

// show keeps a picture of what is in view.
func (b *tab) show(name string) {
	b.t.Helper()
	if *images == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*images, name), get(b, chromedp.CaptureScreenshot()), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// clean fails the test for what the page did that it should not.
func (b *tab) clean() {
	b.t.Helper()
	for _, w := range b.noted() {
		b.t.Error(w)
	}
}

// send presses Send and gives the status line and the answer as they are shown.
func (b *tab) send() (outcome, answer string) {
	b.t.Helper()
	b.do(chromedp.Click("#send"), chromedp.WaitVisible("#outcome.good, #outcome.bad"), chromedp.WaitEnabled("#send"))
	return get(b, chromedp.Text("#outcome")), get(b, chromedp.TextContent("#answer"))
}

// choose picks an option of a select as a person does, so that the page is told.
func (b *tab) choose(id, value string) {
	b.t.Helper()
	get(b, chromedp.Evaluate[bool](`(() => { const s = document.getElementById("`+id+`"); s.value = "`+value+`"; return s.dispatchEvent(new Event("change")); })()`))
}

func element(t *testing.T, answer, name string) string {
	t.Helper()
	m := regexp.MustCompile(`<` + name + `>([^<]*)</` + name + `>`).FindStringSubmatch(answer)
	if m == nil {
		t.Fatalf("no %s in %s", name, answer)
	}
	return m[1]
}

func TestSending(t *testing.T) {
	b := open(t, service(t), desktop)
	b.show("desktop.png")
	for _, v := range []struct{ version, fault, space string }{
		{"1.1", "HTTP 500", "http://schemas.xmlsoap.org/soap/envelope/"}, {"1.2", "HTTP 400", "http://www.w3.org/2003/05/soap-envelope"},
	} {
		b.choose("version", v.version)
		b.do(chromedp.Click("#renew"))
		outcome, answer := b.send()
		id := element(t, answer, "registrationId")
		if !strings.HasPrefix(outcome, "HTTP 200") || !strings.Contains(outcome, " ms") || !strings.Contains(answer, v.space) || !strings.Contains(answer, "\n      <registrationId>") {
			t.Errorf("SOAP %s: %s %s", v.version, outcome, answer)
		}
		b.show("help.png")
		if headers := get(b, chromedp.TextContent("#headers")); !strings.Contains(headers, "content-type: ") || !strings.Contains(headers, "x-correlation-id: ") {
			t.Errorf("SOAP %s: the headers are %s", v.version, headers)
		}
		if _, answer = b.send(); element(t, answer, "registrationId") != id {
			t.Errorf("SOAP %s: the same request got %s", v.version, answer)
		}
		// Another address under the same requestId is another request.
		envelope := get(b, chromedp.Value("#envelope"))
		b.do(chromedp.SetValue("#envelope", strings.Replace(envelope, "@example.com", "@example.org", 1)))
		outcome, answer = b.send()
		if !strings.HasPrefix(outcome, v.fault) || element(t, answer, "code") != "REQUEST_ID_REUSED" {
			t.Errorf("SOAP %s: %s %s", v.version, outcome, answer)
		}
		// And under a requestId of its own it is the name that is taken.
		b.do(chromedp.SetValue("#envelope", regexp.MustCompile(`\s*<requestId>.*</requestId>`).ReplaceAllString(envelope, "")))
		outcome, answer = b.send()
		if code := element(t, answer, "code"); !strings.HasPrefix(outcome, v.fault) || code != "USERNAME_TAKEN" && code != "EMAIL_TAKEN" {
			t.Errorf("SOAP %s: %s %s", v.version, outcome, answer)
		}
		b.show("fault.png")
		// The sample of the other operation speaks of the same user.
		b.choose("operation", "GetRegistration")
		if outcome, answer = b.send(); !strings.HasPrefix(outcome, "HTTP 200") || element(t, answer, "registrationId") != id {
			t.Errorf("SOAP %s: %s %s", v.version, outcome, answer)
		}
		b.choose("operation", "Register")
	}
	b.clean()
}

// TestASamplesButtons: each operation's own buttons fill the form and the clipboard.
func TestASamplesButtons(t *testing.T) {
	b := open(t, service(t), desktop)
	b.do(
		chromedp.Click(`label[for="version-GetRegistration-12"]`), chromedp.WaitNotVisible("#request-GetRegistration-11"),
		chromedp.Click(`button.try[data-operation="GetRegistration"][data-version="1.2"]`),
	)
	if got := get(b, chromedp.Value("#envelope")); !strings.Contains(got, "2003/05/soap-envelope") || !strings.Contains(got, "<GetRegistrationRequest") {
		t.Errorf("the form has %s", got)
	}
	if outcome, answer := b.send(); !strings.HasPrefix(outcome, "HTTP 400") || element(t, answer, "code") != "NOT_FOUND" {
		t.Errorf("got %s %s", outcome, answer)
	}
	b.do(chromedp.Click(`label[for="part-Register-fault"]`), chromedp.WaitVisible("#fault-Register-11"))
	b.show("sample.png")
	// A browser without a clipboard selects the text: both end with a word on the button.
	b.do(chromedp.Click(`button[data-copies="fault-Register-11"]`))
	if said := get(b, chromedp.Poll[string](`(() => { const s = document.querySelector('button[data-copies="fault-Register-11"]').textContent; return s === "Copy" ? "" : s; })()`)); said != "Copied" && said != "Selected" {
		t.Errorf("the button says %s", said)
	}
	b.clean()
}

// TestCredentials: the user name and password of the form are HTTP Basic in UTF-8.
func TestCredentials(t *testing.T) {
	b := open(t, service(t), desktop)
	get(b, chromedp.Evaluate[bool](`(() => { const real = fetch; window.fetch = (at, how) => { window.sent = how.headers.Authorization; return real(at, how); }; return true; })()`))
	b.send()
	if sent := get(b, chromedp.Evaluate[string](`String(window.sent)`)); sent != "undefined" {
		t.Errorf("without a user name the page sends %s", sent)
	}
	b.do(chromedp.Click("#form summary"), chromedp.SendKeys("#user", "erp"), chromedp.SendKeys("#password", "pässword"))
	b.send()
	if sent := get(b, chromedp.Evaluate[string](`String(window.sent)`)); sent != "Basic ZXJwOnDDpHNzd29yZA==" {
		t.Errorf("the page sends %s", sent)
	}
}

func TestOnAPhone(t *testing.T) {
	address := service(t)
	for name, v := range map[string]view{"light": phone, "dark": {width: phone.width, height: phone.height, dark: true}, "without scripts": {width: phone.width, height: phone.height, noScript: true}} {
		b := open(t, address, v)
		if !v.noScript {
			b.send()
			b.show("phone-" + name + ".png")
		}
		if width := get(b, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); width > v.width {
			t.Errorf("%s: the page is %d pixels wide", name, width)
		}
		b.clean()
	}
}

func TestWithoutScripts(t *testing.T) {
	b := open(t, service(t), view{width: 1280, height: 900, noScript: true})
	shown := func(selector string) bool {
		return get(b, chromedp.Evaluate[bool](`document.querySelector('`+selector+`').getClientRects().length > 0`))
	}
	for selector, want := range map[string]bool{
		"#form": false, "button.copy": false, "button.try": false, "#result": false, "noscript p": true,
		"#address": true, "#request-Register-11": true, "#request-Register-12": false, "#answer-Register-11": false, "#faults": true, "#clients": true,
	} {
		if shown(selector) != want {
			t.Errorf("%s: shown is %v", selector, !want)
		}
	}
	b.do(chromedp.Click(`label[for="version-Register-12"]`), chromedp.Click(`label[for="part-Register-answer"]`))
	if shown("#answer-Register-11") || shown("#request-Register-12") || !shown("#answer-Register-12") {
		t.Error("the tabs need scripts")
	}
	b.clean()
}

// TestTheWatchSees: what makes the other tests fail does get seen.
func TestTheWatchSees(t *testing.T) {
	b := open(t, service(t), desktop)
	get(b, chromedp.Evaluate[bool](`(() => {
		const s = document.createElement("script"); s.textContent = "1"; document.body.append(s);
		const i = new Image(); i.src = "http://127.0.0.1:9/x.png";
		console.error("x");
		return document.body.append(i), true;
	})()`))
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		noted := strings.Join(b.noted(), "\n")
		for _, want := range []string{"script-src", "img-src", "console.error"} {
			if !strings.Contains(noted, want) {
				return fmt.Errorf("%s is not among what was noted: %s", want, noted)
			}
		}
		return nil
	})
}

// TestContrast: text stands out from its ground as WCAG 2.2 (1.4.3) asks for, 4.5 to 1.
func TestContrast(t *testing.T) {
	address := service(t)
	for _, v := range []view{desktop, {width: 1280, height: 900, dark: true}} {
		b := open(t, address, v)
		b.send()
		for _, low := range get(b, chromedp.Evaluate[[]string](contrast)) {
			t.Errorf("dark %v: %s", v.dark, low)
		}
	}
}

// contrast names each text whose ratio to what is behind it is below 4.5.
const contrast = `(() => {
	const parse = (c) => c.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map((x) => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4).reduce((s, x, i) => s + x * [0.2126, 0.7152, 0.0722][i], 0);
	const low = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	for (let n = walk.nextNode(); n; n = walk.nextNode()) {
		if (!n.data.trim() || !n.parentElement.getClientRects().length) continue;
		let e = n.parentElement, ground;
		const ink = parse(getComputedStyle(e).color);
		for (; e; e = e.parentElement) { ground = parse(getComputedStyle(e).backgroundColor); if (ground.length < 4 || ground[3] > 0) break; }
		const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
		seen++;
		if ((a + 0.05) / (b + 0.05) < 4.5) low.add(n.parentElement.className + " " + n.data.trim().slice(0, 30) + " " + ((a + 0.05) / (b + 0.05)).toFixed(2));
	}
	if (seen < 100) low.add("only " + seen + " texts were seen");
	return [...low];
})()`
