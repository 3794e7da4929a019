package smtp_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/channel/smtp"
	"registrar/internal/devstack"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) {
	if extensions, sink := os.LookupEnv(sinkVariable); sink {
		if err := runSink(strings.Split(extensions, ",")); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func hmacMD5(key, text string) string {
	h := hmac.New(md5.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

var from = mail.Address{Name: "Registrar", Address: "registrar@example.net"}

func newSender(t *testing.T, config smtp.Config) *smtp.Sender {
	t.Helper()
	if config.From.Address == "" {
		config.From = from
	}
	s, err := smtp.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func messageTo(to string) notify.Message {
	return notify.Message{NotificationID: registration.ID{0x01, 0x99, 15: 7}, To: to, Name: "Ada \"Countess\" Lovelace", Locale: "en",
		Subject: "Your account", Text: "Hello Ada,\n.\nwelcome.\n", HTML: "<p>Hello Ada</p>"}
}

func checkFailure(t *testing.T, err error, class notify.Class, status string, provider bool) {
	t.Helper()
	e, ok := errors.AsType[*notify.SendError](err)
	if !ok || e.Class != class || e.Status != status || e.Provider != provider {
		t.Errorf("%v, want %s %s, the provider's: %t", err, class, status, provider)
	}
}

func start(t *testing.T, o devstack.SMTPOptions) *devstack.SMTP {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	server, err := devstack.StartSMTP(ctx, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}

// deliver sends m through a real server and gives what it has taken.
func deliver(t *testing.T, server *devstack.SMTP, s *smtp.Sender, m notify.Message) *mail.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	receipt, err := s.Send(ctx, m)
	if err != nil || receipt.State != registration.Accepted {
		t.Fatalf("Send: %+v, %v", receipt, err)
	}
	messages, err := server.Messages()
	if err != nil || len(messages) == 0 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	return messages[len(messages)-1]
}

func TestRealServer(t *testing.T) {
	for _, c := range []struct {
		name     string
		tls      string
		security smtp.Security
	}{
		{"without TLS", "", smtp.Plaintext},
		{"STARTTLS", "starttls", smtp.STARTTLS},
		{"TLS", "tls", smtp.TLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := start(t, devstack.SMTPOptions{TLS: c.tls})
			s := newSender(t, smtp.Config{Host: server.Host, Port: server.Port, Security: c.security, RootCAs: server.RootCAs, ReplyTo: mail.Address{Address: "help@example.net"}})
			m := deliver(t, server, s, messageTo("ada@münchen.example"))
			decode := new(mime.WordDecoder)
			for header, want := range map[string]string{
				"Message-Id":       "<01990000-0000-0000-0000-000000000007@example.net>",
				"From":             `"Registrar" <registrar@example.net>`,
				"Reply-To":         "<help@example.net>",
				"To":               `"Ada \"Countess\" Lovelace" <ada@xn--mnchen-3ya.example>`,
				"Subject":          "Your account",
				"Auto-Submitted":   "auto-generated",
				"Content-Language": "en",
				"X-Mailfrom":       "registrar@example.net",
				"X-Rcptto":         "ada@xn--mnchen-3ya.example",
			} {
				if got, _ := decode.DecodeHeader(m.Header.Get(header)); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if date, err := m.Header.Date(); err != nil || time.Since(date) > time.Minute {
				t.Errorf("Date: %v, %v", date, err)
			}
			parts := bodies(t, m)
			if len(parts) != 2 || parts["text/plain"] != "Hello Ada,\n.\nwelcome.\n" || strings.TrimSpace(parts["text/html"]) != "<p>Hello Ada</p>" {
				t.Errorf("parts: %q", parts)
			}
		})
	}
}

// bodies decodes the parts of a multipart/alternative.
func bodies(t *testing.T, m *mail.Message) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%q, %v", kind, err)
	}
	parts := make(map[string]string)
	reader := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		var decoded io.Reader = part
		switch encoding := part.Header.Get("Content-Transfer-Encoding"); encoding {
		case "7bit":
		case "quoted-printable":
			decoded = quotedprintable.NewReader(part)
		case "base64":
			decoded = base64.NewDecoder(base64.StdEncoding, part)
		default:
			t.Errorf("encoding %q", encoding)
		}
		text, err := io.ReadAll(decoded)
		if err != nil {
			t.Fatal(err)
		}
		kind, params, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("charset %q", params["charset"])
		}
		parts[kind] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
}

func TestNamesOfTheWorld(t *testing.T) {
	server := start(t, devstack.SMTPOptions{SMTPUTF8: true})
	s := newSender(t, smtp.Config{Host: server.Host, Port: server.Port, Security: smtp.Plaintext})
	m := messageTo("nour@example.org")
	m.Name, m.Subject, m.Locale, m.Text = "نور\r\nBcc: everyone@example.com", "تم تسجيل\r\nBcc: everyone@example.com", "ar", "مرحبًا\n"
	got := deliver(t, server, s, m)
	decode := new(mime.WordDecoder)
	subject, _ := decode.DecodeHeader(got.Header.Get("Subject"))
	to, err := mail.ParseAddress(got.Header.Get("To"))
	if err != nil || to.Name != "نور  Bcc: everyone@example.com" || subject != "تم تسجيل  Bcc: everyone@example.com" || got.Header.Get("Bcc") != "" {
		t.Errorf("%v, %v, %q, Bcc %q", err, to, subject, got.Header.Get("Bcc"))
	}
	if text := bodies(t, got)["text/plain"]; text != "مرحبًا\n" {
		t.Errorf("%q", text)
	}
	// A local part that only SMTPUTF8 carries.
	got = deliver(t, server, s, messageTo("用户@example.org"))
	decoded, err := decode.DecodeHeader(got.Header.Get("X-Rcptto"))
	if err != nil || decoded != "用户@example.org" {
		t.Errorf("X-RcptTo: %q, %v", decoded, err)
	}
}

func TestSMTPUTF8OnlyWhereNeeded(t *testing.T) {
	p := newPeer(t, map[string]string{})
	p.extensions = append(p.extensions, "SMTPUTF8")
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext})
	for _, to := range []string{"ada@example.com", "用户@example.com", "ada@bücher.example"} {
		if _, err := s.Send(t.Context(), messageTo(to)); err != nil {
			t.Fatal(err)
		}
	}
	if with := p.said("MAIL FROM:<registrar@example.net> BODY=8BITMIME SMTPUTF8"); with != 1 || p.said("MAIL") != 3 {
		t.Errorf("%d of %d with SMTPUTF8", with, p.said("MAIL"))
	}

	without := newPeer(t, map[string]string{})
	s = newSender(t, smtp.Config{Host: without.host, Port: without.port, Security: smtp.Plaintext})
	_, err := s.Send(t.Context(), messageTo("用户@example.com"))
	if notify.ClassOf(err) != notify.Permanent || !strings.HasSuffix(err.Error(), " 5.6.7") || without.said("MAIL") != 0 {
		t.Errorf("%v", err)
	}
}

