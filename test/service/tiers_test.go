package service_test

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// tiers are web servers, application servers and a notifier on one database and
// one broker, with TLS between web and application servers.
type tiers struct {
	*devstack.MariaDB
	config   string // of all but web servers, which have less
	apps     []*harness.Service
	webs     []*harness.Service
	notifier *harness.Service
}

const (
	keyOfCodes   = "codes:\n  key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
	keyOfCallers = "callers: {refresh: 200ms, key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\n"
)

func newTiers(t *testing.T) *tiers {
	t.Helper()
	node, database := harness.MariaDB(t)
	_, queue := harness.Kafka(t)
	s := &tiers{MariaDB: node, config: harness.Config(t, "")}
	ofWebs := harness.Config(t, "")
	for range 2 {
		s.apps = append(s.apps, harness.App(t, "--config", s.config))
	}
	for range 2 {
		s.webs = append(s.webs, harness.Web(t, s.apps, "--config", ofWebs))
	}
	s.notifier = harness.Notifier(t, "--config", s.config)
	shared := "public_url: " + strings.TrimSuffix(s.webs[0].URL, "/registration") + "\n" + harness.CheapHash
	for path, more := range map[string]string{
		s.config: database + queue + mutual(t, "app"),
		ofWebs:   keyOfCodes + keyOfCallers + "drain_delay: 1s\n" + mutual(t, "web"),
	} {
		if err := os.WriteFile(path, []byte(shared+more), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var authority = func() *devstack.Authority {
	a, err := devstack.NewAuthority()
	if err != nil {
		panic(err)
	}
	return a
}()

// mutual is the section by which a process proves itself.
func mutual(t *testing.T, name string) string {
	t.Helper()
	certificate, key, err := authority.Issue(pkix.Name{CommonName: name})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, content := range map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.pem": authority.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("tier: {tls: {certificate_file: %[1]s/tls.crt, key_file: %[1]s/tls.key, ca_file: %[1]s/ca.pem}}\n", dir)
}

// TestTiers: what the whole does in one process, it does in many; and nobody
// notices that one of them is gone.
func TestTiers(t *testing.T) {
	t.Parallel()
	s := newTiers(t)
	s.webBeforeApp(t)
	for _, p := range []*harness.Service{s.apps[1], s.webs[1], s.notifier} {
		p.Start(t)
	}
	if t.Failed() {
		t.FailNow()
	}
	mainJob(t, s.webs[0].WithInboxOf(s.apps[0]))
	for _, p := range slices.Concat(s.apps, []*harness.Service{s.webs[1], s.notifier}) {
		quiet(t, p)
	}
	s.unsubscribe(t)
	s.nobodyNotices(t)
	s.callers(t)
	for _, p := range slices.Concat(s.webs, s.apps, []*harness.Service{s.notifier}) {
		if err := p.Stop(20 * time.Second); err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.Log(t))
		}
	}
}

// webBeforeApp: a web server lives without an application server, says why it
// is not ready, and is ready by itself once there is one.
func (s *tiers) webBeforeApp(t *testing.T) {
	t.Helper()
	web := s.webs[0]
	web.Launch(t)
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		live, _, err := web.Get(ctx, web.Admin+"/livez")
		if err != nil || live != http.StatusOK {
			return fmt.Errorf("/livez answers %d, %w", live, err)
		}
		return nil
	})
	ready, page, err := web.Get(t.Context(), web.Admin+"/readyz")
	if err != nil || ready != http.StatusServiceUnavailable || !strings.Contains(string(page), s.apps[0].Tier) || !strings.Contains(string(page), "refused") {
		t.Errorf("/readyz answers %d, %v: %s", ready, err, page)
	}
	harness.Eventually(t, 10*time.Second, func(context.Context) error {
		if !strings.Contains(web.Log(t), "waiting for an application server") {
			return errors.New("its log does not say what it waits for")
		}
		return nil
	})
	s.apps[0].Start(t)
	if err := web.AwaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(web.Log(t), "waiting for an application server"); n != 1 {
		t.Errorf("the log tells %d times what it waits for:\n%s", n, web.Log(t))
	}
}

