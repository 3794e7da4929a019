package inbox_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os/exec"
	"strings"
	"testing"
	"time"

	"registrar/internal/channel/inbox"
)

func serve(t *testing.T, box inbox.Mailbox) string {
	t.Helper()
	handler := inbox.NewHandler(box, inbox.Options{
		Brand: "Registrar", From: mail.Address{Name: "Registrar", Address: "registrar@localhost"},
		FirstRequest: "curl -H 'Content-Type: text/xml' --data @register.xml http://127.0.0.1:8080/registration",
	}, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	for _, p := range handler.Paths() {
		mux.Handle(p, handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// chromium runs the real browser over url and gives what it prints.
func chromium(t *testing.T, url string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir=" + t.TempDir()}, args...)
	cmd := exec.CommandContext(ctx, "chromium", append(args, url)...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v (hack/deps installs it)", err)
	}
	return string(out)
}

func TestPageInBrowser(t *testing.T) {
	box := people(t)
	url := serve(t, box)

	dom := chromium(t, url+"/inbox", "--dump-dom", "--virtual-time-budget=2000")
	for _, want := range []string{
		"<title>(4) Inbox", "4 messages, </span>4 unread", "Your Registrar account is ready", "Ada Lovelace",
		"حسابك في \u2068Registrar\u2069 جاهز", "نور الهاشمي", `lang="ar" dir="auto"`,
	} {
		if !strings.Contains(dom, want) {
			t.Errorf("the list has no %q", want)
		}
	}
	// Only the script writes a title on times: it ran under the policy.
	if !strings.Contains(dom, `<time datetime="2026-05-04T09:33:00Z" title="`) {
		t.Error("the page's script did not run")
	}

	dom = chromium(t, url+"/inbox/"+idOf(3).String(), "--dump-dom", "--virtual-time-budget=2000")
	for _, want := range []string{
		`<iframe src="/inbox/` + idOf(3).String() + `/html" sandbox=""`, "nour@example.org", "registrar@localhost", `class="item open"`,
	} {
		if !strings.Contains(dom, want) {
			t.Errorf("the open message has no %q", want)
		}
	}
	if m, _ := box.Get(t.Context(), idOf(3)); !m.Read {
		t.Error("an opened message is still unread")
	}

	dom = chromium(t, url+"/inbox/"+idOf(4).String(), "--dump-dom", "--virtual-time-budget=2000")
	if !strings.Contains(dom, `<p class="bubble" lang="ar" dir="auto">تم التحقق من حسابك`) {
		t.Error("the SMS is not shown as a bubble")
	}
	dom = chromium(t, url+"/inbox/"+idOf(3).String()+"/html", "--dump-dom")
	if !strings.Contains(dom, `<html lang="ar" dir="rtl">`) || !strings.Contains(dom, "أهلًا بك") {
		t.Error("the Arabic mail does not run from right to left")
	}
}
