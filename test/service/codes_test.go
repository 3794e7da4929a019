package service_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// TestCodes: tries that are used up, codes that are sent again, and what a
// restart leaves of them.
func TestCodes(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+"codes: {cooldown: 1s, attempts: 2, daily_cap: 3}\n"))
	s.Start(t)
	ctx := t.Context()
	receipt, err := s.Register(ctx, amina)
	if err != nil {
		t.Fatal(err)
	}
	id := receipt.RegistrationID
	first := awaitCode(t, s, amina.Email, 1)
	again := func(n int) string {
		t.Helper()
		harness.Eventually(t, 10*time.Second, func(ctx context.Context) error {
			resent, err := s.Resend(ctx, id, "EMAIL")
			if err == nil && (resent.Message != "A code is on its way to your e-mail address." || resent.ExpiresAt == "" || resent.NextResendAt == "") {
				t.Errorf("answered %+v", resent)
			}
			return err
		})
		return awaitCode(t, s, amina.Email, n)
	}
	if same := again(2); same != first {
		t.Error("another code was sent while the first one could be used")
	}

	if err := s.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	info, err := os.Stat(filepath.Join(s.Dir, "data", "codes.key"))
	if err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("the key is %v, %v", info, err)
	}
	s.Start(t)
	for range 2 {
		_, err = s.Verify(ctx, id, "EMAIL", another(first))
		wantFault(t, err, "CODE_INVALID")
	}
	_, err = s.Verify(ctx, id, "EMAIL", first)
	wantFault(t, err, "TOO_MANY_ATTEMPTS")
	next := again(3)
	if _, err := s.Verify(ctx, id, "EMAIL", next); err != nil {
		t.Errorf("the next code: %v", err)
	}

	// The number's codes come to their cap.
	sent := 1
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		status, answer, err := s.Post(ctx, "text/xml", harness.Envelope("<r:ResendCodeRequest><r:registrationId>"+id+"</r:registrationId><r:channel>SMS</r:channel></r:ResendCodeRequest>"))
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			sent++
			return fmt.Errorf("sent %d", sent)
		case !strings.Contains(string(answer), "<code>RESEND_TOO_SOON</code>"):
			t.Fatalf("HTTP %d: %s", status, answer)
		case !strings.Contains(string(answer), "today"):
			return errors.New("too soon")
		}
		return nil
	})
	if sent != 3 {
		t.Errorf("%d codes were sent to one number", sent)
	}
	other := noura
	other.MobileNumber = amina.MobileNumber
	receipt, err = s.Register(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Lookup(ctx, "registrationId", receipt.RegistrationID)
	if err != nil || len(d.Notifications) != 1 || d.Notifications[0].Channel != "EMAIL" {
		t.Errorf("over the cap: %+v, %v", d.Notifications, err)
	}
	_, err = s.Verify(ctx, receipt.RegistrationID, "SMS", "000000")
	wantFault(t, err, "CODE_EXPIRED")
}

// TestCallersThatHaveVerifiedContacts: their people are ACTIVE at once, and get
// the news.
func TestCallersThatHaveVerifiedContacts(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	c := callerCommand{[]string{"--data-dir", filepath.Join(s.Dir, "data")}}
	secret := c.secret(t, "add", "monolith", "--verified-contacts")
	if show := c.ok(t, "show", "monolith"); !strings.Contains(show, "verified by the caller") {
		t.Errorf("shown as\n%s", show)
	}
	s.Start(t)
	answer, err := postAs(t.Context(), s, "monolith", secret, amina.Body())
	if err != nil || !strings.Contains(answer, "<status>ACTIVE</status>") {
		t.Fatalf("the answer is %s, %v", answer, err)
	}
	awaitAddresses(t, s, "+966512345678", "amina@example.com")
	answer, err = postAs(t.Context(), s, "monolith", secret, "<r:GetRegistrationRequest><r:username>amina</r:username></r:GetRegistrationRequest>")
	if err != nil || strings.Count(answer, "<kind>REGISTRATION_COMPLETED</kind>") != 2 || strings.Count(answer, "VerifiedAt>") != 4 {
		t.Errorf("looked up %s, %v", answer, err)
	}
}
