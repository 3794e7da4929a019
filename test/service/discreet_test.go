package service_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// visitor is somebody at an application whose caller is enumeration-safe, with
// the answers to all that they do.
type visitor struct {
	t       *testing.T
	s       *harness.Service
	secret  string
	name    string // five letters
	address string
	mobile  string
	id      string
	answers []string
}

var (
	uuids      = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	moments    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	identifier = regexp.MustCompile(`<registrationId>([^<]+)</registrationId>`)
)

// post makes a call, and keeps its answer with all but ids, times and what the
// visitor has typed.
func (v *visitor) post(body string) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.s.URL, strings.NewReader(harness.Envelope(body)))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	req.SetBasicAuth("app", v.secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	text := fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Content-Type"), " ", string(answer))
	for _, r := range [][2]string{{v.name, "NAME"}, {v.address, "ADDRESS"}, {v.mobile, "MOBILE"}} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	v.answers = append(v.answers, moments.ReplaceAllString(uuids.ReplaceAllString(text, "ID"), "TIME"))
	return string(answer)
}

func (v *visitor) look(key, value string) string {
	v.t.Helper()
	return v.post("<r:GetRegistrationRequest><r:" + key + ">" + value + "</r:" + key + "></r:GetRegistrationRequest>")
}

func (v *visitor) enter(channel, code string) string {
	v.t.Helper()
	return v.post(harness.VerifyBody(v.id, channel, code))
}

func (v *visitor) resend(channel string) {
	v.t.Helper()
	v.post("<r:ResendCodeRequest><r:registrationId>" + v.id + "</r:registrationId><r:channel>" + channel + "</r:channel></r:ResendCodeRequest>")
}

// settled waits until all messages are with their providers.
func (v *visitor) settled(messages int) {
	v.t.Helper()
	harness.Eventually(v.t, 20*time.Second, func(ctx context.Context) error {
		answer, err := postAs(ctx, v.s, "app", v.secret, "<r:GetRegistrationRequest><r:registrationId>"+v.id+"</r:registrationId></r:GetRegistrationRequest>")
		if err == nil && strings.Count(answer, "<state>ACCEPTED</state>")+strings.Count(answer, "<state>DELIVERED</state>") != messages {
			err = fmt.Errorf("not settled: %s", answer)
		}
		return err
	})
}

// visit is all that a visitor does.
func (v *visitor) visit() {
	v.t.Helper()
	r := harness.Register{
		RequestID: "req-" + v.name, Username: v.name, Email: v.address, Password: "velvet-anchor-tuesday", FirstName: "Rahma", MobileNumber: v.mobile, Locale: "en", ExternalID: "ext-" + v.name,
	}
	found := identifier.FindStringSubmatch(v.post(r.Body()))
	if found == nil {
		v.t.Fatalf("the answer is %s", v.answers[0])
	}
	v.id = found[1]
	v.settled(2)
	v.post(r.Body())
	v.look("registrationId", v.id)
	v.look("username", v.name)
	v.look("externalId", "ext-"+v.name)
	v.look("email", v.address)
	v.look("username", v.address)
	v.post("<r:VerifyPasswordRequest><r:login>" + v.name + "</r:login><r:password>velvet-anchor-tuesday</r:password></r:VerifyPasswordRequest>")
	v.post("<r:VerifyPasswordRequest><r:login>" + v.address + "</r:login><r:password>velvet-anchor-tuesday</r:password></r:VerifyPasswordRequest>")
	v.enter("EMAIL", "12")
	wrong := "000000" // where the address is taken nobody knows the code
	if codes, err := v.s.Codes(v.t.Context(), v.address); err == nil && len(codes) == 1 {
		wrong = another(codes[0])
	}
	for range 7 {
		v.enter("EMAIL", wrong)
	}
	time.Sleep(cooldown)
	v.resend("EMAIL")
	v.resend("EMAIL")
	code := awaitCode(v.t, v.s, v.mobile, 1)
	v.enter("SMS", another(code))
	v.enter("SMS", code)
	v.settled(3)
	v.look("registrationId", v.id)
	// What is the visitor's own is told: the name and the caller's key for it.
	r.RequestID = ""
	v.post(r.Body())
	r.Username = "other" + v.name
	v.post(r.Body())
}

