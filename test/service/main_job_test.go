// Package service_test drives the built program over HTTP as its users do: on
// the embedded default, and with a real database and a real broker.
package service_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

var amina = harness.Register{
	RequestID: "r-1", Username: "amina", Email: "amina@example.com", Password: "velvet-anchor-tuesday", FirstName: "Amina", MobileNumber: "+966512345678", Locale: "en",
}

var noura = harness.Register{
	RequestID: "r-2", Username: "نورة", Email: "noura@example.com", Password: "velvet-anchor-tuesday", FirstName: "نورة", Locale: "ar",
}

// wantFault fails unless err is the fault with exactly these fields.
func wantFault(t *testing.T, err error, code string, fields ...string) {
	t.Helper()
	fault, ok := errors.AsType[*harness.Fault](err)
	if !ok || fault.Code != code {
		t.Errorf("got %v, want the fault %s", err, code)
		return
	}
	var names []string
	for _, f := range fault.Fields {
		names = append(names, f.Name)
	}
	if len(fields) > 0 && !slices.Equal(names, fields) {
		t.Errorf("the fault names %v, want %v", names, fields)
	}
}

// awaitCode gives the newest code that came to an address, once there are n.
func awaitCode(t *testing.T, s *harness.Service, to string, n int) (code string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		codes, err := s.Codes(ctx, to)
		if err == nil && len(codes) != n {
			err = fmt.Errorf("%d codes have come, not %d", len(codes), n)
		}
		if err == nil {
			code = codes[n-1]
		}
		return err
	})
	return code
}