// unsubscribe: the page that people unsubscribe at is web servers'.
func (s *tiers) unsubscribe(t *testing.T) {
	t.Helper()
	web := s.webs[0].WithInboxOf(s.apps[1])
	receipt, err := web.Register(t.Context(), harness.Register{Username: "huda", Email: "huda@example.com", Password: "velvet-anchor-tuesday", Locale: "en", MarketingConsent: "true"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.Verify(t.Context(), receipt.RegistrationID, "EMAIL", awaitCode(t, web, "huda@example.com", 1)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"create", "spring", "--template", "welcome-back"}, {"start", "spring"}} {
		if out, code := run(t, append(append([]string{"campaign"}, args...), "--config", s.config)...); code != 0 {
			t.Fatal(out)
		}
	}
	var letter string
	harness.Eventually(t, 40*time.Second, func(ctx context.Context) error {
		inbox, err := web.Inbox(ctx)
		if err != nil {
			return err
		}
		for _, m := range inbox {
			text, err := web.Text(ctx, m.ID)
			if err != nil {
				return err
			}
			if letter = link.FindString(text); letter != "" {
				return nil
			}
		}
		return errors.New("no letter has come")
	})
	other := strings.Replace(letter, strings.TrimSuffix(s.webs[0].URL, "/registration"), strings.TrimSuffix(s.webs[1].URL, "/registration"), 1)
	if page := follow(t, http.MethodGet, letter, ""); !strings.Contains(page, `value="unsubscribe"`) {
		t.Errorf("the page is\n%s", page)
	}
	follow(t, http.MethodPost, other, "List-Unsubscribe=One-Click")
	if page := follow(t, http.MethodGet, letter, ""); !strings.Contains(page, `value="subscribe"`) {
		t.Errorf("afterwards the page is\n%s", page)
	}
}

// figures: each end of the hop counts, and what it counts is documented.
func (s *tiers) figures(t *testing.T) {
	t.Helper()
	scrape := func(p *harness.Service) string {
		_, page, err := p.Get(t.Context(), p.Admin+"/metrics")
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	harness.Eventually(t, 10*time.Second, func(context.Context) error { // one has just been started again
		if !strings.Contains(scrape(s.webs[0]), "registrar_tier_servers 2\n") {
			return errors.New("a web server does not count two application servers")
		}
		return nil
	})
	web, app := scrape(s.webs[0]), scrape(s.apps[0])
	for _, want := range []string{
		`registrar_tier_calls_total{method="Register",result="ok"}`, `registrar_tier_calls_total{method="List",result="ok"}`,
		`registrar_tier_call_seconds_count{method="Register"}`, `registrar_tier_repeats_total{method="Register"}`, `registrar_tier_given_up_total `,
		`registrar_soap_requests_total{operation="Register",result="ok",soap="1.1"}`, `registrar_connections_open `,
	} {
		if !strings.Contains(web, want) {
			t.Errorf("a web server does not show %s", want)
		}
	}
	for _, want := range []string{`registrar_tier_served_total{method="Register",result="ok"}`, `registrar_tier_serve_seconds_count{method="Register"}`, `registrar_hash_running `, `registrar_outbox_rows `} {
		if !strings.Contains(app, want) {
			t.Errorf("an application server does not show %s", want)
		}
	}
	for _, never := range []string{"registrar_hash_", "registrar_outbox_rows", "registrar_tier_served"} {
		if strings.Contains(web, never) {
			t.Errorf("a web server shows %s", never)
		}
	}
	for _, never := range []string{"registrar_tier_servers", "registrar_tier_calls", "registrar_tier_given_up", "registrar_connections"} {
		if strings.Contains(app, never) {
			t.Errorf("an application server shows %s", never)
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	ofTheHop := func(all []string) []string {
		return slices.DeleteFunc(all, func(n string) bool { return !strings.HasPrefix(n, "registrar_tier_") })
	}
	if want, got := ofTheHop(names(told, page)), ofTheHop(names(family, []byte(web+app))); !slices.Equal(got, want) {
		t.Errorf("shown are %v, and explained %v", got, want)
	}
}

// callers: what one uses up at a web server is used up at the other; both learn
// of it from application servers.
func (s *tiers) callers(t *testing.T) {
	t.Helper()
	key := harness.Config(t, keyOfCallers) // application servers need none
	b, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, append(b, keyOfCallers...), 0o600); err != nil {
		t.Fatal(err)
	}
	c := callerCommand{[]string{"--config", key}}
	digests := c.secret(t, "add", "digests", "--digest")
	limited := c.secret(t, "add", "limited", "--rate", "5", "--burst", "10", "--daily-quota", "25")
	want := func(at int, what, code, envelope string, change func(*http.Request)) {
		t.Helper()
		if got, _, err := send(t.Context(), http.DefaultClient, s.webs[at].URL, envelope, change); err != nil || got != code {
			t.Errorf("%s: %s, %v; want %s", what, got, err, code)
		}
	}
	for at := range s.webs {
		harness.Eventually(t, 10*time.Second, func(ctx context.Context) error {
			code, _, err := send(ctx, http.DefaultClient, s.webs[at].URL, harness.Envelope(lookUp), nil)
			if err == nil && code != "UNAUTHENTICATED" {
				err = fmt.Errorf("somebody whom nobody knows is told %s", code)
			}
			return err
		})
	}
	first := withHeader(digestToken("digests", digests))
	want(0, "a digest", "NOT_FOUND", first, nil)
	want(1, "the same at the other web server", "UNAUTHENTICATED", first, nil)
	want(0, "the same again", "UNAUTHENTICATED", first, nil)
	want(1, "another nonce", "NOT_FOUND", withHeader(digestToken("digests", digests)), nil)
	want(1, "a wrong secret", "UNAUTHENTICATED", withHeader(digestToken("digests", limited)), nil)

	as := func(r *http.Request) { r.SetBasicAuth("limited", limited) }
	passed, began := 0, time.Now()
	for i := 0; passed < 18; i++ {
		code, retryAfter, err := send(t.Context(), http.DefaultClient, s.webs[i%2].URL, harness.Envelope(lookUp), as)
		switch {
		case err != nil:
			t.Fatal(err)
		case code == "NOT_FOUND":
			passed++
		case code != "RATE_LIMITED" || retryAfter < 1:
			t.Fatalf("%s, retry after %d", code, retryAfter)
		}
		if most := 10 + 5*time.Since(began).Seconds() + 2; float64(passed) > most {
			t.Fatalf("%d calls passed in %v", passed, time.Since(began))
		}
		time.Sleep(5 * time.Millisecond)
	}
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error { // until the quota is used up too
		code, retryAfter, err := send(ctx, http.DefaultClient, s.webs[passed%2].URL, harness.Envelope(lookUp), as)
		switch {
		case err != nil:
			return err
		case code == "NOT_FOUND":
			passed++
			return fmt.Errorf("%d calls passed", passed)
		case retryAfter < 60:
			return fmt.Errorf("%s, retry after %d s", code, retryAfter)
		}
		return nil
	})
	if passed > 25 {
		t.Errorf("%d calls passed of a quota of 25", passed)
	}
	for _, p := range slices.Concat(s.webs, s.apps) {
		if log := p.Log(t); strings.Contains(log, digests) || strings.Contains(log, limited) {
			t.Error("a secret is in the log")
		}
	}
}

// TestTiersOffLoopback: strangers who reach an application server may register
// people in any caller's name, so it wants to be told who its web servers are.
func TestTiersOffLoopback(t *testing.T) {
	t.Parallel()
	parts := "database: {driver: mariadb, addresses: ['127.0.0.1:1']}\nkafka: {brokers: ['127.0.0.1:1']}\n" + keyOfCodes
	for name, tt := range map[string]struct {
		args []string
		want []string
	}{
		"an application server without TLS": {
			[]string{"app", "--config", harness.Config(t, parts), "--tier-listen", "0.0.0.0:0", "--admin-listen", "127.0.0.1:0"},
			[]string{"tier.listen 0.0.0.0:0 is off loopback without tier.tls", "in any caller's name", "listen on 127.0.0.1", "allow_unauthenticated"},
		},
		"an application server with files that are not there": {
			[]string{"app", "--config", harness.Config(t, parts+"tier: {tls: {certificate_file: /nonexistent/a, key_file: /nonexistent/b, ca_file: /nonexistent/c}}\n"), "--tier-listen", "0.0.0.0:0"},
			[]string{"TLS", "/nonexistent/a", "no such file"},
		},
		"a web server with half of it": {
			[]string{"web", "--config", harness.Config(t, "tier: {tls: {ca_file: ca.pem}}\n")},
			[]string{"tier.tls.ca_file", "belong together"},
		},
		"an application server on the embedded default": {
			[]string{"app", "--data-dir", filepath.Join(t.TempDir(), "none")},
			[]string{"registrar app needs database.driver mariadb and kafka.brokers", "registrar serve"},
		},
		"a web server without application servers": {
			[]string{"web", "--config", harness.Config(t, "tier: {servers: []}\n")},
			[]string{"needs application servers", "tier.servers", "--servers"},
		},
		"an address that is taken": {
			[]string{"app", "--config", harness.Config(t, parts), "--tier-listen", taken(t)},
			[]string{"tier listen", "address already in use", "--tier-listen"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, code := run(t, tt.args...)
			if code != 1 || strings.Contains(out, "goroutine") {
				t.Errorf("exit code %d", code)
			}
			for _, w := range tt.want {
				if !strings.Contains(out, w) {
					t.Errorf("no %q in\n%s", w, out)
				}
			}
		})
	}
}

// TestAWebServerThatWaits for an application server can be stopped as at any
// other time.
func TestAWebServerThatWaits(t *testing.T) {
	t.Parallel()
	port, err := devstack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	nobody := &harness.Service{Tier: fmt.Sprintf("127.0.0.1:%d", port)}
	web := harness.Web(t, []*harness.Service{nobody})
	web.Launch(t)
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		if !strings.Contains(web.Log(t), "waiting for an application server") {
			return errors.New("it does not wait")
		}
		return nil
	})
	if err := web.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM before there is an application server: %v\n%s", err, web.Log(t))
	}
	if regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d .* (ERROR|WARNING): `).MatchString(web.Log(t)) {
		t.Errorf("a library writes to the log as it likes:\n%s", web.Log(t))
	}
}

// taken is an address at which somebody listens.
func taken(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
