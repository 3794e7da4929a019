package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"registrar/internal/config"
)

// TestNoSecretIsShown in any of the ways in which a Go value is printed.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	const s = "s3cr3t"
	c := config.Default()
	c.Database.Password = s
	c.Email.SMTP.Password = s
	c.SMS.HTTP.URL = "https://user:" + s + "@sms.example:8443/" + s + "/send?key=" + s
	c.SMS.HTTP.Headers = map[string]config.Secret{"Authorization": "Bearer " + s}
	c.SMS.HTTP.Body = "key=" + s
	c.SMS.HTTP.Secrets = map[string]config.Secret{"token": s}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "whole", c, "section", c.Database, "secret", c.Database.Password, "sms", c.SMS)
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "whole", c, "section", c.Database, "secret", c.Database.Password, "sms", c.SMS)
	whole, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{c.Redacted(), log.String(), string(whole)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, c.Database), fmt.Sprintf(verb, c.SMS), fmt.Sprintf(verb, c.Email.SMTP.Password))
	}
	for _, text := range shown {
		if strings.Contains(text, s) || strings.Contains(text, fmt.Sprintf("%x", s)) {
			t.Errorf("a secret is in\n%s", text)
		}
	}
	if got := c.Redacted(); !strings.Contains(got, "url: https://sms.example:8443/[redacted]\n") || strings.Count(got, "[redacted]") != 6 {
		t.Errorf("shown as\n%s", got)
	}
}

func TestURLWithATemplateInItsAuthority(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"": `url: ""`,
		"https://key:{{.Secrets.token}}@h.example": "url: '[redacted]'",
		"https://h.example/{{.Secrets.token}}":     "url: https://h.example/[redacted]",
		"https://key@h.example":                    "url: https://h.example/[redacted]",
	} {
		c := config.Default()
		c.SMS.HTTP.URL = config.Secret(url)
		if got := c.Redacted(); !strings.Contains(got, "    "+want+"\n") {
			t.Errorf("%s is shown in\n%s", url, got)
		}
	}
}
