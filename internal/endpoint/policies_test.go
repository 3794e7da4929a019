package endpoint_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"registrar/internal/endpoint"
	"registrar/internal/registration"
)

// TestPoliciesReachTheDomain: what a caller may be told, and whether it is tried only.
func TestPoliciesReachTheDomain(t *testing.T) {
	t.Parallel()
	const register = `<RegisterRequest><requestId>r</requestId><username>noor</username><email>n@example.com</email><password>velvet-anchor</password><callerOutcome>EMAIL_TAKEN</callerOutcome></RegisterRequest>`
	for _, c := range []endpoint.Caller{{Name: "app", EnumerationSafe: true}, {Name: "mono", Shadow: true}, {Name: "erp"}} {
		d := &domain{}
		h := serveTo(t, c, d, nil)
		if status, body := post(t, h, register); status != http.StatusOK {
			t.Fatalf("HTTP %d: %s", status, body)
		}
		want := registration.Request{
			Caller: c.Name, EnumerationSafe: c.EnumerationSafe, Shadow: c.Shadow, CallerOutcome: "EMAIL_TAKEN", RequestID: "r", Username: "noor", Email: "n@example.com",
			Password: "velvet-anchor", TraceParent: "the-trace",
		}
		if !reflect.DeepEqual(d.request, want) {
			t.Errorf("the domain was asked %+v", d.request)
		}
		post(t, h, `<GetRegistrationRequest><username>noor</username></GetRegistrationRequest>`)
		if want := (registration.Lookup{Caller: c.Name, Username: "noor", EnumerationSafe: c.EnumerationSafe}); d.lookup != want {
			t.Errorf("the domain was asked %+v", d.lookup)
		}
		post(t, h, `<VerifyPasswordRequest><login>noor</login><password>velvet-anchor</password></VerifyPasswordRequest>`)
		if d.password.EnumerationSafe != c.EnumerationSafe || d.password.Caller != c.Name {
			t.Errorf("the domain was asked %+v", d.password)
		}
		contact := `<registrationId>` + person + `</registrationId><channel>EMAIL</channel>`
		post(t, h, `<VerifyContactRequest>`+contact+`<code>000000</code></VerifyContactRequest>`)
		post(t, h, `<ResendCodeRequest>`+contact+`</ResendCodeRequest>`)
		if d.verify.EnumerationSafe != c.EnumerationSafe || d.verify.Caller != c.Name || d.resend.EnumerationSafe != c.EnumerationSafe || d.resend.Caller != c.Name {
			t.Errorf("the domain was asked %+v and %+v", d.verify, d.resend)
		}
	}
}

// TestWhatBreaksTheSchemaIsComparedToo, in shadow mode alone; the caller is told
// the same in any case.
func TestWhatBreaksTheSchemaIsComparedToo(t *testing.T) {
	t.Parallel()
	broken := `<RegisterRequest><requestId>r</requestId><username>noor</username><email>nobody</email><password>velvet-anchor</password><firstName>` +
		strings.Repeat("N", 31) + `</firstName><externalId>7</externalId><callerOutcome>REGISTERED</callerOutcome></RegisterRequest>`
	var answers []string
	for _, shadow := range []bool{false, true} {
		for _, err := range []error{registration.NewError(registration.ValidationFailed, "no"), registration.ErrUnavailable} {
			d, failed := &domain{err: err}, []error{}
			status, body := post(t, serveTo(t, endpoint.Caller{Name: "mono", Shadow: shadow}, d, &failed), broken)
			answers = append(answers, body)
			if status != http.StatusInternalServerError || !strings.Contains(body, "VALIDATION_FAILED") || !strings.Contains(body, "<name>firstName</name>") || !strings.Contains(body, "<name>email</name>") {
				t.Errorf("HTTP %d: %s", status, body)
			}
			if wantFailed := shadow && err == error(registration.ErrUnavailable); wantFailed != (len(failed) == 1) { //nolint:errorlint // the very one
				t.Errorf("the log is told %v", failed)
			}
			if !shadow {
				if d.asked != 0 {
					t.Errorf("the domain was asked %+v", d.request)
				}
				continue
			}
			var rules []string
			for _, f := range d.request.Refused {
				rules = append(rules, f.Field+" "+f.Rule)
			}
			if d.asked != 1 || !d.request.Shadow || d.request.Caller != "mono" || d.request.RequestID != "r" || d.request.ExternalID != "7" || d.request.CallerOutcome != "REGISTERED" ||
				!reflect.DeepEqual(rules, []string{"email FORMAT", "firstName TOO_LONG"}) {
				t.Errorf("the domain was asked %+v, for %q", d.request, rules)
			}
		}
	}
	// The caller's own outcome is no part of what is compared.
	d := &domain{}
	h := serveTo(t, endpoint.Caller{Name: "mono", Shadow: true}, d, nil)
	post(t, h, strings.Replace(broken, "REGISTERED", "registered", 1))
	if len(d.request.Refused) != 2 || d.request.CallerOutcome != "" {
		t.Errorf("the domain was asked %+v", d.request)
	}
	asked := d.asked
	whole := strings.NewReplacer("REGISTERED", "registered", "nobody", "n@example.com", strings.Repeat("N", 31), "Noor").Replace(broken)
	if _, body := post(t, h, whole); !strings.Contains(body, "<name>callerOutcome</name>") || d.asked != asked {
		t.Errorf("asked %d times more, told %s", d.asked-asked, body)
	}
	for _, a := range answers {
		if a != answers[0] {
			t.Errorf("the caller is told\n%s\nor\n%s", a, answers[0])
		}
	}
}
