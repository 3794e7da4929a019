package smtp_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"mime"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/channel/smtp"
	"registrar/internal/devstack"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// newKey writes a private key into a file and gives the record that publishes
// its public half (RFC 6376 section 3.6.1, RFC 8463 section 4.2).
func newKey(t testing.TB, algorithm string) (file, record string) {
	t.Helper()
	var private crypto.Signer
	var public []byte
	var err error
	if algorithm == "rsa" {
		var key *rsa.PrivateKey
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err == nil {
			private = key
			public, err = x509.MarshalPKIXPublicKey(key.Public())
		}
	} else {
		var key ed25519.PrivateKey
		if public, key, err = ed25519.GenerateKey(rand.Reader); err == nil {
			private = key
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), algorithm+".pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, "v=DKIM1; k=" + algorithm + "; p=" + base64.StdEncoding.EncodeToString(public)
}

func startPostfix(t *testing.T, o devstack.PostfixOptions) *devstack.Postfix {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	server, err := devstack.StartPostfix(ctx, t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// delivered sends m and gives what arrives, byte for byte.
func delivered(t *testing.T, server *devstack.Postfix, s *smtp.Sender, m notify.Message) ([]byte, mail.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := s.Send(ctx, m); err != nil {
		t.Fatalf("Send: %v", err)
	}
	raw, header, err := server.Await(ctx, func(h mail.Header) bool { return strings.HasPrefix(h.Get("Message-ID"), "<"+m.NotificationID.String()) })
	if err != nil {
		t.Fatal(err)
	}
	return raw, header
}

// dkimVerify is what python3-dkim says of signature n, from 0.
const dkimVerify = `
import dkim, sys
records = dict(line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1]))
text = sys.stdin.buffer.read()
def published(name, timeout=5):
    return records.get(name.decode().rstrip("."), "").encode()
verifier = dkim.DKIM(text)
for n in range(int(sys.argv[2])):
    print(verifier.verify(idx=n, dnsfunc=published))
`

// TestSignatures: what arrives through Postfix is verified by two
// implementations that are not ours.
func TestSignatures(t *testing.T) {
	t.Parallel()
	rsaFile, rsaRecord := newKey(t, "rsa")
	edFile, edRecord := newKey(t, "ed25519")
	records := map[string]string{"r2026._domainkey.example.net": rsaRecord, "e2026._domainkey.example.net": edRecord}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	filter, err := devstack.StartOpenDKIM(ctx, t.TempDir(), records)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(filter.Kill)
	server := startPostfix(t, devstack.PostfixOptions{TLS: true, SignIn: true, Milter: filter.Address})
	s := newSender(t, smtp.Config{
		Host: server.Host, Port: server.Port, CAFile: server.CAFile, Username: server.User, Password: server.Secret,
		BounceAddress: "bounces@example.net", ReplyTo: mail.Address{Address: "help@example.net"},
		DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "e2026", File: edFile}, {Selector: "r2026", File: rsaFile}}},
	})
	published := filepath.Join(t.TempDir(), "published")
	var lines strings.Builder
	for name, record := range records {
		lines.WriteString(name + " " + record + "\n")
	}
	if err := os.WriteFile(published, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	campaign := newsletter()
	campaign.NotificationID[15] = 1
	arabic := messageTo("nour@example.com")
	arabic.NotificationID[15] = 2
	arabic.Name, arabic.Subject, arabic.Locale = "نور", "تم تسجيل حسابك في السجل الوطني، ويمكنك الآن الدخول إليه", "ar"
	arabic.Text, arabic.HTML = "مرحبًا  نور \n\n.\n..\nأهلًا\n\n\n", "<p dir=\"rtl\">مرحبًا نور</p>"
	plain := messageTo("ada@example.com")
	plain.NotificationID[15] = 3
	plain.Text, plain.HTML = "Caf\u00e9 \t \n.\nFrom here\n \n\n", ""
	code := messageTo("ada@example.com")
	code.NotificationID[15] = 4
	code.Text, code.HTML = "", ""
	for name, m := range map[string]notify.Message{"campaign": campaign, "Arabic": arabic, "plain text": plain, "empty": code} {
		t.Run(name, func(t *testing.T) {
			raw, header := delivered(t, server, s, m)
			result := header.Get("Authentication-Results")
			for _, want := range []string{"dkim=pass (2048-bit key", "header.s=r2026", "header.s=e2026", "header.a=ed25519-sha256", "header.a=rsa-sha256"} {
				if !strings.Contains(result, want) {
					t.Errorf("opendkim: %q has no %s", result, want)
				}
			}
			if n := strings.Count(result, "dkim=pass"); n != 2 || strings.Contains(result, "dkim=fail") {
				t.Errorf("opendkim: %q", result)
			}
			python := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", dkimVerify, published, "2")
			python.Stdin = bytes.NewReader(raw)
			if out, err := python.CombinedOutput(); err != nil || string(out) != "True\nTrue\n" {
				t.Errorf("python3-dkim: %v, %s", err, out)
			}
			decode := new(mime.WordDecoder)
			subject, err := decode.DecodeHeader(header.Get("Subject"))
			if err != nil || subject != m.Subject {
				t.Errorf("Subject: %q, %v", subject, err)
			}
			to, err := mail.ParseAddress(header.Get("To"))
			if err != nil || to.Name != m.Name {
				t.Errorf("To: %v, %v", to, err)
			}
			if got := header.Get("Return-Path"); got != "<bounces@example.net>" {
				t.Errorf("Return-Path: %s", got)
			}
			if m.HTML != "" {
				read, err := mail.ReadMessage(bytes.NewReader(raw))
				if err != nil {
					t.Fatal(err)
				}
				if parts := bodies(t, read); len(parts) != 2 || parts["text/plain"] != m.Text || parts["text/html"] != m.HTML {
					t.Errorf("%q", parts)
				}
			}
			unsubscribe, precedence := "", ""
			if m.Kind == registration.CampaignMessage {
				unsubscribe, precedence = "<"+m.Unsubscribe+">", "bulk"
			}
			signature := strings.Join(strings.Fields(header.Get("DKIM-Signature")), "")
			if header.Get("List-Unsubscribe") != unsubscribe || header.Get("Precedence") != precedence || header.Get("Auto-Submitted") != "auto-generated" ||
				strings.Contains(signature, "List-Unsubscribe:List-Unsubscribe-Post") != (unsubscribe != "") ||
				(header.Get("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click") != (unsubscribe != "") {
				t.Errorf("%v", header)
			}
		})
	}
}

// TestForgedFields: what a signature covers cannot be added to.
func TestForgedFields(t *testing.T) {
	t.Parallel()
	file, record := newKey(t, "ed25519")
	published := filepath.Join(t.TempDir(), "published")
	if err := os.WriteFile(published, []byte("e._domainkey.example.net "+record+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := startPostfix(t, devstack.PostfixOptions{})
	s := newSender(t, smtp.Config{Host: server.Host, Port: server.Port, Security: smtp.Plaintext, DKIM: smtp.DKIM{Keys: []smtp.DKIMKey{{Selector: "e", File: file}}}})
	raw, _ := delivered(t, server, s, newsletter())
	for forged, want := range map[string]string{
		"": "True", "From: eve@example.org\r\n": "False", "Subject: Your prize\r\n": "False", "To: bob@example.org\r\n": "False", "X-Spam: no\r\n": "True",
	} {
		python := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", dkimVerify, published, "1")
		python.Stdin = strings.NewReader(forged + string(raw))
		out, _ := python.CombinedOutput()
		if got := strings.TrimSpace(string(out)); got != want && (want == "True" || strings.Contains(got, "True")) {
			t.Errorf("%q: %s", forged, got)
		}
	}
}

// TestReturnedMail: the notice of what cannot be delivered arrives at the bounce
// address and names the notification (RFC 3461, RFC 3464).
func TestReturnedMail(t *testing.T) {
	t.Parallel()
	server := startPostfix(t, devstack.PostfixOptions{})
	s := newSender(t, smtp.Config{Host: server.Host, Port: server.Port, Security: smtp.Plaintext, BounceAddress: "bounces@example.net"})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m := messageTo(devstack.PostfixFull)
	if _, err := s.Send(ctx, m); err != nil {
		t.Fatal(err)
	}
	raw, _, err := server.Await(ctx, func(h mail.Header) bool { return h.Get("X-Original-To") == "bounces@example.net" })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"multipart/report; report-type=delivery-status", "Original-Envelope-Id: " + m.NotificationID.String(), "Original-Recipient: rfc822;" + devstack.PostfixFull,
		"Final-Recipient: rfc822; " + devstack.PostfixFull, "Action: failed", "Status: 5.2.2", "Content-Type: text/rfc822-headers", "Message-ID: <" + m.NotificationID.String() + "@example.net>",
	} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("the notice has no %q:\n%s", want, raw)
		}
	}
	if bytes.Contains(raw, []byte("Hello Ada")) {
		t.Error("the text came back, RET=HDRS notwithstanding")
	}
}

// TestPostfixRefuses: the same failures as by script, by a real server.
func TestPostfixRefuses(t *testing.T) {
	t.Parallel()
	server := startPostfix(t, devstack.PostfixOptions{TLS: true, SignIn: true})
	for _, c := range []struct {
		name     string
		config   smtp.Config
		to       string
		class    notify.Class
		status   string
		provider bool
	}{
		{"a recipient that does not exist", smtp.Config{CAFile: server.CAFile, Username: server.User, Password: server.Secret}, devstack.PostfixUnknown, notify.Permanent, "550 5.1.1", false},
		{"a wrong password", smtp.Config{CAFile: server.CAFile, Username: server.User, Password: "guess"}, "ada@example.com", notify.Transient, "535 5.7.8", true},
		{"a certificate of an unknown authority", smtp.Config{Username: server.User, Password: server.Secret}, "ada@example.com", notify.Transient, "connect", true},
		{"a certificate for another name", smtp.Config{Host: devstack.PostfixAlias, CAFile: server.CAFile}, "ada@example.com", notify.Transient, "connect", true},
		{"no TLS", smtp.Config{Security: smtp.Plaintext}, "ada@example.com", notify.Transient, "530 5.7.0", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.config.Host == "" {
				c.config.Host = server.Host
			}
			c.config.Port = server.Port
			s := newSender(t, c.config)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := s.Send(ctx, messageTo(c.to))
			checkFailure(t, err, c.class, c.status, c.provider)
		})
	}
	messages, err := server.Messages()
	if err != nil || len(messages) != 0 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
}
