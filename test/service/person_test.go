package service_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// TestErasingAPerson beside a service that runs leaves nothing of them, in the
// database, in the queue and in the log.
func TestErasingAPerson(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	s.Start(t)
	ctx, data := t.Context(), filepath.Join(s.Dir, "data")
	zubaydah := harness.Register{
		RequestID: "first-zubaydah", Username: "zubaydah.q", Email: "zubaydah.qahtani@example.org", Password: "velvet-anchor-tuesday", FirstName: "Zubaydah", LastName: "Qahtani",
		MobileNumber: "+966598765432", MarketingConsent: "true", ExternalID: "4711",
	}
	receipt, err := s.Register(ctx, zubaydah)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Register(ctx, amina); err != nil {
		t.Fatal(err)
	}
	code := awaitCode(t, s, zubaydah.Email, 1)
	if _, err := s.Verify(ctx, receipt.RegistrationID, "EMAIL", code); err != nil {
		t.Fatal(err)
	}
	document, exit := run(t, "person", "export", "--email", zubaydah.Email, "--data-dir", data)
	if exit != 0 {
		t.Fatal(document)
	}
	for _, want := range []string{zubaydah.Username, zubaydah.Email, zubaydah.MobileNumber, zubaydah.FirstName, zubaydah.LastName, zubaydah.RequestID, zubaydah.ExternalID, "VERIFICATION_CODE", "VERIFY_CONTACT", "EXPORT"} {
		if !strings.Contains(document, want) {
			t.Errorf("no %q in the export", want)
		}
	}
	if strings.Contains(document, "argon2") {
		t.Error("the hash of the password is in the export")
	}
	out, exit := run(t, "person", "erase", "--username", "ZUBAYDAH.q", "--keep-external-id=false", "--yes", "--data-dir", data)
	if exit != 0 || !strings.Contains(out, receipt.RegistrationID) {
		t.Fatal(out)
	}
	secrets := []string{zubaydah.Username, zubaydah.Email, "598765432", "Zubaydah", "Qahtani", zubaydah.RequestID}
	if _, err := s.Lookup(ctx, "registrationId", receipt.RegistrationID); err == nil {
		t.Error("the registration is still there")
	}
	messages, err := s.Inbox(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if len(m.To) != 1 || m.To[0].Address == zubaydah.Email || strings.Contains(m.To[0].Address, "598765432") {
			t.Errorf("in the inbox is %+v", m)
		}
	}
	awaitSealed(t, s, 4)
	if erased, _ := auditList(t, s, "--action", "ERASE"); len(erased) != 1 || erased[0].RegistrationID != receipt.RegistrationID || erased[0].ExternalID != "" {
		t.Errorf("the log says %+v", erased)
	}
	if of, _ := auditList(t, s, "--external-id", zubaydah.ExternalID); len(of) != 0 {
		t.Errorf("by the external id are found %+v", of)
	}
	// The same keys are free.
	again := zubaydah
	again.FirstName, again.LastName, again.MobileNumber, again.ExternalID = "", "", "", ""
	second, err := s.Register(ctx, again)
	if err != nil || second.RegistrationID == receipt.RegistrationID {
		t.Fatalf("registered anew: %+v, %v", second, err)
	}
	if out, exit := run(t, "person", "erase", "--registration", second.RegistrationID, "--yes", "--data-dir", data); exit != 0 {
		t.Fatal(out)
	}
	if err := s.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	for _, secret := range secrets {
		if strings.Contains(s.Log(t), secret) {
			t.Errorf("%q is in the service's log", secret)
		}
	}
	notInFiles(t, filepath.Join(data, "queue"), secrets)
	notInDatabase(t, filepath.Join(data, "registrar.db"), secrets, amina.Email)
}

// notInFiles looks for texts in all files below a directory.
func notInFiles(t *testing.T, dir string, secrets []string) {
	t.Helper()
	read := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read += len(text)
		for _, secret := range secrets {
			if strings.Contains(strings.ToLower(string(text)), strings.ToLower(secret)) {
				t.Errorf("%q is in %s", secret, path)
			}
		}
		return nil
	})
	if err != nil || read == 0 {
		t.Errorf("%d octets in %s, %v", read, dir, err)
	}
}

// notInDatabase looks for texts in all rows of all tables. there is a text that
// it has to find.
func notInDatabase(t *testing.T, path string, secrets []string, there string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tables, err := db.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tables.Close() }()
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil || len(names) < 20 {
		t.Fatal(names, err)
	}
	found := false
	for _, name := range names {
		for _, line := range rowsOf(t, db, name) {
			found = found || strings.Contains(line, there)
			for _, secret := range secrets {
				if strings.Contains(strings.ToLower(line), strings.ToLower(secret)) {
					t.Errorf("%q is in %s: %s", secret, name, line)
				}
			}
		}
	}
	if !found {
		t.Errorf("not even %q is in the database", there)
	}
}

// rowsOf are all rows of a table as texts.
func rowsOf(t *testing.T, db *sql.DB, table string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		for _, v := range values {
			if octets, ok := v.([]byte); ok {
				v = string(octets)
			}
			fmt.Fprintf(&line, "%v|", v)
		}
		all = append(all, line.String())
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
