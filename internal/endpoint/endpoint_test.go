package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/address"
	"registrar/internal/endpoint"
	"registrar/internal/password"
	"registrar/internal/registration"
	"registrar/soap"
	"registrar/wsdl"
)

// domain answers what a test wants, and keeps what it was asked.
type domain struct {
	receipt registration.Receipt
	details registration.Details
	err     error
	request registration.Request
	lookup  registration.Lookup
	asked   int

	verified registration.Verified
	resent   registration.Resent
	verify   registration.VerifyRequest
	resend   registration.ResendRequest

	verdict  registration.PasswordVerdict
	password registration.PasswordRequest
}

func (d *domain) Register(_ context.Context, r registration.Request) (registration.Receipt, error) {
	d.asked++
	d.request = r
	return d.receipt, d.err
}

func (d *domain) Details(_ context.Context, l registration.Lookup) (registration.Details, error) {
	d.asked++
	d.lookup = l
	return d.details, d.err
}

func (d *domain) Verify(_ context.Context, r registration.VerifyRequest) (registration.Verified, error) {
	d.asked++
	d.verify = r
	return d.verified, d.err
}

func (d *domain) Resend(_ context.Context, r registration.ResendRequest) (registration.Resent, error) {
	d.asked++
	d.resend = r
	return d.resent, d.err
}

func (d *domain) VerifyPassword(_ context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error) {
	d.asked++
	d.password = r
	return d.verdict, d.err
}

func rules(t *testing.T) registration.Rules {
	t.Helper()
	policy, err := password.NewPolicy(8, password.DefaultArgon2id)
	if err != nil {
		t.Fatal(err)
	}
	return registration.Rules{DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{}.Parse, CheckPassword: policy.Check, DefaultLocale: "en"}
}

// messageID is the WS-Addressing message id of every request here.
const messageID = "urn:uuid:7d4ba4a8-6d4e-4f0c-9d3e-1a3f0b6f2f10"

// serve is the contract on d; failed collects what the log would be told.
func serve(t *testing.T, d *domain, failed *[]error) http.Handler {
	t.Helper()
	return serveTo(t, endpoint.Caller{Name: "erp", Silent: true, Verified: true}, d, failed)
}

// serveTo is serve to a caller.
func serveTo(t *testing.T, c endpoint.Caller, d *domain, failed *[]error) http.Handler {
	t.Helper()
	e := &endpoint.Endpoint{
		Registrar: d, Rules: rules(t),
		Caller:        func(context.Context) endpoint.Caller { return c },
		MessageID:     func(context.Context) string { return messageID },
		TraceParent:   func(context.Context) string { return "the-trace" },
		Challenge:     func(error) string { return "" },
		CorrelationID: func(context.Context) string { return "the-correlation-id" },
		Failed:        func(_ context.Context, err error) { *failed = append(*failed, err) },
	}
	server, err := soap.New(soap.Config{
		Path: "/registration", Description: wsdl.Description, Schemas: map[string][]byte{"registration.xsd": wsdl.Schema},
		Operations: e.Operations(), FaultDetails: endpoint.FaultDetails(), Faults: e.Fault, PublicURL: "http://localhost",
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func post(t *testing.T, h http.Handler, body string) (int, string) {
	t.Helper()
	envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:registrar:registration:v1"><s:Body>` + body + `</s:Body></s:Envelope>`
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/registration", strings.NewReader(envelope))
	req.Header.Set("Content-Type", "text/xml")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Code, rec.Body.String()
}

func TestRegisterCarriesEveryElement(t *testing.T) {
	t.Parallel()
	id, err := registration.ParseID("01a1fd8d-a746-7444-b5fa-08b38cef2d1c")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 10, 1, 21, 478272000, time.UTC)
	d := &domain{receipt: registration.Receipt{ID: id, Status: registration.PendingVerification, Locale: "ar-SA", RegisteredAt: at}}
	status, body := post(t, serve(t, d, nil), `<RegisterRequest><requestId>r 1</requestId><username>نورة</username><email>n@example.com</email>
		<password> velvet anchor </password><firstName>Noor</firstName><lastName>H</lastName><mobileNumber>+966512345678</mobileNumber>
		<locale> ar-SA </locale><marketingConsent> 1 </marketingConsent><externalId>x</externalId></RegisterRequest>`)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", status, body)
	}
	want := registration.Request{
		RequestID: "r 1", Username: "نورة", Email: "n@example.com", Password: " velvet anchor ", FirstName: "Noor", LastName: "H",
		MobileNumber: "+966512345678", Locale: "ar-SA", MarketingConsent: true, ExternalID: "x", TraceParent: "the-trace", Caller: "erp", Silent: true, Verified: true,
	}
	if !reflect.DeepEqual(d.request, want) {
		t.Errorf("the domain was asked\n%+v, want\n%+v", d.request, want)
	}
	const answer = `<RegisterResponse xmlns="urn:registrar:registration:v1"><registrationId>01a1fd8d-a746-7444-b5fa-08b38cef2d1c</registrationId><status>PENDING_VERIFICATION</status><message>تم تسجيل حسابك.</message><registeredAt>2026-11-21T10:01:21.478272Z</registeredAt></RegisterResponse>`
	if !strings.Contains(body, answer) {
		t.Errorf("the answer is %s", body)
	}
}

func TestAbsentElementsAreAbsent(t *testing.T) {
	t.Parallel()
	d := &domain{}
	const nilMobile = `<mobileNumber xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>`
	status, body := post(t, serve(t, d, nil), `<RegisterRequest><username>noor</username><email>n@example.com</email><password>velvet-anchor</password>`+nilMobile+`</RegisterRequest>`)
	if status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", status, body)
	}
	if want := (registration.Request{Caller: "erp", Silent: true, Verified: true, RequestID: messageID, Username: "noor", Email: "n@example.com", Password: "velvet-anchor", TraceParent: "the-trace"}); !reflect.DeepEqual(d.request, want) {
		t.Errorf("the domain was asked %+v", d.request)
	}
}

