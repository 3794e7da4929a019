package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// gateway is an HTTP SMS provider that refuses its first request.
type gateway struct {
	mu       sync.Mutex
	requests []gatewayRequest
	asked    int
}

type gatewayRequest struct{ To, Text, ID, Authorization string }

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if g.asked == 1 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var m gatewayRequest
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m.Authorization = r.Header.Get("Authorization")
	g.requests = append(g.requests, m)
	w.WriteHeader(http.StatusAccepted)
	fmt.Fprint(w, `{"message":{"id":"gw-1"}}`)
}

// TestRealChannels: e-mail to a mail server, SMS to a gateway that refuses at
// first, and everything in the ledger.
func TestRealChannels(t *testing.T) {
	t.Parallel()
	mail, err := devstack.StartSMTP(t.Context(), t.TempDir(), devstack.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mail.Kill)
	sms := &gateway{}
	server := httptest.NewServer(sms)
	t.Cleanup(server.Close)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the-gateway-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := harness.New(t, "--config", harness.Config(t, fmt.Sprintf(`
brand: Example Bank
email:
  driver: smtp
  from: no-reply@bank.example
  smtp: {host: %s, port: %d, security: none, timeout: 5s}
sms:
  driver: http
  http:
    url: %s/send
    headers: {Authorization: 'Bearer {{.Secrets.token}}', Content-Type: application/json}
    body: '{"To": {{json .To}}, "Text": {{json .Text}}, "ID": {{json .ID}}}'
    id_path: message.id
    timeout: 5s
    secret_files: {token: %s}
`, mail.Host, mail.Port, server.URL, token)))
	s.Start(t)
	if _, err := s.Register(t.Context(), amina); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Register(t.Context(), noura); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		d, err := s.Lookup(ctx, "username", "amina")
		if err != nil {
			return err
		}
		for _, n := range d.Notifications {
			if n.State != "ACCEPTED" {
				return fmt.Errorf("%s is %s", n.Channel, n.State)
			}
		}
		messages, err := mail.Messages()
		if err == nil && len(messages) != 2 {
			err = fmt.Errorf("the mail server has %d messages", len(messages))
		}
		return err
	})
	messages, err := mail.Messages()
	if err != nil {
		t.Fatal(err)
	}
	arabic := 0
	for _, m := range messages {
		if from := m.Header.Get("From"); !strings.Contains(from, "<no-reply@bank.example>") || !strings.Contains(from, "Example Bank") {
			t.Errorf("From is %s", from)
		}
		if !strings.HasPrefix(m.Header.Get("Content-Type"), "multipart/alternative") {
			t.Errorf("Content-Type is %s", m.Header.Get("Content-Type"))
		}
		if m.Header.Get("Content-Language") == "ar" {
			arabic++
		}
	}
	if arabic != 1 {
		t.Errorf("%d messages are in Arabic", arabic)
	}
	sms.mu.Lock()
	defer sms.mu.Unlock()
	if len(sms.requests) != 1 {
		t.Fatalf("the gateway took %d messages, after %d requests", len(sms.requests), sms.asked)
	}
	if r := sms.requests[0]; r.To != "+966512345678" || !strings.Contains(r.Text, "Example Bank") || len(r.ID) != 36 || r.Authorization != "Bearer the-gateway-token" {
		t.Errorf("the gateway got To %t, Text %q, ID %q", r.To == "+966512345678", r.Text, r.ID)
	}
	quiet(t, s)
	if strings.Contains(s.Log(t), "the-gateway-token") {
		t.Error("the log tells the gateway's token")
	}
}

// TestRefusesToStart: with an error that says what to do.
func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	running := harness.New(t)
	running.Start(t)
	for _, tt := range []struct {
		name, want string
		args       []string
	}{
		{"off loopback", "allow_unauthenticated", []string{"--listen", "0.0.0.0:0"}},
		{"admin pages off loopback", "allow_unauthenticated", []string{"--admin-listen", "0.0.0.0:0"}},
		{"a data directory in use", "another registrar uses it", []string{"--data-dir", filepath.Join(running.Dir, "data")}},
		{"an address in use", "choose another address by --listen", []string{"--listen", strings.TrimSuffix(strings.TrimPrefix(running.URL, "http://"), "/registration")}},
		{"all problems together", "password.min_length", []string{"--config", harness.Config(t, "listne: x\npassword: {min_length: 3, algorithm: md5}\n")}},
		{"a database that is not there", "the database cannot be reached", []string{"--config", harness.Config(t, "database: {driver: mariadb, addresses: ['127.0.0.1:1'], connect_timeout: 200ms}\ncodes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\n")}},
		{"a shared database without a key for codes", "openssl rand -base64 32", []string{"--config", harness.Config(t, "database: {driver: mariadb, addresses: ['127.0.0.1:1'], connect_timeout: 200ms}\n")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := harness.New(t, tt.args...)
			if err := s.TryStart(t.Context()); err == nil {
				t.Fatal("it started")
			}
			if log := s.Log(t); !strings.Contains(log, tt.want) || strings.Contains(log, "goroutine") {
				t.Errorf("it says\n%s", log)
			}
		})
	}
}

// TestTheAdminPagesAnswerToTheirNamesOnly: not to one that an attacker's page made up.
func TestTheAdminPagesAnswerToTheirNamesOnly(t *testing.T) {
	t.Parallel()
	s := harness.New(t)
	s.Start(t)
	for host, want := range map[string]int{"localhost": http.StatusOK, "127.0.0.1:8081": http.StatusOK, "attacker.example": http.StatusMisdirectedRequest} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Admin+"/api/v1/messages", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Host %s: HTTP %d, want %d", host, resp.StatusCode, want)
		}
	}
}