func TestConnectionIsKept(t *testing.T) {
	p := newPeer(t, map[string]string{})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, Connections: 2, IdleTimeout: 300 * time.Millisecond})
	for range 20 {
		if _, err := s.Send(t.Context(), messageTo("ada@example.com")); err != nil {
			t.Fatal(err)
		}
	}
	if connections, _, messages := p.count(); connections != 1 || messages != 20 || p.said("NOOP")+p.said("RSET") != 0 {
		t.Errorf("%d messages over %d connections with %d words too many", messages, connections, p.said("NOOP")+p.said("RSET"))
	}
	eventually(t, "an idle connection's end", func() bool { _, open, _ := p.count(); return open == 0 })
	if p.said("QUIT") != 1 {
		t.Error("an idle connection was closed without QUIT")
	}
	if _, err := s.Send(t.Context(), messageTo("ada@example.com")); err != nil {
		t.Fatal(err)
	}
	var together sync.WaitGroup
	for range 30 {
		together.Go(func() {
			if _, err := s.Send(t.Context(), messageTo("ada@example.com")); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	if connections, _, messages := p.count(); connections > 3 || messages != 51 {
		t.Errorf("%d messages over %d connections", messages, connections)
	}
}

// TestWarmConnection: it outlives its idleness by NOOP, and its server's end by
// a new one.
func TestWarmConnection(t *testing.T) {
	p := newPeer(t, map[string]string{})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, Connections: 1, Warm: 1, IdleTimeout: 50 * time.Millisecond, KeepAlive: 20 * time.Millisecond})
	eventually(t, "a connection before the first message", func() bool { _, open, _ := p.count(); return open == 1 })
	eventually(t, "a sign of life", func() bool { return p.said("NOOP") > 10 })
	if _, err := s.Send(t.Context(), messageTo("ada@example.com")); err != nil {
		t.Error(err)
	}
	if connections, _, messages := p.count(); connections != 1 || messages != 1 {
		t.Errorf("%d messages over %d connections", messages, connections)
	}
	p.set("NOOP", "421 4.4.2 too long")
	eventually(t, "a new connection", func() bool { connections, _, _ := p.count(); return connections > 1 })
	p.set("", "close") // and nobody there
	p.set("NOOP", "close")
	eventually(t, "the end", func() bool { _, open, _ := p.count(); return open == 0 })
	p.set("NOOP", "")
	p.set("", "")
	eventually(t, "a connection when the server is back", func() bool { _, open, _ := p.count(); return open == 1 })
	if _, err := s.Send(t.Context(), messageTo("ada@example.com")); err != nil {
		t.Error(err)
	}
}