// TestALongMessageIDIsAKeyToo: the key is bounded, and differs where the ids do.
func TestALongMessageIDIsAKeyToo(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	for _, id := range []string{"", "urn:a", strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 128) + "y"} {
		d := &domain{}
		e := &endpoint.Endpoint{
			Registrar: d, Rules: rules(t),
			Caller:    func(context.Context) endpoint.Caller { return endpoint.Caller{} },
			MessageID: func(context.Context) string { return id }, TraceParent: func(context.Context) string { return "" },
			CorrelationID: func(context.Context) string { return "" }, Challenge: func(error) string { return "" }, Failed: func(context.Context, error) {},
		}
		server, err := soap.New(soap.Config{
			Path: "/registration", Description: wsdl.Description, Schemas: map[string][]byte{"registration.xsd": wsdl.Schema},
			Operations: e.Operations(), FaultDetails: endpoint.FaultDetails(), Faults: e.Fault, PublicURL: "http://localhost",
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, body := post(t, server, `<RegisterRequest><username>noor</username><email>n@example.com</email><password>velvet-anchor</password></RegisterRequest>`); status != http.StatusOK {
			t.Fatalf("HTTP %d: %s", status, body)
		}
		if key := d.request.RequestID; keys[key] || len(key) > 128 || (key == "") != (id == "") {
			t.Errorf("an id of %d characters is the key %q", len(id), key)
		}
		keys[d.request.RequestID] = true
	}
}

// TestAllInvalidFieldsAtOnce: what breaks the schema and what breaks the
// domain's rules is told in one fault, each field once, and nothing is done.
func TestAllInvalidFieldsAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, request, want string }{
		{
			"schema and domain together",
			`<RegisterRequest><username>ab</username><email>not-an-address</email><password>velvet-anchor</password><mobileNumber>12345</mobileNumber></RegisterRequest>`,
			"username TOO_SHORT, email FORMAT, mobileNumber FORMAT",
		},
		{
			"schema alone",
			`<RegisterRequest><username>noor</username><password>short</password><locale>en_US</locale><nickname/></RegisterRequest>`,
			"email REQUIRED, password TOO_SHORT, locale PATTERN, nickname UNKNOWN",
		},
		{
			"no request at all",
			`<RegisterRequest xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"><username>noor</username><email>n@example.com</email><password>velvet-anchor</password></RegisterRequest>`,
			"RegisterRequest NIL",
		},
		{
			"one key in a look-up, and it breaks the schema",
			`<GetRegistrationRequest><username>ab</username></GetRegistrationRequest>`,
			"username TOO_SHORT",
		},
		{
			"two keys in a look-up",
			`<GetRegistrationRequest><username>noor</username><email>n@example.com</email><externalId></externalId></GetRegistrationRequest>`,
			"externalId TOO_SHORT, GetRegistrationRequest EXACTLY_ONE",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &domain{}
			status, body := post(t, serve(t, d, nil), tt.request)
			if status != http.StatusInternalServerError || d.asked != 0 {
				t.Errorf("HTTP %d, the domain was asked %d times", status, d.asked)
			}
			if !strings.Contains(body, "<code>VALIDATION_FAILED</code>") || !strings.Contains(body, "<retryable>false</retryable>") {
				t.Errorf("the fault is %s", body)
			}
			got := fields(body)
			want := strings.Split(tt.want, ", ")
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("fields are %q, want %q", got, want)
			}
		})
	}
}

