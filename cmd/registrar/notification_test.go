package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"registrar/internal/config"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// ledgerOf makes a database with one account, whose notifications nobody has
// looked at yet.
func ledgerOf(t *testing.T) (dir string, account registration.ID, notifications []registration.Notification) {
	t.Helper()
	dir = t.TempDir()
	c := config.Default()
	c.DataDir = dir
	m, err := store.OpenMigrator(store.Options{Path: databaseFile(c)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Options{Path: databaseFile(c)})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Truncate(time.Microsecond)
	account = registration.ID(uuid.Must(uuid.NewV7()))
	for channel, recipient := range map[registration.Channel]string{registration.EmailChannel: "amina@example.com", registration.SMSChannel: "+966512345678"} {
		notifications = append(notifications, registration.Notification{
			ID: registration.ID(uuid.Must(uuid.NewV7())), AccountID: account, Kind: registration.RegistrationCompleted, Channel: channel, Recipient: recipient,
			Locale: "en", CreatedAt: at, UpdatedAt: at, Deadline: at.Add(time.Hour), State: registration.Queued,
		})
	}
	_, err = db.Accounts().Create(t.Context(), registration.Registration{
		Account: registration.Account{
			ID: account, Username: registration.Username{Text: "amina", Key: "amina"}, Email: registration.Email{Text: "amina@example.com", Key: "amina@example.com"},
			PasswordHash: "x", Status: registration.PendingVerification, RegisteredAt: at,
		},
		Profile: registration.Profile{Locale: "en"}, Notifications: notifications,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, account, notifications
}

// command runs the program's command on a data directory.
func command(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := root()
	cmd.SetArgs(append(args, "--data-dir", dir))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err := cmd.ExecuteContext(t.Context())
	if errs.Len() > 0 {
		t.Errorf("%v says on standard error\n%s", args, &errs)
	}
	return out.String(), err
}

// TestSuppressionCommand: the life of a suppression, whose address is told by
// no command.
func TestSuppressionCommand(t *testing.T) {
	dir, _, _ := ledgerOf(t)
	for _, c := range []struct{ args, want, err string }{
		{"list", "Nobody is on the list.", ""},
		{"show amina@example.com", `a\*\*\*@e\*\*\*.com is not on the list`, ""},
		{"add Amina@Example.com", `A\*\*\*@E\*\*\*.com is on the list for MANUAL`, ""},
		{"add amina@example.com --reason hard-bounce", "for HARD_BOUNCE", ""},
		{"add +966512345678 --reason unsubscribed", `\+9665\*+78 is on the list for UNSUBSCRIBED`, ""},
		{"show amina@EXAMPLE.com", `(?s)EMAIL +[0-9a-f]{12} +MANUAL.*EMAIL +[0-9a-f]{12} +HARD_BOUNCE`, ""},
		{"show 00966512345678 --channel sms", `SMS +[0-9a-f]{12} +UNSUBSCRIBED`, ""},
		{"list --limit 2", `(?s)(EMAIL.*){2}There are more`, ""},
		{"list --limit 3", `(?s)(EMAIL.*){2}SMS[^\n]*\n$`, ""},
		{"remove amina@example.com --reason complaint", "was not on the list", ""},
		{"remove amina@example.com --reason hard-bounce", "is off the list for HARD_BOUNCE", ""},
		{"remove amina@example.com", "is off the list", ""},
		{"remove amina@example.com", "was not on the list", ""},
		{"add", "", "one e-mail address or mobile number is needed"},
		{"add amina", "", "not a mobile number"},
		{"add amina@", "", "not an e-mail address"},
		{"add amina@example.com --channel sms", "", "not a mobile number"},
		{"add amina@example.com --channel fax", "", "--channel must be"},
		{"add amina@example.com --reason spam", "", "not a reason"},
		{"list --limit 0", "", "--limit must be"},
	} {
		out, err := command(t, dir, append([]string{"suppression"}, strings.Fields(c.args)...)...)
		if !regexp.MustCompile(c.want).MatchString(out) || c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
		if strings.Contains(strings.ToLower(out), "amina") || strings.Contains(out, "512345678") {
			t.Errorf("%s tells an address:\n%s", c.args, out)
		}
	}
	if _, err := command(t, t.TempDir(), "suppression", "list"); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("without a database: %v", err)
	}
}

// TestNotificationCommand: what is listed and shown, as tables and as JSON,
// without addresses.
func TestNotificationCommand(t *testing.T) {
	dir, account, notifications := ledgerOf(t)
	if _, err := command(t, dir, "suppression", "add", "amina@example.com"); err != nil {
		t.Fatal(err)
	}
	email := notifications[0]
	if email.Channel != registration.EmailChannel {
		email = notifications[1]
	}
	for _, c := range []struct{ args, want, err string }{
		{"list", `(?s)ID +MADE.*(QUEUED.*){2}`, ""},
		{"list --account " + account.String(), `(?s)(QUEUED.*){2}`, ""},
		{"list --lane email.transactional --state queued", `(?s)email.transactional +a\*\*\*@e\*\*\*.com +QUEUED +- +0 +-\n$`, ""},
		{"list --limit 1", "There may be more: the same command with --before [0-9a-f-]{36}", ""},
		{"list --state FAILED", "There is no such notification", ""},
		{"show " + email.ID.String(), fmt.Sprintf(`(?s)notification +%s\n.*account +%s\n.*lane +email.transactional\n.*recipient +a\*\*\*@e\*\*\*.com\n.*state +QUEUED\n.*outbox +due .*published 0 times\n.*suppressed +MANUAL since`, email.ID, account), ""},
		{"show " + account.String(), "", "there is no such notification"},
		{"show x", "", "not an id"},
		{"show", "", "one id of a notification is needed"},
		{"list --state GONE", "", "--state is none"},
		{"list --lane fax", "", "no such lane"},
		{"list --account x", "", "--account is not an id"},
		{"list --before x", "", "--before is not an id"},
		{"list --since -1h", "", "--since must not be negative"},
		{"list --limit 1001", "", "--limit must be"},
	} {
		out, err := command(t, dir, append([]string{"notification"}, strings.Fields(c.args)...)...)
		if !regexp.MustCompile(c.want).MatchString(out) || c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
		if strings.Contains(out, "amina") || strings.Contains(out, "512345678") {
			t.Errorf("%s tells an address:\n%s", c.args, out)
		}
	}
	out, err := command(t, dir, "notification", "show", email.ID.String(), "--json")
	if err != nil {
		t.Fatal(err)
	}
	var shown notificationView
	if err := json.Unmarshal([]byte(out), &shown); err != nil || shown.ID != email.ID.String() || shown.Recipient != "a***@e***.com" || shown.Outbox == nil || len(shown.Suppressions) != 1 || len(shown.Suppressions[0].Recipient) != 64 {
		t.Errorf("%v\n%s", err, out)
	}
}
