package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
)

const person = "01a1fd8d-a746-7444-b5fa-08b38cef2d1c"

func TestVerifyContactCarriesEveryElement(t *testing.T) {
	t.Parallel()
	d := &domain{verified: registration.Verified{Status: registration.Active, VerifiedAt: time.Date(2026, 11, 21, 10, 1, 21, 5000, time.UTC)}}
	status, body := post(t, serve(t, d, nil), `<VerifyContactRequest><registrationId>`+person+`</registrationId><channel>SMS</channel><code>000042</code></VerifyContactRequest>`)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", status, body)
	}
	if want := (registration.VerifyRequest{RegistrationID: person, Channel: registration.SMSChannel, Code: "000042", TraceParent: "the-trace", Silent: true, Caller: "erp"}); d.verify != want {
		t.Errorf("the domain was asked %+v", d.verify)
	}
	if want := `<VerifyContactResponse xmlns="urn:registrar:registration:v1"><status>ACTIVE</status><verifiedAt>2026-11-21T10:01:21.000005Z</verifiedAt></VerifyContactResponse>`; !strings.Contains(body, want) {
		t.Errorf("the answer is %s", body)
	}
}

func TestResendCodeCarriesEveryElement(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 21, 10, 1, 21, 0, time.UTC)
	for channel, messages := range map[registration.Channel]map[string]string{
		registration.EmailChannel: {"en": "A code is on its way to your e-mail address.", "ar-SA": "رمز التحقق في طريقه إلى بريدك الإلكتروني.", "fr": "A code is on its way to your e-mail address."},
		registration.SMSChannel:   {"en": "A code is on its way to your mobile number.", "ar": "رمز التحقق في طريقه إلى رقم جوالك."},
	} {
		for locale, message := range messages {
			d := &domain{resent: registration.Resent{Locale: locale, ExpiresAt: at.Add(10 * time.Minute), NextResendAt: at.Add(30 * time.Second)}}
			status, body := post(t, serve(t, d, nil), `<ResendCodeRequest><registrationId>`+person+`</registrationId><channel>`+string(channel)+`</channel></ResendCodeRequest>`)
			if want := (registration.ResendRequest{RegistrationID: person, Channel: channel, TraceParent: "the-trace", Caller: "erp"}); status != http.StatusOK || d.resend != want {
				t.Errorf("HTTP %d; the domain was asked %+v", status, d.resend)
			}
			want := `<ResendCodeResponse xmlns="urn:registrar:registration:v1"><message>` + message + `</message><expiresAt>2026-11-21T10:11:21Z</expiresAt><nextResendAt>2026-11-21T10:01:51Z</nextResendAt></ResendCodeResponse>`
			if !strings.Contains(body, want) {
				t.Errorf("the answer is %s, want %s", body, want)
			}
		}
	}
}

// TestACodeHasSixDigits: what is none is never tried.
func TestACodeHasSixDigits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ request, want string }{
		"letters":          {`<VerifyContactRequest><registrationId>` + person + `</registrationId><channel>SMS</channel><code>abcdef</code></VerifyContactRequest>`, "code PATTERN"},
		"seven digits":     {`<VerifyContactRequest><registrationId>` + person + `</registrationId><channel>SMS</channel><code>0000420</code></VerifyContactRequest>`, "code PATTERN"},
		"Arabic digits":    {`<VerifyContactRequest><registrationId>` + person + `</registrationId><channel>SMS</channel><code>٠٠٠٠٤٢</code></VerifyContactRequest>`, "code PATTERN"},
		"all of it wrong":  {`<VerifyContactRequest><registrationId>4711</registrationId><channel>PIGEON</channel><code/></VerifyContactRequest>`, "registrationId PATTERN, channel ENUMERATION, code PATTERN"},
		"nothing":          {`<VerifyContactRequest/>`, "registrationId REQUIRED, channel REQUIRED, code REQUIRED"},
		"nothing to send":  {`<ResendCodeRequest/>`, "registrationId REQUIRED, channel REQUIRED"},
		"to send a pigeon": {`<ResendCodeRequest><registrationId>` + person + `</registrationId><channel>email</channel></ResendCodeRequest>`, "channel ENUMERATION"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &domain{}
			status, body := post(t, serve(t, d, nil), tt.request)
			if status != http.StatusInternalServerError || d.asked != 0 || !strings.Contains(body, "<code>VALIDATION_FAILED</code>") {
				t.Errorf("HTTP %d, the domain was asked %d times: %s", status, d.asked, body)
			}
			if got := fields(body); !slices.Equal(got, strings.Split(tt.want, ", ")) {
				t.Errorf("fields are %q, want %q", got, tt.want)
			}
		})
	}
}

// TestWhenToAskAgain is told by HTTP.
func TestWhenToAskAgain(t *testing.T) {
	t.Parallel()
	h := serve(t, &domain{err: registration.CodesUsedUp(90 * time.Minute)}, nil)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/registration", strings.NewReader(
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:registrar:registration:v1"><s:Body><ResendCodeRequest><registrationId>`+person+`</registrationId><channel>SMS</channel></ResendCodeRequest></s:Body></s:Envelope>`))
	req.Header.Set("Content-Type", "text/xml")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if got := rec.Header().Get("Retry-After"); got != "5400" || !strings.Contains(rec.Body.String(), "<code>RESEND_TOO_SOON</code>") {
		t.Errorf("Retry-After is %q: %s", got, rec.Body)
	}
}