// fields gives "name CODE" of each field of a fault.
func fields(body string) (all []string) {
	for _, f := range strings.Split(body, "<field>")[1:] {
		all = append(all, between(f, "<name>", "</name>")+" "+between(f, "<code>", "</code>"))
	}
	return all
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// TestEveryErrorHasItsFault goes through the contract's table.
func TestEveryErrorHasItsFault(t *testing.T) {
	t.Parallel()
	const secret = "Duplicate entry 'amina@example.com'"
	for _, tt := range []struct {
		err       error
		code      string
		sender    bool
		retryable bool
	}{
		{registration.ErrUsernameTaken, "USERNAME_TAKEN", true, false},
		{registration.ErrEmailTaken, "EMAIL_TAKEN", true, false},
		{registration.ErrExternalIDTaken, "EXTERNAL_ID_TAKEN", true, false},
		{registration.ErrRequestIDReused, "REQUEST_ID_REUSED", true, false},
		{registration.ErrNotFound, "NOT_FOUND", true, false},
		{registration.NewError(registration.CodeInvalid, "no"), "CODE_INVALID", true, false},
		{registration.NewError(registration.CodeExpired, "no"), "CODE_EXPIRED", true, false},
		{registration.NewError(registration.TooManyAttempts, "no"), "TOO_MANY_ATTEMPTS", true, false},
		{registration.CodesUsedUp(time.Hour), "RESEND_TOO_SOON", true, false},
		{registration.NewError(registration.PasswordRejected, "no"), "PASSWORD_REJECTED", true, false},
		{registration.NewError(registration.ValidationFailed, "no"), "VALIDATION_FAILED", true, false},
		{registration.ErrUnavailable, "UNAVAILABLE", false, true},
		{registration.WrapError(registration.Unavailable, "Later.", errors.New(secret)), "UNAVAILABLE", false, true},
		{registration.WrapError(registration.Internal, "It failed.", errors.New(secret)), "INTERNAL", false, true},
		{registration.NewError("NEW_CODE", secret), "INTERNAL", false, true},
		{errors.New(secret), "INTERNAL", false, true},
	} {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			var failed []error
			status, body := post(t, serve(t, &domain{err: tt.err}, &failed), `<GetRegistrationRequest><username>noor</username></GetRegistrationRequest>`)
			faultcode := "<faultcode>soap:Server</faultcode>"
			if tt.sender {
				faultcode = "<faultcode>soap:Client</faultcode>"
			}
			retryable := "<retryable>false</retryable>"
			if tt.retryable {
				retryable = "<retryable>true</retryable>"
			}
			for _, want := range []string{"<code>" + tt.code + "</code>", faultcode, retryable, "<correlationId>the-correlation-id</correlationId>"} {
				if !strings.Contains(body, want) {
					t.Errorf("HTTP %d, no %s in %s", status, want, body)
				}
			}
			if strings.Contains(body, "amina") || strings.Contains(body, "Duplicate") {
				t.Errorf("the fault tells what went wrong inside: %s", body)
			}
			if tt.sender != (len(failed) == 0) {
				t.Errorf("the log was told %d errors", len(failed))
			}
			if got := endpoint.Code(tt.err); got != tt.code {
				t.Errorf("the metrics say %s", got)
			}
		})
	}
}