// cooldown is between two codes of a visitor's.
const cooldown = 2 * time.Second

// TestEnumerationSafeCaller: a visitor of an application cannot tell whether an
// address has an account, and its owner is told of the visitor.
func TestEnumerationSafeCaller(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+"codes: {cooldown: "+cooldown.String()+"}\n"))
	c := callerCommand{[]string{"--data-dir", filepath.Join(s.Dir, "data")}}
	shop, app := c.secret(t, "add", "shop"), c.secret(t, "add", "app", "--enumeration-safe")
	for _, other := range []string{"--shadow", "--verified-contacts", "--suppress-notifications"} {
		c.refused(t, "enumeration-safe", "update", "app", other)
	}
	if out := c.ok(t, "list"); strings.Count(out, "enumeration-safe") != 1 || strings.Count(out, "live") != 1 {
		t.Errorf("listed as\n%s", out)
	}
	s.Start(t)
	owner := harness.Register{Username: "the.owner", Email: "Owner@Example.com", Password: "another-velvet-anchor", FirstName: "نورة", Locale: "ar"}
	answer, err := postAs(t.Context(), s, "shop", shop, owner.Body())
	if err != nil {
		t.Fatal(err)
	}
	id := identifier.FindStringSubmatch(answer)[1]
	if _, err := postAs(t.Context(), s, "shop", shop, harness.VerifyBody(id, "EMAIL", awaitCode(t, s, "Owner@example.com", 1))); err != nil {
		t.Fatal(err)
	}
	var before string
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) (err error) {
		before, err = postAs(ctx, s, "shop", shop, "<r:GetRegistrationRequest><r:registrationId>"+id+"</r:registrationId></r:GetRegistrationRequest>")
		if err == nil && strings.Count(before, "<state>DELIVERED</state>") != 2 {
			err = fmt.Errorf("the owner's messages are not delivered: %s", before)
		}
		return err
	})

	free := &visitor{t: t, s: s, secret: app, name: "aaaaa", address: "nobody@example.com", mobile: "+966512345601"}
	taken := &visitor{t: t, s: s, secret: app, name: "bbbbb", address: "owner@EXAMPLE.com", mobile: "+966512345602"}
	free.visit()
	taken.visit()
	for i, told := range free.answers {
		if taken.answers[i] != told {
			t.Errorf("where the address is free\n%s\nand where it is taken\n%s", told, taken.answers[i])
		}
	}
	for _, want := range []string{"USERNAME_TAKEN", "EXTERNAL_ID_TAKEN", "TOO_MANY_ATTEMPTS", "RESEND_TOO_SOON", "nextResendAt", "FORBIDDEN", "VERIFICATION_CODE", "<valid>true</valid>", "<valid>false</valid>"} {
		if !strings.Contains(strings.Join(free.answers, "\n"), want) {
			t.Errorf("no answer has %s", want)
		}
	}

	inbox, err := s.Inbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	notices := 0
	for _, m := range inbox {
		text, err := s.Text(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "حاول شخص ما") {
			notices++
			if m.To[0].Address != "Owner@example.com" || !strings.Contains(text, "the.owner") || !strings.Contains(text, "نورة") || harness.CodeIn(text) != "" || strings.Contains(text, taken.name) || strings.Contains(text, "Rahma") {
				t.Errorf("to %v:\n%s", m.To, text)
			}
		} else if strings.EqualFold(m.To[0].Address, taken.address) && strings.Contains(text, "Rahma") {
			t.Errorf("the owner has got\n%s", text)
		}
	}
	if notices != 2 { // of the registration, and of the code that was asked for again
		t.Errorf("%d notices to the owner", notices)
	}
	after, err := postAs(t.Context(), s, "shop", shop, "<r:GetRegistrationRequest><r:email>owner@example.com</r:email></r:GetRegistrationRequest>")
	if err != nil || after != before {
		t.Errorf("the owner's account was\n%s\nand is\n%s, %v", before, after, err)
	}
	// A caller without the policy is told, as ever.
	owner.Username = "somebody.else"
	if answer, err := postAs(t.Context(), s, "shop", shop, owner.Body()); err == nil || !strings.Contains(err.Error(), "EMAIL_TAKEN") {
		t.Errorf("the shop is told %s, %v", answer, err)
	}
}
