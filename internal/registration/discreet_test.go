package registration_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
)

// stranger is somebody who registers by an enumeration-safe caller, and writes
// down all that they are told.
type stranger struct {
	t *testing.T
	*registration.Service
	store *memory
	at    time.Time
	ids   []string // of registrations, in their order
	told  []string
}

// newStranger is one at a service where layla@example.com has an account, or
// has none.
func newStranger(t *testing.T, taken bool, owner ...func(*registration.Request)) *stranger {
	t.Helper()
	s, l := loginService(t)
	store := l.memory
	store.accounts, store.audit = nil, nil // without those whom others log in
	w := &stranger{t: t, Service: s, store: store, at: now}
	s.Now = func() time.Time { return w.at }
	s.RecordEvents = true
	if taken {
		r := request()
		r.Caller, r.Username, r.ExternalID, r.MobileNumber, r.Password = "shop", "owner", "1", "", "another velvet anchor"
		for _, c := range owner {
			c(&r)
		}
		if _, err := s.Register(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// note writes down an answer, with the ids that are new in it named by their order.
func (w *stranger) note(what string, answer any, err error) {
	text := fmt.Sprintf("%s: %+v", what, answer)
	if err != nil {
		text = what + ": " + err.Error()
	}
	for i, id := range w.ids {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("id %d", i))
	}
	w.told = append(w.told, text)
}

func (w *stranger) register(change ...func(*registration.Request)) {
	w.t.Helper()
	r := request()
	r.EnumerationSafe = true
	for _, c := range change {
		c(&r)
	}
	receipt, err := w.Register(w.t.Context(), r)
	if err == nil {
		w.ids = append(w.ids, receipt.ID.String())
	}
	w.note("register", receipt, err)
}

func (w *stranger) look(l registration.Lookup) {
	w.t.Helper()
	l.Caller, l.EnumerationSafe = "monolith", true
	d, err := w.Details(w.t.Context(), l)
	a := d.Account
	told := fmt.Sprintf("%s %s %s %s %s %s %s %v %v", a.ID, a.Username.Text, a.Email.Text, a.Mobile, a.Status, a.ExternalID, a.RegisteredAt, a.MobileVerifiedAt, d.Profile)
	for _, n := range d.Notifications {
		told += fmt.Sprint("\n  ", n.Kind, n.Channel, n.State, n.CreatedAt, n.Deadline)
	}
	w.note("look", told, err)
}

func (w *stranger) enter(i int, channel registration.Channel, code string) {
	w.t.Helper()
	v, err := w.Verify(w.t.Context(), registration.VerifyRequest{RegistrationID: w.ids[i], Channel: channel, Code: code, Caller: "monolith", EnumerationSafe: true})
	w.note("verify", v, err)
}

// logIn is with the password that the stranger has registered with.
func (w *stranger) logIn(login string) {
	w.t.Helper()
	v, err := w.VerifyPassword(w.t.Context(), registration.PasswordRequest{Caller: "monolith", Login: login, Password: request().Password, EnumerationSafe: true})
	w.note("log in", v, err)
}

func (w *stranger) resend(i int, channel registration.Channel) {
	w.t.Helper()
	r, err := w.Resend(w.t.Context(), registration.ResendRequest{RegistrationID: w.ids[i], Channel: channel, Caller: "monolith", EnumerationSafe: true})
	w.note("resend", r, err)
}

// code is what a message to a contact of the i-th registration brings.
func (w *stranger) code(i int, channel registration.Channel) string {
	w.t.Helper()
	id, err := registration.ParseID(w.ids[i])
	if err != nil {
		w.t.Fatal(err)
	}
	return plainCode(w.store.codes[contactKey{id, channel}])
}

// everything is what can be asked of one registration.
func (w *stranger) everything() {
	again := func(r *registration.Request) { r.RequestID = "once" }
	w.register(again)
	w.register(again)
	w.register(again, func(r *registration.Request) { r.LastName = "Other" })
	w.look(registration.Lookup{RegistrationID: w.ids[0]})
	w.look(registration.Lookup{Username: "LAYLA.H"})
	w.look(registration.Lookup{ExternalID: "4711"})
	w.look(registration.Lookup{Email: "layla@example.com"})
	w.look(registration.Lookup{Username: "layla@example.com"})
	w.logIn("layla.h")
	w.logIn("Layla@Example.com")
	w.enter(0, email, "no code")
	w.resend(0, email)
	w.at = w.at.Add(time.Minute)
	w.resend(0, email)
	w.resend(0, sms)
	w.enter(0, sms, "no code")
	w.enter(0, sms, w.code(0, sms))
	w.enter(0, sms, w.code(0, sms))
	w.resend(0, sms)
	for range codeRules.Attempts + 1 {
		w.enter(0, email, "no code")
	}
	w.look(registration.Lookup{RegistrationID: w.ids[0]})
	w.at = w.at.Add(time.Hour)
	w.enter(0, email, "no code")
	for range codeRules.DailyCap {
		w.resend(0, email)
		w.at = w.at.Add(time.Minute)
	}
	w.look(registration.Lookup{RegistrationID: w.ids[0]})
	// Keys that the caller itself has used are told, the address beside them never.
	w.register()
	w.register(func(r *registration.Request) { r.ExternalID = "4712" })
	w.register(func(r *registration.Request) { r.Username = "other" })
}

// TestEnumerationSafe: whether an address has an account, whoever has it and
// wherever it stands, every answer is the same.
func TestEnumerationSafe(t *testing.T) {
	t.Parallel()
	asAddress := func(r *registration.Request) { r.Username = "layla@example.com" }
	for name, owner := range map[string][]func(*registration.Request){
		"of another caller":               nil,
		"of the same caller":              {func(r *registration.Request) { r.Caller = "monolith" }},
		"active":                          {func(r *registration.Request) { r.Verified = true }},
		"in silence":                      {func(r *registration.Request) { r.Silent = true }},
		"by an enumeration-safe caller":   {func(r *registration.Request) { r.EnumerationSafe = true }},
		"whose user name is the address":  {asAddress},
		"of another case, and a language": {func(r *registration.Request) { r.Email, r.Locale = "LAYLA@example.COM", "en" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			free, taken := newStranger(t, false), newStranger(t, true, owner...)
			free.everything()
			taken.everything()
			same(t, free, taken)
		})
		t.Run("user name, "+name, func(t *testing.T) {
			t.Parallel()
			free, taken := newStranger(t, false), newStranger(t, true, owner...)
			for _, w := range []*stranger{free, taken} {
				w.register(asAddress)
				w.look(registration.Lookup{RegistrationID: w.ids[0]})
				w.look(registration.Lookup{ExternalID: "4711"})
				w.look(registration.Lookup{Username: "layla@example.com"})
				w.logIn("layla@example.com")
				w.enter(0, email, "no code")
			}
			same(t, free, taken)
		})
	}
}

func same(t *testing.T, free, taken *stranger) {
	t.Helper()
	for i, told := range free.told {
		if taken.told[i] != told {
			t.Errorf("where the address is free:\n%s\nwhere it is taken:\n%s", told, taken.told[i])
		}
	}
}

// TestTheOwnerIsTold, and of nothing that the stranger has typed; other systems
// are told of a refusal, and the owner's account is as it was.
func TestTheOwnerIsTold(t *testing.T) {
	t.Parallel()
	w := newStranger(t, true)
	before := len(w.store.accounts[0].Notifications)
	w.register()
	phantom := w.store.accounts[1]
	if !phantom.Account.Phantom() || w.store.accounts[0].Account.Phantom() {
		t.Fatalf("stored as %+v", phantom.Account)
	}
	kinds := map[registration.Channel]registration.Kind{}
	for _, n := range phantom.Notifications {
		kinds[n.Channel] = n.Kind
	}
	if kinds[email] != registration.AlreadyRegistered || kinds[sms] != registration.VerificationCode || len(phantom.Notifications) != 2 || len(w.store.accounts[0].Notifications) != before {
		t.Errorf("sent %v", kinds)
	}
	if len(phantom.Events) != 1 || phantom.Events[0].Type != registration.EventRegistrationRefused || phantom.Events[0].Refusal != registration.EmailTaken || !phantom.Events[0].AccountID.IsZero() {
		t.Errorf("events %+v", phantom.Events)
	}
	if phantom.Audit.Outcome != string(registration.EmailTaken) || phantom.Audit.AccountID != phantom.Account.ID {
		t.Errorf("the audit says %+v", phantom.Audit)
	}
	events := len(w.store.events)
	w.enter(0, sms, w.code(0, sms))
	if len(w.store.events) != events {
		t.Errorf("other systems are told of a phantom: %+v", w.store.events[events:])
	}
	// The very code, if somebody guessed it.
	w.enter(0, email, w.code(0, email))
	if last := w.told[len(w.told)-1]; !strings.Contains(last, "CODE_INVALID") || w.store.accounts[1].Account.Status != registration.PendingVerification {
		t.Errorf("a phantom's address was verified: %s", last)
	}
}

// TestStrangersCannotBombard: the mails to an owner have an allowance of their
// own, and take nothing of the owner's codes.
func TestStrangersCannotBombard(t *testing.T) {
	t.Parallel()
	w := newStranger(t, true, func(r *registration.Request) { r.EnumerationSafe = true })
	for i := range 2 * codeRules.DailyCap {
		w.register(func(r *registration.Request) { r.Username, r.ExternalID = fmt.Sprint("stranger", i), fmt.Sprint(i) })
	}
	notices := 0
	for _, r := range w.store.accounts[1:] {
		for _, n := range r.Notifications {
			if n.Kind == registration.AlreadyRegistered {
				notices++
			}
		}
	}
	if notices != codeRules.DailyCap {
		t.Errorf("%d mails to the owner", notices)
	}
	w.at = w.at.Add(time.Minute)
	if _, err := w.Resend(t.Context(), registration.ResendRequest{RegistrationID: w.store.accounts[0].Account.ID.String(), Channel: email}); err != nil {
		t.Errorf("the owner's own code: %v", err)
	}
}

// TestTheRegistrationsOfOthers are not there for an enumeration-safe caller: they
// hold addresses.
func TestTheRegistrationsOfOthers(t *testing.T) {
	t.Parallel()
	w := newStranger(t, true)
	owner := w.store.accounts[0].Account
	for _, l := range []registration.Lookup{{Username: "owner"}, {RegistrationID: owner.ID.String()}} {
		w.look(l)
		if last := w.told[len(w.told)-1]; !strings.Contains(last, "NOT_FOUND") {
			t.Errorf("%+v is told %s", l, last)
		}
		if d, err := w.Details(t.Context(), l); err != nil || d.Account.ID != owner.ID {
			t.Errorf("another caller asks for %+v: %v", l, err)
		}
	}
	for _, channel := range []registration.Channel{registration.EmailChannel, registration.SMSChannel} {
		for _, r := range []struct {
			caller string
			safe   bool
			others bool
		}{{"app", true, true}, {"app", false, false}, {"shop", true, false}} {
			_, verify := w.Verify(t.Context(), registration.VerifyRequest{RegistrationID: owner.ID.String(), Channel: channel, Code: "000000", Caller: r.caller, EnumerationSafe: r.safe})
			_, resend := w.Resend(t.Context(), registration.ResendRequest{RegistrationID: owner.ID.String(), Channel: channel, Caller: r.caller, EnumerationSafe: r.safe})
			for call, err := range map[string]error{"VerifyContact": verify, "ResendCode": resend} {
				if told, ok := errors.AsType[*registration.Error](err); !ok || (told.Message == registration.ErrNotFound.Message) != r.others {
					t.Errorf("%s of %+v is told %v", call, r, err)
				}
			}
		}
	}
	if tries := w.store.codes[contactKey{owner.ID, registration.EmailChannel}].Attempts; tries != 2 { // of the two who may
		t.Errorf("%d tries are counted", tries)
	}
}

// TestOthersAreTold: without the policy an address that is taken is a fault,
// and one whose contacts its caller has verified is never a phantom.
func TestOthersAreTold(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*registration.Request){
		"no policy":         func(r *registration.Request) { r.EnumerationSafe = false },
		"verified contacts": func(r *registration.Request) { r.Verified = true },
	} {
		w := newStranger(t, true)
		w.register(change)
		if !strings.Contains(w.told[0], "EMAIL_TAKEN") || len(w.store.accounts) != 1 {
			t.Errorf("%s: %s", name, w.told[0])
		}
	}
}