// another is a code that is not this one.
func another(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// mainJob is what every arrangement of databases, brokers and channels must
// do; the messages are read from the inbox.
func mainJob(t *testing.T, s *harness.Service) {
	t.Helper()
	ctx := t.Context()
	first, err := s.Register(ctx, amina)
	if err != nil {
		t.Fatal(err)
	}
	if first.Status != "PENDING_VERIFICATION" || first.Message != "Your account has been registered." {
		t.Errorf("the receipt is %+v", first)
	}
	again, err := s.Register(ctx, amina)
	if err != nil || again != first {
		t.Errorf("the same request got %+v, %v; first %+v", again, err, first)
	}
	second, err := s.Register(ctx, noura)
	if err != nil {
		t.Error(err)
	}

	other := amina
	other.FirstName = "Someone"
	_, err = s.Register(ctx, other)
	wantFault(t, err, "REQUEST_ID_REUSED", "requestId")
	other = amina
	other.Password = "another-password-entirely"
	_, err = s.Register(ctx, other)
	wantFault(t, err, "REQUEST_ID_REUSED", "requestId")
	other = amina
	other.RequestID, other.Username, other.Email = "", "amina2", "AMINA@Example.COM"
	_, err = s.Register(ctx, other)
	wantFault(t, err, "EMAIL_TAKEN", "email")
	other = amina
	other.RequestID, other.Username, other.Email = "", "ＡＭＩＮＡ", "else@example.com"
	_, err = s.Register(ctx, other)
	wantFault(t, err, "USERNAME_TAKEN", "username")
	_, err = s.Register(ctx, harness.Register{Username: "x", Email: "nonsense", Password: "velvet-anchor-tuesday", MobileNumber: "12345"})
	wantFault(t, err, "VALIDATION_FAILED", "username", "email", "mobileNumber")
	_, err = s.Register(ctx, harness.Register{Username: "someone", Email: "someone@example.com", Password: "password123"})
	wantFault(t, err, "PASSWORD_REJECTED", "password")
	_, err = s.Lookup(ctx, "username", "nobody")
	wantFault(t, err, "NOT_FOUND")

	awaitAddresses(t, s, "+966512345678", "amina@example.com", "noura@example.com")
	codes := verify(t, s, first.RegistrationID, second.RegistrationID)
	awaitAddresses(t, s, "+966512345678", "+966512345678", "amina@example.com", "amina@example.com", "noura@example.com", "noura@example.com")
	harness.Eventually(t, 10*time.Second, func(ctx context.Context) error {
		d, err := s.Lookup(ctx, "email", "Amina@example.com")
		if err != nil {
			return err
		}
		if d.RegistrationID != first.RegistrationID || d.Username != "amina" || d.Status != "ACTIVE" || d.EmailVerifiedAt == "" || d.MobileVerifiedAt == "" {
			t.Errorf("looked up %+v", d)
		}
		var told []string
		for _, n := range d.Notifications {
			if n.State != "DELIVERED" {
				return fmt.Errorf("notification %s is %s", n.Channel, n.State)
			}
			told = append(told, n.Channel+" "+n.Kind)
		}
		slices.Sort(told)
		if want := []string{"EMAIL REGISTRATION_COMPLETED", "EMAIL VERIFICATION_CODE", "SMS REGISTRATION_COMPLETED", "SMS VERIFICATION_CODE"}; !slices.Equal(told, want) {
			t.Errorf("the notifications are %v, want %v", told, want)
		}
		return nil
	})
	logIn(t, s, first.RegistrationID)
	quiet(t, s)
	for _, code := range codes {
		if regexp.MustCompile(`\b` + code + `\b`).MatchString(s.Log(t)) {
			t.Error("the log tells a code")
		}
	}
}

// verify takes the codes of Amina and Noura through their life, and gives them.
func verify(t *testing.T, s *harness.Service, amina, noura string) (codes []string) {
	t.Helper()
	ctx := t.Context()
	byEmail, bySMS, third := awaitCode(t, s, "amina@example.com", 1), awaitCode(t, s, "+966512345678", 1), awaitCode(t, s, "noura@example.com", 1)
	_, err := s.Verify(ctx, amina, "EMAIL", another(byEmail))
	wantFault(t, err, "CODE_INVALID")
	_, err = s.Verify(ctx, noura, "SMS", third)
	wantFault(t, err, "NOT_FOUND")
	_, err = s.Verify(ctx, "01890a5d-ac96-774b-bcce-b302099a8057", "EMAIL", byEmail)
	wantFault(t, err, "NOT_FOUND")
	_, err = s.Verify(ctx, amina, "EMAIL", "12 34")
	wantFault(t, err, "VALIDATION_FAILED", "code")
	_, err = s.Resend(ctx, amina, "EMAIL")
	wantFault(t, err, "RESEND_TOO_SOON")

	v, err := s.Verify(ctx, amina, "SMS", bySMS)
	if err != nil || v.Status != "PENDING_VERIFICATION" || v.VerifiedAt == "" {
		t.Errorf("the number: %+v, %v", v, err)
	}
	v, err = s.Verify(ctx, amina, "EMAIL", byEmail)
	if err != nil || v.Status != "ACTIVE" || v.VerifiedAt == "" {
		t.Errorf("the address: %+v, %v", v, err)
	}
	again, err := s.Verify(ctx, amina, "EMAIL", byEmail)
	if err != nil || again != v {
		t.Errorf("the address again: %+v, %v; first %+v", again, err, v)
	}
	if v, err = s.Verify(ctx, noura, "EMAIL", third); err != nil || v.Status != "ACTIVE" {
		t.Errorf("the address alone: %+v, %v", v, err)
	}
	_, err = s.Resend(ctx, amina, "EMAIL")
	wantFault(t, err, "VALIDATION_FAILED", "channel")
	return []string{byEmail, bySMS, third}
}

// logIn verifies passwords of Amina, who is ACTIVE, and of nobody.
func logIn(t *testing.T, s *harness.Service, id string) {
	t.Helper()
	for _, login := range []string{"Amina", "AMINA@example.com"} {
		v, err := s.VerifyPassword(t.Context(), login, amina.Password, "")
		if want := (harness.Verdict{Valid: true, RegistrationID: id, Status: "ACTIVE"}); err != nil || v != want {
			t.Errorf("%s: %+v, %v", login, v, err)
		}
	}
	for login, password := range map[string]string{"amina": "velvet-anchor", "amina-nobody": amina.Password, "amina@example.com.": "12345"} {
		if v, err := s.VerifyPassword(t.Context(), login, password, "amina's phone"); err != nil || v != (harness.Verdict{}) {
			t.Errorf("%s: %+v, %v", login, v, err)
		}
	}
	_, err := s.VerifyPassword(t.Context(), "a", "", "")
	wantFault(t, err, "VALIDATION_FAILED", "login", "password")
}

// awaitAddresses waits until the inbox has a message to each.
func awaitAddresses(t *testing.T, s *harness.Service, want ...string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		inbox, err := s.Inbox(ctx)
		if err != nil {
			return err
		}
		var addresses []string
		for _, m := range inbox {
			addresses = append(addresses, m.To[0].Address)
		}
		slices.Sort(addresses)
		if !slices.Equal(addresses, want) {
			return fmt.Errorf("the inbox has %v, want %v", addresses, want)
		}
		return nil
	})
}

