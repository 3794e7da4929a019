package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// TestBounces: a mail server takes a person's mail and returns it; the report
// comes back into the ledger by either way, and operators see it.
func TestBounces(t *testing.T) {
	t.Parallel()
	postfix, err := devstack.StartPostfix(t.Context(), t.TempDir(), devstack.PostfixOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { postfix.Stop(10 * time.Second) })
	port, err := devstack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(t.TempDir(), "bounces")
	s := harness.New(t, "--config", harness.Config(t, fmt.Sprintf(`
email:
  driver: smtp
  from: no-reply@bank.example
  smtp: {host: %s, port: %d, security: none, timeout: 5s}
bounces: {address: bounces@bank.example, maildir: %s, poll: 100ms, smtp_listen: "127.0.0.1:%d"}
`, postfix.Host, postfix.Port, back, port)))
	s.Start(t)
	if _, err := s.Register(t.Context(), harness.Register{RequestID: "r-1", Username: "full", Email: devstack.PostfixFull, Password: "velvet-anchor-tuesday", Locale: "en"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	report, _, err := postfix.Await(ctx, func(h mail.Header) bool { return strings.HasPrefix(h.Get("Content-Type"), "multipart/report") })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(report, []byte("X-Postfix-Sender: rfc822; bounces@bank.example")) {
		t.Errorf("the mail was not sent on behalf of the bounce address:\n%s", report)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(back, "tmp", "1"), report, 0o600), os.Rename(filepath.Join(back, "tmp", "1"), filepath.Join(back, "new", "1"))); err != nil {
		t.Fatal(err)
	}
	var id string
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		d, err := s.Lookup(ctx, "username", "full")
		if err != nil {
			return err
		}
		for _, n := range d.Notifications {
			if id = n.ID; n.State == "FAILED" {
				return nil
			}
		}
		return fmt.Errorf("notifications are %+v", d.Notifications)
	})
	harness.Eventually(t, 10*time.Second, func(context.Context) error {
		_, err := os.Stat(filepath.Join(back, "cur", "1:2,S"))
		return err
	})
	if err := smtp.SendMail(fmt.Sprintf("127.0.0.1:%d", port), nil, "", []string{"bounces@bank.example"}, report); err != nil {
		t.Errorf("the same report by SMTP: %v", err)
	}
	_, page, err := s.Get(t.Context(), s.Admin+"/metrics")
	for _, line := range []string{`registrar_bounces_total{result="failed"} 1`, `registrar_bounces_total{result="unchanged"} 1`} {
		if err != nil || !bytes.Contains(page, []byte(line)) {
			t.Errorf("no %s in the metrics, %v", line, err)
		}
	}
	out, err := exec.CommandContext(t.Context(), harness.Binary(t), "notification", "show", id, "--data-dir", filepath.Join(s.Dir, "data")).CombinedOutput()
	if text := string(out); err != nil || !strings.Contains(text, "FAILED BOUNCE 5.2.2") || !strings.Contains(text, "f***@e***.com") || strings.Contains(text, "full") {
		t.Errorf("%v\n%s", err, text)
	}
	if log := s.Log(t); strings.Contains(log, devstack.PostfixFull) {
		t.Errorf("the log tells the address:\n%s", log)
	}
}
