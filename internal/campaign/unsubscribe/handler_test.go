package unsubscribe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/campaign"
	"registrar/internal/campaign/unsubscribe"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ada    = registration.ID{1, 15: 1} // writes Arabic
	nobody = registration.ID{2, 15: 2}
)

// page is a Handler on a database with Ada in it.
type page struct {
	*unsubscribe.Handler
	db    *store.DB
	links *campaign.Links
	log   bytes.Buffer
	clock time.Time
}

func newPage(t *testing.T) *page {
	t.Helper()
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Up(t.Context())
	if err := errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	p := &page{clock: time.Now()}
	if p.db, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.db.Close() })
	_, err = p.db.Accounts().Create(t.Context(), registration.Registration{
		Account: registration.Account{
			ID: ada, Username: registration.Username{Text: "ada", Key: "ada"}, Email: registration.Email{Text: "ada@example.org", Key: "ada@example.org"},
			PasswordHash: "x", Status: registration.Active, RegisteredAt: p.clock,
		},
		Profile: registration.Profile{Locale: "ar-SA", MarketingConsent: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.links, err = campaign.NewLinks(bytes.Repeat([]byte{1}, 32), ""); err != nil {
		t.Fatal(err)
	}
	p.Handler = unsubscribe.New(p.links, p.db.Consents(), "Acme <Corp>", func() time.Time { return p.clock }, slog.New(slog.NewTextHandler(&p.log, nil)))
	return p
}

func (p *page) token(account registration.ID) string {
	return p.links.Token(campaign.Subscription{AccountID: account, Channel: registration.EmailChannel, CampaignID: registration.ID{3}})
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (p *page) do(t *testing.T, method, token, contentType, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/unsubscribe?t="+url.QueryEscape(token), strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func (p *page) consents(t *testing.T) bool {
	t.Helper()
	consented, _, err := p.db.Consents().Standing(t.Context(), ada, registration.EmailChannel)
	if err != nil {
		t.Fatal(err)
	}
	return consented
}

const form = "application/x-www-form-urlencoded"

// TestOneClick: as RFC 8058 section 3.2 has it, in both forms that it names;
// again is as good as once.
func TestOneClick(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	if err := errors.Join(w.WriteField("List-Unsubscribe", "One-Click"), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []struct{ contentType, body string }{{form, "List-Unsubscribe=One-Click"}, {form + "; charset=utf-8", "List-Unsubscribe=One-Click"}, {w.FormDataContentType(), parts.String()}} {
		if err := p.db.Consents().Restore(t.Context(), ada, registration.EmailChannel); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got := p.do(t, http.MethodPost, p.token(ada), kind.contentType, kind.body)
			if got.status != http.StatusOK || p.consents(t) || got.header.Get("Set-Cookie") != "" || got.header.Get("Location") != "" {
				t.Errorf("%s: %d, consents %v, %v", kind.contentType, got.status, p.consents(t), got.header)
			}
		}
	}
	if log := p.log.String(); !strings.Contains(log, ada.String()) || strings.Contains(log, "example.org") {
		t.Errorf("the log says %s", log)
	}
}

// TestAGetChangesNothing: scanners of mail follow links.
func TestAGetChangesNothing(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		got := p.do(t, method, p.token(ada), "", "")
		if got.status != http.StatusOK || !p.consents(t) {
			t.Errorf("%s: %d, consents %v", method, got.status, p.consents(t))
		}
	}
}

// TestThePage goes there and back, in the person's own language.
func TestThePage(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	english := func(r *http.Request) { r.Header.Set("Accept-Language", "en") }
	for i, step := range []struct {
		method, body string
		consents     bool
		button       string
	}{
		{http.MethodGet, "", true, "unsubscribe"},
		{http.MethodPost, "action=unsubscribe", false, "subscribe"},
		{http.MethodGet, "", false, "subscribe"},
		{http.MethodPost, "action=subscribe", true, "unsubscribe"},
		{http.MethodGet, "", true, "unsubscribe"},
	} {
		got := p.do(t, step.method, p.token(ada), form, step.body, english)
		if got.status != http.StatusOK || p.consents(t) != step.consents || !strings.Contains(got.body, `value="`+step.button+`"`) {
			t.Errorf("step %d: %d, consents %v\n%s", i, got.status, p.consents(t), got.body)
		}
		if !strings.Contains(got.body, `<html lang="ar" dir="rtl">`) || !strings.Contains(got.body, "Acme &lt;Corp&gt;") {
			t.Errorf("step %d: %s", i, got.body)
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8"} {
			if got.header.Get(name) != want {
				t.Errorf("step %d: %s: %s", i, name, got.header.Get(name))
			}
		}
		policy := got.header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, want) || strings.Contains(policy, "unsafe") {
				t.Errorf("the policy is %s", policy)
			}
		}
	}
}