// quiet fails when a log or a metric tells anything of a person.
func quiet(t *testing.T, s *harness.Service) {
	t.Helper()
	_, metrics, err := s.Get(t.Context(), s.Admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	told := s.Log(t)
	if at := strings.LastIndex(told, "Register somebody:"); at >= 0 {
		_, told, _ = strings.Cut(told[at:], "/registration\n") // past the sample request of the welcome
	}
	for _, personal := range []string{"amina", "noura", "example.com", "966512345678", "velvet-anchor", "نورة", "12345", "Duplicate"} {
		if strings.Contains(strings.ToLower(told), personal) {
			t.Errorf("the log tells %q", personal)
		}
		if strings.Contains(string(metrics), personal) {
			t.Errorf("the metrics tell %q", personal)
		}
	}
}

func TestEmbeddedDefault(t *testing.T) {
	t.Parallel()
	s := harness.New(t)
	s.Start(t)
	mainJob(t, s)
	if err := s.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.Log(t))
	}
	s.Start(t)
	if d, err := s.Lookup(t.Context(), "username", "Amina"); err != nil || len(d.Notifications) != 4 || d.Status != "ACTIVE" {
		t.Errorf("after a restart: %+v, %v", d, err)
	}
}

func TestMariaDBAndKafka(t *testing.T) {
	t.Parallel()
	_, database := harness.MariaDB(t)
	_, kafka := harness.Kafka(t)
	s := harness.New(t, "--config", harness.Config(t, database+kafka))
	s.Start(t)
	mainJob(t, s)
	if err := s.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, s.Log(t))
	}
}

// TestWelcome pastes the command line that the service prints into a shell.
func TestWelcome(t *testing.T) {
	t.Parallel()
	s := harness.New(t)
	s.Start(t)
	var command string
	harness.Eventually(t, 10*time.Second, func(context.Context) error { // /readyz answers a moment before
		_, rest, found := strings.Cut(s.Log(t), "  curl ")
		if !found {
			return fmt.Errorf("no curl line in\n%s", s.Log(t))
		}
		command, _, _ = strings.Cut(rest, "\n")
		return nil
	})
	var answers []string
	for range 2 {
		out, err := exec.CommandContext(t.Context(), "bash", "-c", "curl "+command).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "<RegisterResponse") {
			t.Fatalf("%v: %s", err, out)
		}
		answers = append(answers, string(out))
	}
	if answers[0] != answers[1] {
		t.Error("the same command got another answer")
	}
}

func TestTheContractIsServedWithTheCallersAddress(t *testing.T) {
	t.Parallel()
	s := harness.New(t)
	s.Start(t)
	status, wsdl, err := s.Get(t.Context(), s.URL+"?WSDL")
	if err != nil || status != http.StatusOK {
		t.Fatalf("HTTP %d, %v", status, err)
	}
	for _, want := range []string{`location="` + s.URL + `"`, `schemaLocation="` + s.URL + `?xsd=registration.xsd"`} {
		if !strings.Contains(string(wsdl), want) {
			t.Errorf("the WSDL has no %s", want)
		}
	}
	if status, xsd, err := s.Get(t.Context(), s.URL+"?xsd=registration.xsd"); err != nil || status != http.StatusOK || !strings.Contains(string(xsd), "RegisterRequest") {
		t.Errorf("HTTP %d, %v: %s", status, err, xsd)
	}
}

// TestRefusedRequestsLeaveNothing: malformed, oversized and forbidden XML.
func TestRefusedRequestsLeaveNothing(t *testing.T) {
	t.Parallel()
	s := harness.New(t)
	s.Start(t)
	body := amina.Body()
	for name, envelope := range map[string]string{
		"not well-formed":        strings.Replace(harness.Envelope(body), "</r:username>", "", 1),
		"DOCTYPE":                `<!DOCTYPE x [<!ENTITY e "amina">]>` + strings.TrimPrefix(harness.Envelope(body), `<?xml version="1.0" encoding="UTF-8"?>`),
		"processing instruction": strings.Replace(harness.Envelope(body), "<soap:Body>", "<soap:Body><?php x?>", 1),
		"too large":              harness.Envelope(strings.Replace(body, "amina", strings.Repeat("a", 2<<20), 1)),
		"text after the end":     harness.Envelope(body) + "x",
		"trailing element":       harness.Envelope(body + body),
	} {
		status, answer, err := s.Post(t.Context(), "text/xml", envelope)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if status != http.StatusInternalServerError || !strings.Contains(string(answer), "<code>VALIDATION_FAILED</code>") {
			t.Errorf("%s: HTTP %d: %s", name, status, answer)
		}
	}
	_, err := s.Lookup(t.Context(), "username", "amina")
	wantFault(t, err, "NOT_FOUND")
	quiet(t, s)
}

// TestPagesOfOtherSitesMayNotCall: a browser says where a page is from; programs do not.
func TestPagesOfOtherSitesMayNotCall(t *testing.T) {
	t.Parallel()
	s := harness.New(t)
	s.Start(t)
	for origin, want := range map[string]int{"": http.StatusOK, "http://localhost:8081": http.StatusOK, "http://evil.example:8080": http.StatusForbidden, "null": http.StatusForbidden} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(harness.Envelope(amina.Body())))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "text/xml")
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Origin %q: HTTP %d, want %d", origin, resp.StatusCode, want)
		}
	}
}