func TestEverySOAPErrorHasAFault(t *testing.T) {
	t.Parallel()
	h := serve(t, &domain{}, nil)
	for name, body := range map[string]string{
		"unknown operation": `<DeleteRequest/>`,
		"not well-formed":   `<RegisterRequest>`,
		"a second child":    `<GetRegistrationRequest/><GetRegistrationRequest/>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := post(t, h, body)
			if status != http.StatusInternalServerError || !strings.Contains(answer, "<code>VALIDATION_FAILED</code>") || !strings.Contains(answer, "soap:Client") {
				t.Errorf("HTTP %d: %s", status, answer)
			}
		})
	}
}

func TestGetRegistrationTellsEverythingButThePassword(t *testing.T) {
	t.Parallel()
	id, err := registration.ParseID("01a1fd8d-a746-7444-b5fa-08b38cef2d1c")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 10, 1, 21, 0, time.UTC)
	d := &domain{details: registration.Details{
		Account: registration.Account{
			ID: id, ExternalID: "x", Username: registration.Username{Text: "Noor", Key: "noor"}, Email: registration.Email{Text: "N@example.com", Key: "n@example.com"},
			Mobile: "+966512345678", PasswordHash: "$argon2id$", Status: registration.Active, RegisteredAt: at,
			EmailVerifiedAt: at.Add(time.Minute),
		},
		Profile: registration.Profile{FirstName: "Noor", LastName: "H", Locale: "ar"},
		Notifications: []registration.Notification{{
			ID: id, Kind: registration.RegistrationCompleted, Channel: registration.SMSChannel, State: registration.Delivered,
			CreatedAt: at, UpdatedAt: at.Add(time.Second), Deadline: at.Add(time.Hour), Attempts: 1,
		}},
	}}
	status, body := post(t, serve(t, d, nil), `<GetRegistrationRequest><externalId>x</externalId></GetRegistrationRequest>`)
	if status != http.StatusOK || d.lookup != (registration.Lookup{Caller: "erp", ExternalID: "x"}) {
		t.Fatalf("HTTP %d, looked up %+v: %s", status, d.lookup, body)
	}
	const want = `<registrationId>01a1fd8d-a746-7444-b5fa-08b38cef2d1c</registrationId><status>ACTIVE</status><username>Noor</username><email>N@example.com</email>` +
		`<firstName>Noor</firstName><lastName>H</lastName><mobileNumber>+966512345678</mobileNumber><locale>ar</locale><marketingConsent>false</marketingConsent>` +
		`<externalId>x</externalId><registeredAt>2026-11-21T10:01:21Z</registeredAt><emailVerifiedAt>2026-11-21T10:02:21Z</emailVerifiedAt><notification><notificationId>01a1fd8d-a746-7444-b5fa-08b38cef2d1c</notificationId>` +
		`<channel>SMS</channel><kind>REGISTRATION_COMPLETED</kind><state>DELIVERED</state><createdAt>2026-11-21T10:01:21Z</createdAt>` +
		`<updatedAt>2026-11-21T10:01:22Z</updatedAt><deadline>2026-11-21T11:01:21Z</deadline><attempts>1</attempts></notification>`
	if !strings.Contains(body, want) || strings.Contains(body, "argon2") {
		t.Errorf("the answer is %s", body)
	}
}

// TestTheLocaleFitsTheContract: some tags are longer in their canonical form.
func TestTheLocaleFitsTheContract(t *testing.T) {
	t.Parallel()
	s := &registration.Service{
		Rules: rules(t), Store: &keep{}, Hasher: keepHash{}, Announcer: keepHash{}, Now: time.Now,
		NewID: func() (registration.ID, error) { return registration.ID{1}, nil }, Codes: keepCodes{},
	}
	for locale, want := range map[string]string{
		"mo-u-ca-islamic-x-aaaaaaaa-aaaaaaaa": "mo-u-ca-islamic-x-aaaaaaaa-aaaaaaaa",
		"AR-sa":                               "ar-SA",
		"":                                    "en",
	} {
		receipt, err := s.Register(t.Context(), registration.Request{Username: "noor", Email: "n@example.com", Password: "velvet-anchor", Locale: locale})
		if err != nil || receipt.Locale != want {
			t.Errorf("%s became %s, %v", locale, receipt.Locale, err)
		}
	}
}

type keep struct{ registration.Store }

func (*keep) Create(context.Context, registration.Registration) ([]registration.Notification, error) {
	return nil, nil
}

type keepHash struct{ registration.Hasher }

func (keepHash) Hash(context.Context, string) (string, error) { return "hash", nil }
func (keepHash) Announce([]registration.Notification)         {}

type keepCodes struct{ registration.Codes }

func (keepCodes) New(registration.ID, registration.Channel) (registration.OneTimeCode, error) {
	return registration.OneTimeCode{}, nil
}

func (keepCodes) Recipient(registration.Channel, string) [32]byte { return [32]byte{} }
