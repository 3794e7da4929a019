package endpoint_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
)

func TestVerifyPasswordCarriesEveryElement(t *testing.T) {
	t.Parallel()
	id, err := registration.ParseID(person)
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]registration.PasswordRequest{
		`<login>Noor</login><password> velvet anchor </password><origin>device 7</origin>`: {Login: "Noor", Password: " velvet anchor ", Origin: "device 7"},
		`<login>n@example.com</login><password>x</password>`:                               {Login: "n@example.com", Password: "x"},
	} {
		want.Caller, want.TraceParent = "erp", "the-trace"
		d := &domain{verdict: registration.PasswordVerdict{Valid: true, ID: id, Status: registration.PendingVerification}}
		status, body := post(t, serve(t, d, nil), `<VerifyPasswordRequest>`+request+`</VerifyPasswordRequest>`)
		if status != http.StatusOK || d.password != want {
			t.Errorf("HTTP %d; the domain was asked %+v, want %+v", status, d.password, want)
		}
		if want := `<VerifyPasswordResponse xmlns="urn:registrar:registration:v1"><valid>true</valid><registrationId>` + person + `</registrationId><status>PENDING_VERIFICATION</status></VerifyPasswordResponse>`; !strings.Contains(body, want) {
			t.Errorf("the answer is %s", body)
		}
	}
}

// TestAWrongPasswordIsAnAnswer, and tells nothing else.
func TestAWrongPasswordIsAnAnswer(t *testing.T) {
	t.Parallel()
	status, body := post(t, serve(t, &domain{}, nil), `<VerifyPasswordRequest><login>noor</login><password>x</password></VerifyPasswordRequest>`)
	if want := `<VerifyPasswordResponse xmlns="urn:registrar:registration:v1"><valid>false</valid></VerifyPasswordResponse>`; status != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("HTTP %d: %s", status, body)
	}
}

func TestAPasswordToVerifyFitsTheSchema(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		``: "login REQUIRED, password REQUIRED",
		`<login>ab</login><password></password><origin></origin>`:                                               "login TOO_SHORT, password TOO_SHORT, origin TOO_SHORT",
		`<login>` + strings.Repeat("x", 255) + `</login><password>` + strings.Repeat("x", 1025) + `</password>`: "login TOO_LONG, password TOO_LONG",
	} {
		d := &domain{}
		_, body := post(t, serve(t, d, nil), `<VerifyPasswordRequest>`+request+`</VerifyPasswordRequest>`)
		if got := fields(body); d.asked != 0 || !slices.Equal(got, strings.Split(want, ", ")) {
			t.Errorf("the domain was asked %d times; fields are %q, want %q", d.asked, got, want)
		}
	}
}

// TestTooManyWrongPasswords is the caller's fault, and may be tried again.
func TestTooManyWrongPasswords(t *testing.T) {
	t.Parallel()
	_, body := post(t, serve(t, &domain{err: registration.TooManyPasswords(30 * time.Second)}, nil), `<VerifyPasswordRequest><login>noor</login><password>x</password></VerifyPasswordRequest>`)
	for _, want := range []string{"<code>RATE_LIMITED</code>", "<retryable>true</retryable>", "soap:Client", "Too many wrong passwords"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
}

// TestAnAccountWithoutAddress has no element for it.
func TestAnAccountWithoutAddress(t *testing.T) {
	t.Parallel()
	d := &domain{details: registration.Details{Account: registration.Account{Username: registration.Username{Text: "Noor", Key: "noor"}, Status: registration.Active, RegisteredAt: time.Unix(1, 0)}, Profile: registration.Profile{Locale: "en"}}}
	status, body := post(t, serve(t, d, nil), `<GetRegistrationRequest><username>noor</username></GetRegistrationRequest>`)
	if status != http.StatusOK || strings.Contains(body, "<email") || !strings.Contains(body, "<username>Noor</username>") {
		t.Errorf("HTTP %d: %s", status, body)
	}
}
