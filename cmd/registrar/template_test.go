package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runTemplate runs a command below template.
func runTemplate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := root()
	cmd.SetArgs(append([]string{"template"}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestTemplateCheck(t *testing.T) {
	t.Setenv("REGISTRAR_SMS_CODE_DOMAIN", "example.com")
	out, err := runTemplate(t, "check")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TEMPLATE", "already_registered      ar", "campaigns/welcome-back  ar", "verification_code       ar", "GSM-7, 60"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	out, err = runTemplate(t, "check", "--json")
	var rows []templateRow
	if err != nil || json.Unmarshal([]byte(out), &rows) != nil || len(rows) != 8 {
		t.Fatalf("%v %s", err, out)
	}
	if notice := rows[1]; notice.Template != "already_registered" || notice.Locale != "en" || notice.SMS != nil || notice.Email == nil || notice.Email.Subject != "You already have a Registrar account" {
		t.Errorf("%+v", notice)
	}
	if last := rows[7]; last.Template != "verification_code" || last.Locale != "en" || last.SMS == nil || *last.SMS != (templateSMS{1, 60, "GSM-7"}) || last.Email == nil || last.Email.Subject != "Your Registrar verification code" {
		t.Errorf("%+v", last)
	}

	dir := t.TempDir()
	folder := filepath.Join(dir, "v1", "verification_code", "en")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"sms.txt": "Your code", "subject.txt": "{{.Cod}}"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = runTemplate(t, "check", "--templates-dir", dir)
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "sms.txt does not show {{.Code}}") || !strings.Contains(err.Error(), "subject.txt cannot be rendered") {
		t.Errorf("%v", err)
	}
	if _, err = runTemplate(t, "preview", "--out", filepath.Join(dir, "out"), "--templates-dir", dir); err == nil {
		t.Error("templates with problems are written")
	}
	if _, err = runTemplate(t, "preview", "--out", dir, "--listen", "127.0.0.1:1"); err == nil {
		t.Error("a page to serve and to write")
	}
}

func TestTemplatePreviewIsWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "review")
	out, err := runTemplate(t, "preview", "--out", dir)
	if err != nil || !strings.Contains(out, "74 files are in "+dir) {
		t.Errorf("%v %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		t.Error(err)
	}
}