// TestOthersAreNotKeptWarm: after a rush one connection is left.
func TestOthersAreNotKeptWarm(t *testing.T) {
	p := newPeer(t, map[string]string{})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, Connections: 3, Warm: 1, IdleTimeout: 50 * time.Millisecond, KeepAlive: 20 * time.Millisecond})
	var together sync.WaitGroup
	for range 30 {
		together.Go(func() {
			if _, err := s.Send(t.Context(), messageTo("ada@example.com")); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	if _, _, messages := p.count(); messages != 30 {
		t.Errorf("%d messages", messages)
	}
	eventually(t, "the end of all connections but one", func() bool { _, open, _ := p.count(); return open == 1 })
}

// TestDialogue: one message, command by command.
func TestDialogue(t *testing.T) {
	for _, c := range []struct {
		name       string
		extensions []string
		to, bounce string
		want       []string
	}{
		{"no extension", []string{"8BITMIME"}, "ada@example.com", "", []string{
			"MAIL FROM:<registrar@example.net>", "RCPT TO:<ada@example.com>", "DATA"}},
		{"DSN", []string{"PIPELINING", "DSN"}, "ada+tag=x@example.com", "bounces@example.net", []string{
			"MAIL FROM:<bounces@example.net> RET=HDRS ENVID=01990000-0000-0000-0000-000000000007",
			"RCPT TO:<ada+tag=x@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ada+2Btag+3Dx@example.com", "DATA"}},
		{"DSN and SMTPUTF8", []string{"PIPELINING", "8BITMIME", "DSN", "SMTPUTF8"}, "用户@example.com", "", []string{
			"MAIL FROM:<registrar@example.net> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=01990000-0000-0000-0000-000000000007",
			"RCPT TO:<用户@example.com> NOTIFY=FAILURE,DELAY", "DATA"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPeer(t, map[string]string{})
			p.extensions = c.extensions
			s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, BounceAddress: c.bounce})
			if _, err := s.Send(t.Context(), messageTo(c.to)); err != nil {
				t.Fatal(err)
			}
			if got := p.heard()[1:]; !slices.Equal(got, c.want) {
				t.Errorf("said %q, want %q", got, c.want)
			}
		})
	}
}

// TestUnsubscribe: what is no address for a one-click request goes nowhere.
func TestUnsubscribe(t *testing.T) {
	p := newPeer(t, map[string]string{})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext})
	for _, address := range []string{"http://api.example.com/u", "mailto:u@example.com", "https://api.example.com/u\r\nBcc: eve@example.com", "https://a/>,<https://b", "https://a/é", "https://" + strings.Repeat("a", 1000)} {
		m := messageTo("ada@example.com")
		m.Unsubscribe = address
		_, err := s.Send(t.Context(), m)
		checkFailure(t, err, notify.Permanent, "UNSUBSCRIBE", false)
	}
	if p.said("MAIL") != 0 {
		t.Error("the server heard of one")
	}
}

