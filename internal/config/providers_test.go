package config_test

import (
	"errors"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"registrar/internal/config"
)

// TestOneProviderByTheSimpleKeys, which has the driver's name.
func TestOneProviderByTheSimpleKeys(t *testing.T) {
	t.Parallel()
	c, err := config.LoadBytes([]byte(`
email: {driver: smtp, from: a@b.example, rate: 5, marketing_share: 20, smtp: {host: mx.example}}
`), []string{"REGISTRAR_SMS_RATE=7", "REGISTRAR_SMS_DRIVER=http", "REGISTRAR_SMS_HTTP_URL=https://sms.example/"})
	if err != nil {
		t.Fatal(err)
	}
	email := c.EmailProviders()
	if len(email) != 1 || email[0].Name != "smtp" || email[0].Driver != "smtp" || email[0].Rate != 5 || email[0].MarketingShare != 20 || email[0].SMTP.Host != "mx.example" || email[0].SMTP.Port != 587 {
		t.Errorf("e-mail goes by %+v", email)
	}
	sms := c.SMSProviders()
	if len(sms) != 1 || sms[0].Name != "http" || sms[0].Driver != "http" || sms[0].Rate != 7 || sms[0].MarketingShare != 10 || sms[0].HTTP.URL.Reveal() != "https://sms.example/" {
		t.Errorf("SMS go by %+v", sms)
	}
	d := config.Default()
	if got := d.EmailProviders(); len(got) != 1 || got[0].Name != "inbox" || got[0].Rate != 0 {
		t.Errorf("by default e-mail goes by %+v", got)
	}
}

