package service_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// logins is two servers on one database, where 5 wrong passwords are taken.
type logins struct {
	*devstack.MariaDB
	servers []*harness.Service
}

func newLogins(t *testing.T) *logins {
	t.Helper()
	node, database := harness.MariaDB(t)
	l := &logins{MariaDB: node}
	config := harness.Config(t, harness.CheapHash+database+"attempts: {login_burst: 5, login_every: 1h, origin_burst: 3, origin_every: 1h}\n")
	for range 2 {
		s := harness.New(t, "--config", config)
		s.Start(t)
		l.servers = append(l.servers, s)
	}
	return l
}

func (l *logins) query(t *testing.T, sql string) string {
	t.Helper()
	text, err := l.Query(t.Context(), "USE registrar; "+sql)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// limited says whether err is RATE_LIMITED.
func limited(err error) bool {
	fault, ok := errors.AsType[*harness.Fault](err)
	return ok && fault.Code == "RATE_LIMITED" && fault.Retryable
}

// TestPasswords of two servers on one database: right and wrong ones, those of
// nobody, hashes of another system, and an attacker who cannot keep a person out.
func TestPasswords(t *testing.T) {
	t.Parallel()
	l := newLogins(t)
	ctx, s := t.Context(), l.servers
	receipt, err := s[0].Register(ctx, amina)
	if err != nil {
		t.Fatal(err)
	}
	valid := harness.Verdict{Valid: true, RegistrationID: receipt.RegistrationID, Status: "PENDING_VERIFICATION"}
	for _, login := range []string{"Amina", "AMINA@example.com"} {
		if v, err := s[1].VerifyPassword(ctx, login, amina.Password, "amina-phone"); err != nil || v != valid {
			t.Errorf("%s: %+v, %v", login, v, err)
		}
	}
	l.otherSystems(t, receipt.RegistrationID)
	for _, login := range []string{"Amina", "amina-nobody"} {
		if n := l.flood(t, login); n != 5 {
			t.Errorf("%d wrong passwords of %s were taken at two servers, not 5", n, login)
		}
		_, err := s[0].VerifyPassword(ctx, login, amina.Password, "amina-tablet")
		if !limited(err) {
			t.Errorf("%s, from elsewhere: %v", login, err)
		}
	}
	status, header := l.post(t, harness.PasswordBody("amina", "wrong", ""))
	if seconds := header.Get("Retry-After"); status != http.StatusInternalServerError || len(seconds) != 4 {
		t.Errorf("HTTP %d, Retry-After %q", status, seconds)
	}
	for n := range 10 { // from where she did before, as often as she likes
		if v, err := s[n%2].VerifyPassword(ctx, "amina", amina.Password, "amina-phone"); err != nil || v != valid {
			t.Errorf("time %d from where she did before: %+v, %v", n+1, v, err)
		}
	}
	for _, service := range s {
		quiet(t, service)
		l.counted(t, service)
		if log := service.Log(t); strings.Contains(log, "phone") || strings.Contains(log, "tablet") || strings.Contains(log, "elsewhere") {
			t.Error("the log tells an origin")
		}
	}
	if told := regexp.MustCompile(`(?i)amina-phone|tablet|elsewhere|amina-nobody`).FindString(l.dump(t)); told != "" {
		t.Errorf("the database has %q", told)
	}
}

// otherSystems are hashes that PHP 8.2 has made of correct-horse-battery, by
// password_hash and by crypt.
func (l *logins) otherSystems(t *testing.T, id string) {
	t.Helper()
	hash := func() string {
		return l.query(t, "SELECT password_hash FROM accounts WHERE username = 'amina'")
	}
	own := hash()
	for _, legacy := range []string{
		"$2y$10$apL3UpEb2cuCnb/DUxvqR.ZiD.G9cc12ffJ6f2BaQw25gWQAU.S2y",
		"$6$rounds=5000$saltsaltsalt$vGgeJxUicYCEkEllwqRH1.wwXHXNyTbPSpct/10ZVVDNpSbBHbiS3hOIlvO7DG7mhkYJ/Bf7dMfp.xYUgCgfv.",
	} {
		l.query(t, "UPDATE accounts SET password_hash = '"+legacy+"' WHERE username = 'amina'")
		if v, err := l.servers[0].VerifyPassword(t.Context(), "amina", amina.Password, "amina-phone"); err != nil || v.Valid || hash() != legacy {
			t.Errorf("a wrong password of %s: %+v, %v; it is %s now", legacy, v, err, hash())
		}
		for n := range 2 {
			v, err := l.servers[n].VerifyPassword(t.Context(), "amina", "correct-horse-battery", "amina-phone")
			if now := hash(); err != nil || !v.Valid || v.RegistrationID != id || !strings.HasPrefix(now, "$argon2id$") {
				t.Errorf("%s, time %d: %+v, %v; it is %s now", legacy, n+1, v, err, now)
			}
		}
	}
	l.query(t, "UPDATE accounts SET password_hash = '"+own+"' WHERE username = 'amina'")
}

// flood tries many passwords of a login at both servers, from many origins, at
// the same time, and says how many were taken.
func (l *logins) flood(t *testing.T, login string) int64 {
	t.Helper()
	var taken atomic.Int64
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			origin := ""
			if n%4 != 0 {
				origin = fmt.Sprint("elsewhere-", n)
			}
			v, err := l.servers[n%2].VerifyPassword(t.Context(), login, fmt.Sprint("guess-", n), origin)
			switch {
			case err == nil && v == harness.Verdict{}:
				taken.Add(1)
			case !limited(err):
				t.Errorf("guess %d: %+v, %v", n, v, err)
			}
		})
	}
	wg.Wait()
	return taken.Load()
}

// post sends a body to the first server, for what its answer is wrapped in.
func (l *logins) post(t *testing.T, body string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.servers[0].URL, strings.NewReader(harness.Envelope(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header
}

// counted looks at the outcomes on /metrics.
func (l *logins) counted(t *testing.T, s *harness.Service) {
	t.Helper()
	harness.Eventually(t, 5*time.Second, func(ctx context.Context) error {
		_, text, err := s.Get(ctx, s.Admin+"/metrics")
		if err != nil {
			return err
		}
		for _, outcome := range []string{"valid", "invalid", "limited"} {
			if !regexp.MustCompile(`(?m)^registrar_password_verifications_total\{outcome="` + outcome + `"\} [1-9]`).Match(text) {
				return errors.New("no outcome " + outcome)
			}
		}
		if !strings.Contains(string(text), `registrar_password_verifications_total{outcome="error"} 0`) {
			return errors.New("an error was counted")
		}
		return nil
	})
}

// dump is all that the database has.
func (l *logins) dump(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for table := range strings.Lines(l.query(t, "SHOW TABLES")) {
		all.WriteString(l.query(t, "SELECT * FROM "+strings.TrimSpace(table)))
	}
	if !strings.Contains(all.String(), "amina@example.com") {
		t.Fatal("the dump has nothing of Amina")
	}
	return all.String()
}