func TestServerClosedAnIdleConnection(t *testing.T) {
	server := start(t, devstack.SMTPOptions{})
	s := newSender(t, smtp.Config{Host: server.Host, Port: server.Port, Security: smtp.Plaintext})
	deliver(t, server, s, messageTo("ada@example.com"))
	server.Kill()
	_, err := s.Send(t.Context(), messageTo("ada@example.com"))
	if e, ok := errors.AsType[*notify.SendError](err); !ok || e.Class != notify.Transient || e.Status != "connect" {
		t.Fatalf("without a server: %v", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	deliver(t, server, s, messageTo("ada@example.com"))
	// Killed and back before the sender notices: the old connection is dead, the message is not.
	server.Kill()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	deliver(t, server, s, messageTo("ada@example.com"))
	if messages, err := server.Messages(); err != nil || len(messages) != 3 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		step, action string
		class        notify.Class
		status       string
		reused       bool // the connection serves the next message
	}{
		{"", "554 5.3.2 not today", notify.Transient, "554 5.3.2", false},
		{"", "close", notify.Transient, "connect", false},
		{"", "hang", notify.Transient, "connect", false},
		{"EHLO", "hang", notify.Transient, "connect", false},
		{"MAIL", "451 4.3.0 ada@example.com later", notify.Transient, "451 4.3.0", true},
		{"MAIL", "550 5.7.1 ada@example.com never", notify.Permanent, "550 5.7.1", true},
		{"MAIL", "530 5.7.0 sign in", notify.Transient, "530 5.7.0", true},
		{"MAIL", "close", notify.Transient, "MAIL", false},
		{"MAIL", "hang", notify.Transient, "MAIL", false},
		{"RCPT", "450 4.2.1 ada@example.com busy", notify.Transient, "450 4.2.1", true},
		{"RCPT", "550 5.1.1 <ada@example.com> unknown", notify.Permanent, "550 5.1.1", true},
		{"RCPT", "552 5.5.3 too many", notify.Transient, "552 5.5.3", true},
		{"RCPT", "421 4.3.2 closing", notify.Transient, "421 4.3.2", false},
		{"RCPT", "close", notify.Transient, "RCPT", false},
		{"RCPT", "hang", notify.Transient, "RCPT", false},
		{"DATA", "451 4.3.0 later", notify.Transient, "451 4.3.0", true},
		{"DATA", "554 5.6.0 never", notify.Permanent, "554 5.6.0", true},
		{"DATA", "close", notify.Transient, "DATA", false},
		{"DATA", "hang", notify.Transient, "DATA", false},
		{"DATA", "nonsense", notify.Transient, "DATA", false},
		{".", "451 4.7.1 ada@example.com later", notify.Transient, "451 4.7.1", true},
		{".", "554 5.7.1 ada@example.com never", notify.Permanent, "554 5.7.1", true},
		{".", "nonsense", notify.Ambiguous, "answer", false},
		{".", "421 4.7.0 ada@example.com too many", notify.Throttled, "421 4.7.0", false},
		{".", "close", notify.Ambiguous, "answer", false},
		{".", "hang", notify.Ambiguous, "answer", false},
	} {
		for _, pipelining := range []bool{true, false} {
			t.Run(fmt.Sprint(c.step, " ", c.action, map[bool]string{true: " pipelined"}[pipelining]), func(t *testing.T) {
				p := newPeer(t, map[string]string{c.step: c.action})
				if !pipelining {
					p.extensions = []string{"ENHANCEDSTATUSCODES"}
				}
				s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext})
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				if c.action == "hang" {
					ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
				}
				defer cancel()
				_, err := s.Send(ctx, messageTo("ada@example.com"))
				e, ok := errors.AsType[*notify.SendError](err)
				if !ok || e.Class != c.class || e.Status != c.status {
					t.Errorf("%v, want %s %s", err, c.class, c.status)
				}
				if strings.Contains(err.Error(), "ada") {
					t.Errorf("the error tells the address: %v", err)
				}
				_, _, before := p.count()
				p.set(c.step, "")
				next, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if _, err := s.Send(next, messageTo("ada@example.com")); err != nil {
					t.Errorf("the next message: %v", err)
				}
				connections, _, after := p.count()
				if want := map[bool]int{true: 1, false: 2}[c.reused]; connections != want || after != before+1 {
					t.Errorf("%d connections and %d messages more, want %d and 1", connections, after-before, want)
				}
			})
		}
	}
}

// A connection that dies within the message leaves no message behind, however
// the library cleans up.
func TestNoHalfMessage(t *testing.T) {
	p := newPeer(t, map[string]string{"body": "close"})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext})
	m := messageTo("ada@example.com")
	m.HTML = strings.Repeat("<p>long</p>\n", 1<<20)
	_, err := s.Send(t.Context(), m)
	if notify.ClassOf(err) == notify.Permanent || err == nil {
		t.Errorf("%v", err)
	}
	if _, _, messages := p.count(); messages != 0 {
		t.Error("half a message was taken")
	}
}