// TestProvidersInTheirOrder, each over the defaults of a provider.
func TestProvidersInTheirOrder(t *testing.T) {
	t.Parallel()
	password, token := write(t, "p", "premiere\n"), write(t, "t", "second")
	c, err := config.LoadBytes([]byte(`
email:
  from: a@b.example
  providers:
  - {name: primary, driver: smtp, rate: 100, smtp: {host: mx1.example, user: me, password_file: `+password+`}}
  - name: secondary
    driver: smtp
    marketing_share: 0
    smtp: {host: mx2.example, port: 25, timeout: 20s, password: third, user: me}
sms:
  providers:
  - {name: gateway, driver: http, http: {url: 'https://sms.example/', headers: {Key: fourth}, secret_files: {token: `+token+`}}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	primary, secondary := c.Email.SMTP, c.Email.SMTP
	primary.Host, primary.User, primary.Password, primary.PasswordFile = "mx1.example", "me", "premiere", password
	secondary.Host, secondary.User, secondary.Port, secondary.Timeout, secondary.Password = "mx2.example", "me", 25, 20*time.Second, "third"
	want := []config.EmailProvider{
		{Name: "primary", Driver: "smtp", Rate: 100, MarketingShare: 10, SMTP: primary},
		{Name: "secondary", Driver: "smtp", SMTP: secondary},
	}
	if got := c.EmailProviders(); !reflect.DeepEqual(got, want) {
		t.Errorf("e-mail goes by\n%+v\nwant\n%+v", got, want)
	}
	gateway := c.SMSProviders()[0]
	if gateway.HTTP.Method != http.MethodPost || gateway.HTTP.Timeout != 10*time.Second || gateway.HTTP.Secrets["token"].Reveal() != "second" {
		t.Errorf("SMS go by %+v", gateway)
	}

	shown := c.Redacted()
	for _, secret := range []string{"premiere", "second\n", "third", "fourth"} {
		if strings.Contains(shown, secret) {
			t.Errorf("Redacted holds %q", secret)
		}
	}
	for _, line := range []string{"    - name: primary\n", "        password_file: " + password + "\n", "        password: '[redacted]'\n", "          Key: '[redacted]'\n", "        url: https://sms.example/[redacted]\n"} {
		if !strings.Contains(shown, line) {
			t.Errorf("%q is missing in\n%s", line, shown)
		}
	}
	if primary := c.EmailProviders()[0]; primary.SMTP.Password.Reveal() != "premiere" || c.SMSProviders()[0].HTTP.Secrets["token"].Reveal() != "second" {
		t.Error("showing the configuration has changed it")
	}
	if again, err := config.LoadBytes([]byte(shown), nil); err != nil || again.Redacted() != shown {
		t.Errorf("what Redacted writes is read as\n%s\n%v", again, err)
	}
}

// TestDestinationsHoldNoSecret.
func TestDestinationsHoldNoSecret(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"mx.example:25":                  config.EmailProvider{Driver: "smtp", SMTP: config.SMTPServer{Host: "mx.example", Port: 25}}.Destination(),
		"[2001:db8::1]:587":              config.EmailProvider{Driver: "smtp", SMTP: config.SMTPServer{Host: "2001:db8::1", Port: 587}}.Destination(),
		"":                               config.EmailProvider{Driver: "inbox", SMTP: config.SMTPServer{Host: "mx.example"}}.Destination(),
		"https://sms.example/[redacted]": config.SMSProvider{Driver: "http", HTTP: config.HTTPGateway{URL: "https://u:p@sms.example/key"}}.Destination(),
		"smsc.example:2775":              config.SMSProvider{Driver: "smpp", SMPP: config.SMSC{Host: "smsc.example", Port: 2775}}.Destination(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestProblemsOfProviders are told with their place.
func TestProblemsOfProviders(t *testing.T) {
	t.Parallel()
	const good = "{name: a, driver: smtp, smtp: {host: h}}"
	for _, test := range []struct{ name, email, sms, key, rule, next string }{
		{name: "no list", email: "providers: " + secret, key: "email.providers", rule: "list of at most 8", next: "- name:"},
		{name: "a map", email: "providers: " + good, key: "email.providers", rule: "list of at most 8"},
		{name: "too long a list", email: "providers: [" + strings.Repeat("{},", 9) + "]", key: "email.providers", rule: "at most 8"},
		{name: "no section", email: "providers: [" + good + ", " + secret + "]", key: "email.providers[1]", rule: "section"},
		{name: "an empty one", email: "providers: [" + good + ", ]\n  x:", key: "email.x", rule: "not a known key"},
		{name: "a null", email: "providers: [null]", key: "email.providers[0]", rule: "section"},
		{name: "no name", email: "providers: [{driver: smtp, smtp: {host: h}}]", key: "email.providers[0].name", rule: "1 to 32"},
		{name: "a label no metric has", email: `providers: [{name: "A b", driver: smtp, smtp: {host: h}}]`, key: "email.providers[0].name", rule: "a-z"},
		{name: "a name twice", email: "providers: [" + good + ", " + good + "]", key: "email.providers[1].name", rule: "same as email.providers[0].name", next: "own name"},
		{name: "a name of the other channel", email: "providers: [" + good + "]", sms: "providers: [{name: a, driver: http, http: {url: 'http://h/'}}]", key: "sms.providers[0].name", rule: "same as email.providers[0].name"},
		{name: "a name of a simple provider", email: "providers: [{name: http, driver: smtp, smtp: {host: h}}]", sms: "{driver: http, http: {url: 'http://h/'}}", key: "email.providers[0].name", rule: "same as sms.driver"},
		{name: "no driver", email: "providers: [{name: a}]", key: "email.providers[0].driver", rule: "must be smtp"},
		{name: "the inbox in a list", email: "providers: [{name: a, driver: inbox}]", key: "email.providers[0].driver", rule: "must be smtp"},
		{name: "the other channel's driver", sms: "providers: [{name: a, driver: smtp}]", key: "sms.providers[0].driver", rule: "must be http", next: "smtp is a driver of e-mail"},
		{name: "a driver of SMS", email: "providers: [{name: a, driver: smpp}]", key: "email.providers[0].driver", rule: "must be smtp", next: "smpp is a driver of SMS: sms.driver or sms.providers"},
		{name: "a gateway of SMS", email: "driver: http", key: "email.driver", rule: "must be inbox or smtp", next: "http is a driver of SMS"},
		{name: "a mail server for SMS", sms: "driver: smtp", key: "sms.driver", rule: "must be inbox or http or smpp", next: "smtp is a driver of e-mail"},
		{name: "a driver with a typo", sms: "providers: [{name: a, driver: htp}]", key: "sms.providers[0].driver", rule: "must be", next: "did you mean http?"},
		{name: "no host", email: "providers: [" + good + ", {name: b, driver: smtp}]", key: "email.providers[1].smtp.host", rule: "empty"},
		{name: "no message centre", sms: "providers: [{name: a, driver: smpp, smpp: {system_id: a}}]", key: "sms.providers[0].smpp.host", rule: "empty"},
		{name: "a slow message centre", sms: "providers: [{name: a, driver: smpp, smpp: {host: h, system_id: a, timeout: 1m}}]", key: "notify.lease", rule: "sms.providers[0].smpp.timeout"},
		{name: "no URL", sms: "providers: [{name: a, driver: http}]", key: "sms.providers[0].http.url", rule: "http or https"},
		{name: "a port that is none", email: "providers: [{name: a, driver: smtp, smtp: {host: h, port: many}}]", key: "email.providers[0].smtp.port", rule: "whole number"},
		{name: "a section of it that is none", email: "providers: [{name: a, driver: smtp, smtp: " + secret + "}]", key: "email.providers[0].smtp", rule: "section"},
		{name: "a key with a typo", email: "providers: [{name: a, driver: smtp, smtp: {host: h, prot: 1}}]", key: "email.providers[0].smtp.prot", rule: "not a known key", next: "did you mean email.providers[0].smtp.port?"},
		{name: "an unknown key", email: "providers: [{name: a, driver: smtp, smtp: {host: h}, unheard_of: 1}]", key: "email.providers[0].unheard_of", rule: "not a known key", next: "remove it"},
		{name: "the key of another level", email: "providers: [{name: a, driver: smtp, smtp: {host: h}, from: a@b.example}]", key: "email.providers[0].from", rule: "not a known key"},
		{name: "a negative rate", email: "providers: [{name: a, driver: smtp, rate: -1, smtp: {host: h}}]", key: "email.providers[0].rate", rule: "0 to 100000"},
		{name: "all for marketing", email: "providers: [{name: a, driver: smtp, marketing_share: 100, smtp: {host: h}}]", key: "email.providers[0].marketing_share", rule: "0 to 90"},
		{name: "the simple rate", sms: "rate: 100001", key: "sms.rate", rule: "0 to 100000"},
		{name: "the simple share", sms: "marketing_share: -1", key: "sms.marketing_share", rule: "0 to 90"},
		{name: "a driver beside the list", email: "{driver: smtp, smtp: {host: h}, providers: [" + good + "]}", key: "email.driver", rule: "so is email.providers", next: "remove it"},
		{name: "a rate beside the list", email: "{rate: 3, providers: [" + good + "]}", key: "email.rate", rule: "so is email.providers", next: "remove it"},
		{name: "a password twice", email: "providers: [{name: a, driver: smtp, smtp: {host: h, user: u, password: " + secret + ", password_file: f}}]", key: "email.providers[0].smtp.password_file", rule: "so is email.providers[0].smtp.password", next: "one of them"},
		{name: "no password file", email: "providers: [{name: a, driver: smtp, smtp: {host: h, user: u, password_file: /nonexistent}}]", key: "email.providers[0].smtp.password_file", rule: "cannot be read"},
		{name: "a bare password", email: "providers: [{name: a, driver: smtp, smtp: {host: h, user: u, password: " + secret + ", security: none}}]", key: "email.providers[0].smtp.security", rule: "none with a password"},
		{name: "a secret twice", sms: "providers: [{name: a, driver: http, http: {url: 'http://h/', secrets: {k: " + secret + "}, secret_files: {k: f}}}]", key: "sms.providers[0].http.secret_files.k", rule: "so is sms.providers[0].http.secrets.k"},
		{name: "a slow one", email: "providers: [" + good + ", {name: b, driver: smtp, smtp: {host: h, timeout: 1m}}]", key: "notify.lease", rule: "twice email.providers[1].smtp.timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var file strings.Builder
			for channel, keys := range map[string]string{"email": test.email, "sms": test.sms} {
				if keys == "" {
					continue
				}
				if !strings.HasPrefix(keys, "{") {
					keys = "\n  " + keys
				}
				file.WriteString(channel + ": " + keys + "\n")
			}
			text := file.String()
			_, err := config.LoadBytes([]byte(text), []string{"REGISTRAR_EMAIL_FROM=a@b.example"})
			var all config.Problems
			if !errors.As(err, &all) {
				t.Fatalf("no problem in\n%s", text)
			}
			if len(all) != 1 || all[0].Key != test.key || !strings.Contains(all[0].Rule, test.rule) || !strings.Contains(all[0].Next, test.next) {
				t.Errorf("%v\nin\n%s", err, text)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

// TestNoVariableNamesAList: a part of it in the environment would be lost
// beside the file's.
func TestNoVariableNamesAList(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"REGISTRAR_EMAIL_PROVIDERS=[]", "REGISTRAR_SMS_PROVIDERS=x"} {
		_, err := config.LoadBytes(nil, []string{variable})
		if err == nil || !strings.Contains(err.Error(), "cannot be set by a variable; write it in the file") {
			t.Errorf("%s: %v", variable, err)
		}
	}
	_, err := config.LoadBytes(nil, []string{"REGISTRAR_EMAIL_PROVIDERS_0_NAME=a"})
	if err == nil || !strings.Contains(err.Error(), "is not a known variable; remove it") {
		t.Errorf("%v", err)
	}
	if _, err := config.LoadBytes(nil, []string{"REGISTRAR_EMAIL_PROVIDERS="}); err != nil {
		t.Errorf("an empty variable is not unset: %v", err)
	}
}

// exampleList is a list of sections in the shipped file: comments below its key.
var (
	exampleList = regexp.MustCompile(`(?m)^  providers: \[\].*\n(?:    +#.*\n)*((?:  # .*\n)+)`)
	commented   = regexp.MustCompile(`(?m)^  # `)
)

// TestExampleLists: the lists in the shipped file's comments are right, and
// name every key that is a provider's own.
func TestExampleLists(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/registrar.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mx, sms, smpp := write(t, "mx1", "a"), write(t, "sms", "b"), write(t, "smpp", "c")
	used := string(text)
	for _, list := range exampleList.FindAllStringSubmatch(used, -1) {
		used = strings.Replace(used, list[0], "  providers:\n"+commented.ReplaceAllString(list[1], "  "), 1)
	}
	used = strings.NewReplacer("/run/secrets/mx1", mx, "/run/secrets/sms", sms, "/run/secrets/smpp", smpp, "registrar@localhost", "registrar@example.com").Replace(used)
	c, err := config.LoadBytes([]byte(used), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, used)
	}
	if len(c.Email.Providers) < 2 || len(c.SMS.Providers) < 2 {
		t.Errorf("the lists are %+v and %+v", c.Email.Providers, c.SMS.Providers)
	}
	found := map[string]bool{}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(used), &root); err != nil {
		t.Fatal(err)
	}
	for _, channel := range []string{"email", "sms"} {
		list := below(below(root.Content[0], channel), "providers")
		for _, provider := range list.Content {
			for i := 0; i < len(provider.Content); i += 2 {
				found[channel+".providers."+provider.Content[i].Value] = true
			}
		}
		for _, key := range config.KeysOf(channel + ".providers") {
			own, _, _ := strings.Cut(key, ".")
			if !found[channel+".providers."+own] {
				t.Errorf("no provider in the example of %s has %s", channel, own)
			}
		}
	}
	if config.KeysOf("email.from") != nil || config.KeysOf("nothing") != nil {
		t.Error("a key that is no list has sections")
	}
}

func below(n *yaml.Node, name string) *yaml.Node {
	i := slices.IndexFunc(n.Content, func(k *yaml.Node) bool { return k.Value == name })
	return n.Content[i+1]
}
