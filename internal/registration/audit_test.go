package registration_test

import (
	"context"
	"testing"
	"time"

	"registrar/internal/registration"
)

// TestAuditEntries: a registration, a refused one and each try at a code that is
// counted have an entry, also where no events are kept; what is answered once more,
// and what is not counted, has none.
func TestAuditEntries(t *testing.T) {
	t.Parallel()
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	s, store, _ := service(t)
	s.CorrelationID = func(context.Context) string { return "the-correlation-id" }
	r := request()
	r.RequestID, r.TraceParent = "first", trace
	receipt, err := s.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Register(t.Context(), r); err != nil { // the same again
		t.Fatal(err)
	}
	again := r
	again.RequestID = ""
	if _, err := s.Register(t.Context(), again); err == nil {
		t.Fatal("registered twice")
	}
	try := func(code string) {
		_, _ = s.Verify(t.Context(), registration.VerifyRequest{RegistrationID: receipt.ID.String(), Channel: registration.EmailChannel, Code: code, TraceParent: trace})
	}
	right := plainCode(store.codes[contactKey{receipt.ID, registration.EmailChannel}])
	try("x")
	try(right)
	try(right) // answered as before
	if store.failing = on("create", registration.ErrUnavailable); true {
		other := again
		other.Username = "other"
		if _, err := s.Register(t.Context(), other); category(t, err) != registration.Unavailable {
			t.Fatal(err)
		}
	}
	of := registration.AuditEntry{
		At: now.UTC().Truncate(time.Microsecond), Action: registration.AuditRegister, Outcome: registration.AuditOK, Caller: r.Caller, AccountID: receipt.ID, ExternalID: r.ExternalID,
		CorrelationID: "the-correlation-id", TraceParent: trace,
	}
	refused, wrong := of, of
	refused.AccountID, refused.Outcome = registration.ID{}, string(registration.UsernameTaken)
	wrong.Action, wrong.Outcome, wrong.Detail = registration.AuditVerifyContact, string(registration.CodeInvalid), "channel=EMAIL"
	verified := wrong
	verified.Outcome = registration.AuditOK
	want := []registration.AuditEntry{of, refused, wrong, verified}
	if len(store.audit) != len(want) {
		t.Fatalf("the entries are %+v", store.audit)
	}
	ids := map[registration.ID]bool{}
	for i, e := range store.audit {
		ids[e.ID] = true
		if e.ID = (registration.ID{}); e != want[i] {
			t.Errorf("entry %d is %+v, want %+v", i, e, want[i])
		}
	}
	if len(ids) != len(want) || ids[registration.ID{}] {
		t.Errorf("the ids are %v", ids)
	}
}
