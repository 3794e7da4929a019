package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// TestCampaignsByMail: with the header fields of one click, and not at all
// without an address to unsubscribe at.
func TestCampaignsByMail(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartSMTP(t.Context(), t.TempDir(), devstack.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	smtp := fmt.Sprintf("email: {driver: smtp, from: news@bank.example, smtp: {host: %s, port: %d, security: none, timeout: 5s}}\n", server.Host, server.Port)
	c := newCrowd(t, smtp) // its public_url is http, which is no address for one click
	c.Start(t)
	receipt, err := c.Register(t.Context(), harness.Register{Username: "amina", Email: "amina@example.com", Password: "velvet-anchor-tuesday", Locale: "en", MarketingConsent: "true"})
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		all, err := server.Messages()
		if err == nil && len(all) != 1 {
			err = fmt.Errorf("%d mails", len(all))
		}
		if err != nil {
			return err
		}
		body, err := io.ReadAll(all[0].Body)
		if code = harness.CodeIn(string(body)); err == nil && code == "" {
			err = errors.New("no code in the mail")
		}
		return err
	})
	if _, err := c.Verify(t.Context(), receipt.RegistrationID, "EMAIL", code); err != nil {
		t.Fatal(err)
	}
	c.campaign(t, "is made", "create", "spring", "--template", "welcome-back")
	if out, exit := run(t, "campaign", "start", "spring", "--config", c.config, "--data-dir", filepath.Join(c.Dir, "data")); exit != 1 || !strings.Contains(out, "https address to unsubscribe at") {
		t.Errorf("exit code %d: %s", exit, out)
	}
	// Started by somebody whose configuration has the address, it waits for a
	// server that has it too.
	has := harness.Config(t, "public_url: https://api.example.com\n"+smtp)
	if out, exit := run(t, "campaign", "start", "spring", "--config", has, "--data-dir", filepath.Join(c.Dir, "data")); exit != 0 {
		t.Fatal(out)
	}
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		if got := c.status(t, "spring"); got.Notifications["QUEUED"] != 1 {
			return fmt.Errorf("it is %+v", got)
		}
		return nil
	})
	time.Sleep(2 * time.Second)
	if all, err := server.Messages(); err != nil || len(all) != 2 { // the code, and the news
		t.Errorf("%d mails, %v", len(all), err)
	}
	if log := c.Log(t); !strings.Contains(log, "lane=email.marketing") || !strings.Contains(log, "campaigns.unsubscribe_url") {
		t.Error("the log does not tell of the lane that is left out")
	}
	if err := c.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.config, []byte("public_url: https://api.example.com\n"+harness.CheapHash+smtp), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	var came *mail.Message
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		all, err := server.Messages()
		if err != nil {
			return err
		}
		for _, m := range all {
			if came = m; m.Header.Get("List-Unsubscribe") != "" {
				return nil
			}
		}
		return fmt.Errorf("no campaign's among %d mails", len(all))
	})
	header := came.Header.Get("List-Unsubscribe")
	address, found := strings.CutPrefix(strings.Trim(header, "<>"), "https://api.example.com")
	if !found || came.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" || came.Header.Get("Precedence") != "bulk" {
		t.Fatalf("the header is %v", came.Header)
	}
	follow(t, http.MethodPost, strings.TrimSuffix(c.URL, "/registration")+address, "List-Unsubscribe=One-Click")
	c.campaign(t, "is made", "create", "summer", "--template", "welcome-back")
	if out := strings.Join(strings.Fields(c.campaign(t, "", "audience", "summer")), " "); !strings.Contains(out, "accounts 1 would get it 0 not: no consent to marketing 1") {
		t.Errorf("the audience is %s", out)
	}
}
