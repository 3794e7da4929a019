package help_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"registrar/test/harness"
)

// TestTheInbox: what people would have got, read as a person does who tries the
// service; docs/images/inbox.png is its picture.
func TestTheInbox(t *testing.T) {
	s := harness.New(t)
	s.Start(t)
	register := func(r harness.Register) (id string) {
		t.Helper()
		r.Password = "velvet-anchor-tuesday"
		receipt, err := s.Register(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return receipt.RegistrationID
	}
	await := func(messages int, to string) (code string) {
		t.Helper()
		harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
			n, err := s.InboxCount(ctx)
			if err == nil && n != messages {
				err = fmt.Errorf("%d messages", n)
			}
			if err != nil {
				return err
			}
			codes, err := s.Codes(ctx, to)
			if err == nil && len(codes) != 1 {
				err = fmt.Errorf("%d codes", len(codes))
			}
			if err == nil {
				code = codes[0]
			}
			return err
		})
		return code
	}
	amina := register(harness.Register{Username: "amina", Email: "amina@example.com", FirstName: "Amina", MobileNumber: "+966512345678", Locale: "en"})
	if _, err := s.Verify(t.Context(), amina, "EMAIL", await(2, "amina@example.com")); err != nil {
		t.Fatal(err)
	}
	await(4, "amina@example.com")
	register(harness.Register{Username: "نورة", Email: "noura@example.com", FirstName: "نورة", Locale: "ar"})
	code := await(5, "noura@example.com")

	b := open(t, s.Admin+"/inbox", view{width: 1280, height: 800})
	items := b.list("#list a.item .what", "e.textContent")
	if len(items) != 5 || strings.Contains(items[0], code) {
		t.Errorf("the list has %q", items)
	}
	if kinds := b.list("#list a.item .kind", "e.getAttribute('aria-label')"); strings.Count(strings.Join(kinds, " "), "SMS") != 2 {
		t.Errorf("the messages are %v", kinds)
	}
	newest := get(b, chromedp.Evaluate[string](`document.querySelector("#list li:first-child a.item").href`))
	b.do(chromedp.Navigate(newest), chromedp.WaitVisible("article iframe")) // with all that is in the frame
	if direction := get(b, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("article h1")).direction`)); direction != "rtl" {
		t.Errorf("the Arabic subject goes %s", direction)
	}
	b.show("inbox.png")
	b.do(chromedp.Click(`article .tabs a:not([aria-current])`), chromedp.WaitVisible("article pre"))
	if text := get(b, chromedp.TextContent("article pre")); !strings.Contains(text, code) {
		t.Errorf("the text is %s", text)
	}
	b.clean()
}