// TestRefusals: what is not to be done changes nothing, and says so on a page.
func TestRefusals(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	for name, tt := range map[string]struct {
		method, token, contentType, body string
		status                           int
	}{
		"no token":             {http.MethodGet, "", "", "", http.StatusNotFound},
		"a token of others":    {http.MethodPost, p.token(ada)[1:] + "A", form, "List-Unsubscribe=One-Click", http.StatusNotFound},
		"another method":       {http.MethodPut, p.token(ada), form, "List-Unsubscribe=One-Click", http.StatusMethodNotAllowed},
		"another wish":         {http.MethodPost, p.token(ada), form, "action=delete", http.StatusBadRequest},
		"no wish":              {http.MethodPost, p.token(ada), form, "", http.StatusBadRequest},
		"another click":        {http.MethodPost, p.token(ada), form, "List-Unsubscribe=Two-Clicks", http.StatusBadRequest},
		"a form that is none":  {http.MethodPost, p.token(ada), form, "%zz", http.StatusBadRequest},
		"parts that are none":  {http.MethodPost, p.token(ada), "multipart/form-data; boundary=x", "List-Unsubscribe=One-Click", http.StatusBadRequest},
		"JSON":                 {http.MethodPost, p.token(ada), "application/json", "{}", http.StatusUnsupportedMediaType},
		"no type":              {http.MethodPost, p.token(ada), "", "List-Unsubscribe=One-Click", http.StatusUnsupportedMediaType},
		"too long":             {http.MethodPost, p.token(ada), form, "List-Unsubscribe=One-Click&x=" + strings.Repeat("x", 4096), http.StatusRequestEntityTooLarge},
		"too long, in parts":   {http.MethodPost, p.token(ada), "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + strings.Repeat("x", 8192) + "\r\n--x--\r\n", http.StatusRequestEntityTooLarge},
		"of nobody, by a POST": {http.MethodPost, p.token(nobody), form, "List-Unsubscribe=One-Click", http.StatusOK},
		"of nobody, by a GET":  {http.MethodGet, p.token(nobody), "", "", http.StatusOK},
	} {
		got := p.do(t, tt.method, tt.token, tt.contentType, tt.body)
		if got.status != tt.status || !p.consents(t) || !strings.Contains(got.body, "<h1>") || strings.Contains(got.body, "<form") {
			t.Errorf("%s: %d, consents %v\n%s", name, got.status, p.consents(t), got.body)
		}
	}
}

// TestVisitsAreBounded: of one account's links, and not of others'.
func TestVisitsAreBounded(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	var last answer
	for range 121 {
		last = p.do(t, http.MethodGet, p.token(ada), "", "")
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("the 121st visit in a minute: %d", last.status)
	}
	if got := p.do(t, http.MethodGet, p.token(nobody), "", ""); got.status != http.StatusOK {
		t.Errorf("another account: %d", got.status)
	}
	p.clock = p.clock.Add(time.Minute)
	if got := p.do(t, http.MethodGet, p.token(ada), "", ""); got.status != http.StatusOK {
		t.Errorf("a minute later: %d", got.status)
	}
}

// stuck is a database that does not answer.
type stuck struct {
	unsubscribe.Consents
	asked atomic.Int32
}

func (s *stuck) Standing(ctx context.Context, _ registration.ID, _ registration.Channel) (bool, string, error) {
	s.asked.Add(1)
	<-ctx.Done()
	return false, "", ctx.Err()
}

// TestADatabaseThatIsAway: nothing was changed, come again.
func TestADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	p := newPage(t)
	if err := p.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if got := p.do(t, method, p.token(ada), form, "List-Unsubscribe=One-Click"); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d", method, got.status)
		}
	}
}

// TestRequestsInTheDatabaseAreBounded: of forty, thirty-two ask it.
func TestRequestsInTheDatabaseAreBounded(t *testing.T) {
	t.Parallel()
	p, s := newPage(t), &stuck{}
	h := unsubscribe.New(p.links, s, "Acme", time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, leave := context.WithCancel(t.Context())
	var visitors sync.WaitGroup
	for range 40 {
		visitors.Go(func() {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/unsubscribe?t="+p.token(ada), nil))
		})
	}
	for s.asked.Load() < 32 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond) // for one more to come
	if n := s.asked.Load(); n != 32 {
		t.Errorf("%d are in the database", n)
	}
	leave()
	visitors.Wait()
}
