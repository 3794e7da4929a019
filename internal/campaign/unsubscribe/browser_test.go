package unsubscribe_test

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

// images is where to put pictures of the page.
var images = flag.String("images", "", "write screenshots into this `directory`")

// browser is one page of a real browser with no scripts, and what it says of
// the page that it should not have to.
type browser struct {
	t   *testing.T
	ctx context.Context

	mu    sync.Mutex
	wrong []string
}

func newBrowser(t *testing.T, host string, dark bool) *browser {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.UserDataDir(t.TempDir()),
	}
	for _, flag := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	b := &browser{t: t}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	b.ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if !strings.Contains(e.Entry.Text, "404 (Not Found)") {
				b.wrong = append(b.wrong, e.Entry.Text)
			}
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, host+"/unsubscribe?t=") {
				b.wrong = append(b.wrong, "a request to "+e.Request.URL)
			}
		}
	}))
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(b.ctx) }) // waits for the browser's end
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	if err := chromedp.Do(b.ctx); err != nil { // the browser lives as long as this call's context
		t.Fatalf("chromium: %v (hack/deps installs it)", err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.do(chromedp.EmulateViewport(360, 640))
	return b
}

func call[P, R any](b *browser, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func get[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return value
}

// look checks what every page has to be, and keeps a picture of it.
func (b *browser) look(name string) {
	b.t.Helper()
	if width := get(b, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); width > 360 {
		b.t.Errorf("%s: the page is %d pixels wide", name, width)
	}
	// Without its style, which the policy may forbid by a wrong hash, a button is narrower.
	if styled := get(b, chromedp.Evaluate[bool](`[...document.querySelectorAll("button")].every((e) => e.getBoundingClientRect().height >= 44)`)); !styled {
		b.t.Errorf("%s: a button is too small for a thumb", name)
	}
	if *images != "" {
		if err := os.WriteFile(filepath.Join(*images, name+".png"), get(b, chromedp.CaptureScreenshot()), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestInABrowser: a person without scripts unsubscribes, and takes it back.
func TestInABrowser(t *testing.T) {
	p := newPage(t)
	mux := http.NewServeMux()
	mux.Handle("/unsubscribe", p)
	server := httptest.NewServer(mux)
	defer server.Close()
	address := func(token string) string { return server.URL + "/unsubscribe?t=" + token }
	english := p.links.Token(campaign.Subscription{AccountID: nobody, Channel: registration.SMSChannel})
	for _, dark := range []bool{false, true} {
		theme := map[bool]string{false: "light", true: "dark"}[dark]
		b := newBrowser(t, server.URL, dark)
		b.do(chromedp.Navigate(address(p.token(ada))), chromedp.WaitVisible(`button[value="unsubscribe"]`))
		if direction := get(b, chromedp.Evaluate[string](`getComputedStyle(document.body).direction`)); direction != "rtl" {
			t.Errorf("Arabic goes %s", direction)
		}
		b.look("ask-" + theme)
		if !p.consents(t) {
			t.Error("looking has unsubscribed")
		}
		b.do(chromedp.Click(`button[value="unsubscribe"]`), chromedp.WaitVisible(`button[value="subscribe"]`))
		b.look("gone-" + theme)
		if p.consents(t) {
			t.Error("the button did nothing")
		}
		b.do(chromedp.Click(`button[value="subscribe"]`), chromedp.WaitVisible(`button[value="unsubscribe"]`))
		b.look("back-" + theme)
		if !p.consents(t) {
			t.Error("the way back did nothing")
		}
		b.do(chromedp.Navigate(address(english)), chromedp.WaitVisible(`main > h1`))
		b.look("english-" + theme)
		b.do(chromedp.Navigate(address("cut")), chromedp.WaitVisible(`main > h1`))
		if heading := get(b, chromedp.Text(`main > h1`)); heading != "This link does not work" {
			t.Errorf("a link that is cut off says %s", heading)
		}
		b.mu.Lock()
		for _, w := range b.wrong {
			t.Error(w)
		}
		b.mu.Unlock()
	}
}
