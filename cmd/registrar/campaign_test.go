package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/campaign"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// runCampaign runs registrar campaign on the database of dir.
func runCampaign(ctx context.Context, dir string, args ...string) (stdout, stderr string, err error) {
	cmd := root()
	var out, errs bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(append([]string{"campaign", args[0], "--data-dir", dir}, args[1:]...))
	err = cmd.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

// madeDatabase makes what serve would have made, with people in it.
func madeDatabase(t *testing.T, people int) (dir string, db *store.DB) {
	t.Helper()
	dir = t.TempDir()
	o := store.Options{Path: filepath.Join(dir, "registrar.db")}
	m, err := store.OpenMigrator(o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Up(t.Context())
	if err := errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	at := time.Now().Add(-time.Minute)
	for i := range people {
		id, err := newID()
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("p%d", i)
		_, err = db.Accounts().Create(t.Context(), registration.Registration{
			Account: registration.Account{
				ID: id, Username: registration.Username{Text: name, Key: name}, Email: registration.Email{Text: name + "@example.org", Key: name + "@example.org"},
				PasswordHash: "x", Status: registration.Active, RegisteredAt: at, EmailVerifiedAt: at,
			},
			Profile: registration.Profile{Locale: "en", MarketingConsent: i%2 == 0},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, db
}

// TestCampaignCommands: from create to cancel, beside a database that is in use.
func TestCampaignCommands(t *testing.T) {
	t.Parallel()
	dir, db := madeDatabase(t, 6)
	ok := func(want []string, args ...string) string {
		t.Helper()
		stdout, stderr, err := runCampaign(t.Context(), dir, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, stderr)
		}
		for _, w := range want {
			if !strings.Contains(strings.Join(strings.Fields(stdout), " "), w) {
				t.Errorf("%v: no %q in\n%s", args, w, stdout)
			}
		}
		return stdout
	}
	refused := func(want string, args ...string) {
		t.Helper()
		if stdout, _, err := runCampaign(t.Context(), dir, args...); err == nil || !strings.Contains(err.Error(), want) || stdout != "" {
			t.Errorf("%v: no %q in %v\n%s", args, want, err, stdout)
		}
	}
	ok([]string{"There is no campaign"}, "list")
	refused("registrar campaign list", "start", "spring")
	refused("one name", "start")
	create := []string{"create", "spring", "--template", "welcome-back", "--locale", "en,ar", "--quiet-hours", "00:00-00:01", "--time-zone", "Asia/Riyadh", "--frequency-cap", "2/7d", "--registered-since", "2020-01-31", "--deadline", "2d"}
	ok([]string{"accounts 6", "would get it 3", "not: no consent to marketing 3"}, append(create, "--dry-run")...)
	ok([]string{"There is no campaign"}, "list")
	ok([]string{"registrar campaign start spring"}, create...)
	refused("registrar campaign status spring", create...)
	refused("registrar campaign start spring", "pause", "spring")
	ok([]string{"would get it 3"}, "audience", "spring")
	ok([]string{"state CREATED", "deadline 2d after the start", "quiet hours 00:00-00:01 Asia/Riyadh", "frequency cap 2/7d", "locales en, ar", "registered since 2020-01-31 00:00:00Z"}, "status", "spring")
	ok([]string{"spring is RUNNING"}, "start", "spring")
	feeder := &campaign.Feeder{Store: db.Campaigns(), Leases: db.Leases(), Owner: "test", NewID: newID, Now: time.Now, Log: slog.New(slog.DiscardHandler), Queued: 1000}
	for worked := true; worked; {
		var err error
		if worked, err = feeder.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var got campaignView
	if err := json.Unmarshal([]byte(ok(nil, "status", "spring", "--json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "spring" || got.State != campaign.Running || got.LookedAt != 6 || got.Chosen != 3 || got.Excluded[campaign.NoConsent] != 3 || got.Notifications[registration.Queued] != 3 {
		t.Errorf("the status is %+v", got)
	}
	ok([]string{"spring is PAUSED"}, "pause", "spring")
	ok([]string{"spring PAUSED EMAIL welcome-back"}, "list")
	if _, stderr, err := runCampaign(t.Context(), dir, "status", "spring", "--watch"); err != nil || !strings.Contains(stderr, "PAUSED: 6 of 6 accounts looked at, 0 of 3 messages settled") {
		t.Errorf("%v\n%s", err, stderr)
	}
	ok([]string{"spring is RESUMING"}, "resume", "spring")
	ok([]string{"spring is CANCELLING"}, "cancel", "spring")
	refused("it is over", "resume", "spring")
	refused("there is no database in", "list", "--data-dir", t.TempDir())
}

// TestWhatACampaignNeeds: its template, and for e-mail that reaches people an
// https address to unsubscribe at.
func TestWhatACampaignNeeds(t *testing.T) {
	t.Parallel()
	dir, _ := madeDatabase(t, 0)
	texts := t.TempDir()
	own := filepath.Join(texts, "v1", "campaigns", "text-only", "en")
	if err := errors.Join(os.MkdirAll(own, 0o700), os.WriteFile(filepath.Join(own, "sms.txt"), []byte("Sale at {{.Brand}}"), 0o600)); err != nil {
		t.Fatal(err)
	}
	file := func(yaml string) string {
		path := filepath.Join(t.TempDir(), "registrar.yaml")
		if err := os.WriteFile(path, []byte(yaml+"templates_dir: "+texts+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const mailServer = "email: {driver: smtp, from: a@b.example, smtp: {host: mx.example.com}}\n"
	inbox, smtp := file(""), file(mailServer)
	for _, step := range []struct{ args, config, want string }{
		{"create spring --template nosuch", inbox, "no campaign template nosuch for email; there are: welcome-back."},
		{"create spring --template nosuch --dry-run", inbox, "no campaign template nosuch"},
		{"create spring --template text-only", inbox, "no campaign template text-only for email"},
		{"create sale --template text-only --channel sms", smtp, ""},
		{"create spring --template welcome-back", smtp, ""},
		{"start spring", smtp, "set public_url, or campaigns.unsubscribe_url"},
		{"start spring", file(mailServer + "public_url: http://api.example.com\n"), "https address"},
		{"start sale", smtp, ""},
		{"start spring", file(mailServer + "public_url: https://api.example.com\n"), ""},
		{"pause spring", smtp, ""},
		{"resume spring", smtp, "set public_url"},
		{"resume spring", file(mailServer + "campaigns: {unsubscribe_url: 'https://mail.example.com/unsubscribe'}\n"), ""},
		{"cancel spring", smtp, ""},
		{"cancel sale", inbox, ""},
		{"create summer --template welcome-back", inbox, ""},
		{"start summer", inbox, ""},
	} {
		_, _, err := runCampaign(t.Context(), dir, append(strings.Fields(step.args), "--config", step.config)...)
		if (err == nil) != (step.want == "") || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("%s: %v, want %q", step.args, err, step.want)
		}
	}
}

// TestCampaignFlags: all that is wrong is told at once, by its flag.
func TestCampaignFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // never looked at
	for flags, want := range map[string][]string{
		"":                                       {"--template", "template check"},
		"--template T":                           {"--template", "small letters"},
		"--template t --channel pigeon":          {"--channel", "email or sms"},
		"--template t --locale ?":                {"--locale", "BCP 47"},
		"--template t --deadline 91d":            {"deadline", "after the start"},
		"--template t --deadline soon":           {"--deadline"},
		"--template t --time-zone UTC":           {"--time-zone", "--quiet-hours"},
		"--template t --frequency-cap 2":         {"--frequency-cap", "2/7d"},
		"--template t --quiet-hours 21:00-08:00": {"--time-zone: is needed with --quiet-hours", "Asia/Riyadh"},
		"--template t --quiet-hours late":        {"--time-zone: is needed", "--quiet-hours: "},
		"--template t --registered-since yesterday --registered-before 31.1.2026":             {"--registered-since", "--registered-before", "2026-01-31"},
		"--template t --registered-since 2026-01-31 --registered-before 2026-01-31T00:00:00Z": {"segment", "earlier"},
	} {
		_, _, err := runCampaign(t.Context(), dir, append([]string{"create", "spring"}, strings.Fields(flags)...)...)
		if err == nil {
			t.Errorf("%s: taken", flags)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: no %q in %v", flags, w, err)
			}
		}
	}
}