func TestSignIn(t *testing.T) {
	for _, c := range []struct {
		offers, auth, password, want string
	}{
		{"PLAIN LOGIN", "", "secret", "AUTH PLAIN"},
		{"LOGIN", "", "secret", "AUTH LOGIN"},
		{"PLAIN CRAM-MD5", "", "secret", "AUTH CRAM-MD5"},
		{"PLAIN LOGIN CRAM-MD5", "login", "secret", "AUTH LOGIN"},
		{"PLAIN", "", "wrong", ""},
		{"GSSAPI", "", "secret", ""},
		{"PLAIN", "CRAM-MD5", "secret", ""},
	} {
		t.Run(c.offers+" "+c.auth+" "+c.password, func(t *testing.T) {
			p := newPeer(t, map[string]string{})
			p.username, p.password = "registrar", "secret"
			p.extensions = append(p.extensions, "AUTH "+c.offers)
			s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, Username: "registrar", Password: c.password, Auth: c.auth})
			_, err := s.Send(t.Context(), messageTo("ada@example.com"))
			switch {
			case c.want == "":
				if notify.ClassOf(err) != notify.Transient || err == nil || strings.Contains(err.Error(), c.password) {
					t.Errorf("%v", err)
				}
			case err != nil || p.said(c.want) != 1:
				t.Errorf("%v; %d times %s", err, p.said(c.want), c.want)
			}
		})
	}
}

func TestStrangerIsNotTrusted(t *testing.T) {
	for tls, security := range map[string]smtp.Security{"starttls": smtp.STARTTLS, "tls": smtp.TLS} {
		server := start(t, devstack.SMTPOptions{TLS: tls})
		s := newSender(t, smtp.Config{Host: server.Host, Port: server.Port, Security: security}) // the system's authorities
		if _, err := s.Send(t.Context(), messageTo("ada@example.com")); notify.ClassOf(err) != notify.Transient || err == nil {
			t.Errorf("%s: %v", tls, err)
		}
	}
	// A server without STARTTLS, or one whose offer somebody took away.
	p := newPeer(t, map[string]string{})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port})
	if _, err := s.Send(t.Context(), messageTo("ada@example.com")); notify.ClassOf(err) != notify.Transient || err == nil || p.said("MAIL") != 0 {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	p := newPeer(t, map[string]string{})
	s := newSender(t, smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext})
	for _, to := range []string{"", "ada", "@example.com", "ada@", "ada@example.com\r\nRCPT TO:<eve@example.com>", "ada@example.com> SIZE=1", "a b@example.com"} {
		if _, err := s.Send(t.Context(), messageTo(to)); notify.ClassOf(err) != notify.Permanent || err == nil {
			t.Errorf("%q: %v", to, err)
		}
	}
	if p.said("RCPT") != 0 {
		t.Error("the server heard of one")
	}
}

func TestNewTellsEverything(t *testing.T) {
	_, err := smtp.New(smtp.Config{Host: "mail.example.com/x", Port: 70000, Security: "ssl", Auth: "GSSAPI", From: mail.Address{Address: "nobody"}, Connections: -1})
	for _, want := range []string{"security", "host", "port", "GSSAPI", "from", "connections"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
	if _, err := smtp.New(smtp.Config{Host: "mail.example.com", Security: smtp.Plaintext, From: from}); err == nil {
		t.Error("plaintext leaves the machine untold")
	}
	short := filepath.Join(t.TempDir(), "short.pem")
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(short, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(weak)}), 0o600); err != nil {
		t.Fatal(err)
	}
	good, _ := newKey(t, "ed25519")
	for want, config := range map[string]smtp.Config{
		"no such file":       {DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "a", File: good + ".none"}}}},
		"no private key":     {DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "a", File: "sender_test.go"}}}},
		"1024 bits":          {DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "a", File: short}}}},
		"selector":           {DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "", File: good}}}},
		"twice":              {DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "a", File: good}, {Selector: "a", File: good}}}},
		"domain of DKIM":     {DKIM: smtp.DKIM{Domain: "a b"}},
		"bounce address":     {BounceAddress: "nobody"},
		"warm":               {Connections: 1, Warm: 2},
		"no certificate":     {CAFile: good},
		"authorities: open ": {CAFile: good + ".none"},
	} {
		config.Host, config.From = "mail.example.com", from
		if _, err := smtp.New(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
	s, err := smtp.New(smtp.Config{Host: "mail.example.com", Security: smtp.Plaintext, AllowPlaintext: true, From: from})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
