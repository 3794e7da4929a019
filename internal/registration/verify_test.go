package registration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"registrar/internal/registration"
)

// life is a person with codes, at a clock that a test moves.
type life struct {
	*registration.Service
	store *memory
	news  *announced
	at    time.Time
	id    string
}

func newLife(t *testing.T, change ...func(*registration.Request)) *life {
	t.Helper()
	s, store, news := service(t)
	l := &life{Service: s, store: store, news: news, at: now}
	s.Now = func() time.Time { return l.at }
	s.RecordEvents = true
	r := request()
	for _, c := range change {
		c(&r)
	}
	receipt, err := s.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	l.id = receipt.ID.String()
	return l
}

// code is the text of the contact's code.
func (l *life) code(channel registration.Channel) string {
	return plainCode(l.store.codes[contactKey{l.store.accounts[0].Account.ID, channel}])
}

// wrong is a code that is not the contact's.
func (l *life) wrong(channel registration.Channel) string {
	if l.code(channel) == "000000" {
		return "000001"
	}
	return "000000"
}

func (l *life) enter(ctx context.Context, channel registration.Channel, code string) (registration.Verified, error) {
	return l.Verify(ctx, registration.VerifyRequest{RegistrationID: l.id, Channel: channel, Code: code})
}

func (l *life) resend(ctx context.Context, channel registration.Channel) (registration.Resent, error) {
	return l.Resend(ctx, registration.ResendRequest{RegistrationID: l.id, Channel: channel})
}

// sent are the kinds and channels of the person's notifications.
func (l *life) sent() (all []string) {
	for _, n := range l.store.accounts[0].Notifications {
		all = append(all, string(n.Channel)+" "+string(n.Kind))
	}
	return all
}

const (
	email = registration.EmailChannel
	sms   = registration.SMSChannel
)

// step is one thing that happens to a code, and what it is answered.
type step struct {
	after   time.Duration
	do      string // right, wrong, old, resend
	channel registration.Channel
	want    string // "" is success; a verification's is the status
	same    bool   // of a resend: the code is the one before
}

// TestTheLifeOfACode goes through what can happen to one, in every order that
// matters.
func TestTheLifeOfACode(t *testing.T) {
	t.Parallel()
	wrong := func(n int) []step {
		return slices.Repeat([]step{{do: "wrong", channel: email, want: "CODE_INVALID"}}, n)
	}
	for name, steps := range map[string][]step{
		"right at once":                {{do: "right", channel: email, want: "ACTIVE"}},
		"right at the last moment":     {{after: 10*time.Minute - time.Microsecond, do: "right", channel: email, want: "ACTIVE"}},
		"too late":                     {{after: 10 * time.Minute, do: "right", channel: email, want: "CODE_EXPIRED"}},
		"wrong, and too late":          {{after: 10 * time.Minute, do: "wrong", channel: email, want: "CODE_EXPIRED"}},
		"the number alone":             {{do: "right", channel: sms, want: "PENDING_VERIFICATION"}},
		"the number, then the address": {{do: "right", channel: sms, want: "PENDING_VERIFICATION"}, {do: "right", channel: email, want: "ACTIVE"}},
		"the address, then the number": {{do: "right", channel: email, want: "ACTIVE"}, {do: "right", channel: sms, want: "ACTIVE"}},
		"the answer was lost":          {{do: "right", channel: email, want: "ACTIVE"}, {after: time.Hour, do: "right", channel: email, want: "ACTIVE"}},
		"the answer was lost often":    append([]step{{do: "right", channel: email, want: "ACTIVE"}}, slices.Repeat([]step{{do: "right", channel: email, want: "ACTIVE"}}, 9)...),
		"wrong after right":            {{do: "right", channel: email, want: "ACTIVE"}, {do: "wrong", channel: email, want: "CODE_INVALID"}, {do: "right", channel: email, want: "ACTIVE"}},
		"right at the last try":        append(wrong(4), step{do: "right", channel: email, want: "ACTIVE"}, step{do: "right", channel: email, want: "ACTIVE"}),
		"the tries are used up": append(wrong(5), step{do: "wrong", channel: email, want: "TOO_MANY_ATTEMPTS"},
			step{do: "right", channel: email, want: "TOO_MANY_ATTEMPTS"}, step{do: "right", channel: sms, want: "PENDING_VERIFICATION"}),
		"used up, and too late": append(wrong(5), step{after: time.Hour, do: "right", channel: email, want: "CODE_EXPIRED"}),
		"used up, and a new one": append(wrong(5), step{after: 30 * time.Second, do: "resend", channel: email},
			step{do: "old", channel: email, want: "CODE_INVALID"}, step{do: "right", channel: email, want: "ACTIVE"}),
		"again too soon":        {{after: 30*time.Second - time.Microsecond, do: "resend", channel: email, want: "RESEND_TOO_SOON"}},
		"again":                 {{after: 30 * time.Second, do: "resend", channel: email, same: true}, {do: "right", channel: email, want: "ACTIVE"}},
		"again, twice too soon": {{after: 30 * time.Second, do: "resend", channel: email, same: true}, {do: "resend", channel: email, want: "RESEND_TOO_SOON"}},
		"again keeps the tries": append(wrong(4), step{after: 30 * time.Second, do: "resend", channel: email, same: true},
			step{do: "wrong", channel: email, want: "CODE_INVALID"}, step{do: "right", channel: email, want: "TOO_MANY_ATTEMPTS"}),
		"again keeps the life": {{after: 9 * time.Minute, do: "resend", channel: email, same: true}, {after: time.Minute, do: "right", channel: email, want: "CODE_EXPIRED"}},
		"a new one after the life": {{after: 10 * time.Minute, do: "resend", channel: email},
			{do: "old", channel: email, want: "CODE_INVALID"}, {after: 9 * time.Minute, do: "right", channel: email, want: "ACTIVE"}},
		"again for what is verified": {{do: "right", channel: email, want: "ACTIVE"}, {after: time.Hour, do: "resend", channel: email, want: "VALIDATION_FAILED"},
			{do: "resend", channel: sms}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			for i, s := range steps {
				l.at = l.at.Add(s.after)
				l.step(t, fmt.Sprintf("step %d: %s", i+1, s.do), s)
			}
		})
	}
}

func (l *life) step(t *testing.T, name string, s step) {
	t.Helper()
	if s.do == "resend" {
		before := l.code(s.channel)
		resent, err := l.resend(t.Context(), s.channel)
		if got := string(category(t, err)); got != s.want {
			t.Fatalf("%s: got %v, want %q", name, err, s.want)
		}
		if err != nil {
			return
		}
		if same := l.code(s.channel) == before; same != s.same && s.channel == email {
			t.Errorf("%s: the same code: %t", name, same)
		}
		at := l.at.UTC().Truncate(time.Microsecond)
		if !resent.NextResendAt.Equal(at.Add(30*time.Second)) || !resent.ExpiresAt.After(at) || resent.ExpiresAt.After(at.Add(10*time.Minute)) || resent.Locale != "ar-SA" {
			t.Errorf("%s: answered %+v", name, resent)
		}
		return
	}
	code := map[string]func() string{
		"right": func() string { return l.code(s.channel) }, "wrong": func() string { return l.wrong(s.channel) },
		"old": func() string { return plainCode(l.store.accounts[0].Codes[0].Code) },
	}[s.do]()
	v, err := l.enter(t.Context(), s.channel, code)
	got := string(v.Status)
	if err != nil {
		got = string(category(t, err))
	}
	if got != s.want {
		t.Fatalf("%s: got %s, %v; want %s", name, got, err, s.want)
	}
	if err == nil && v.VerifiedAt.IsZero() {
		t.Errorf("%s: no time", name)
	}
}

// TestACompletedRegistrationIsTold once, by every contact, on becoming ACTIVE.
func TestACompletedRegistrationIsTold(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	before := len(l.news.all)
	if _, err := l.enter(t.Context(), sms, l.code(sms)); err != nil {
		t.Fatal(err)
	}
	if len(l.news.all) != before {
		t.Error("the news went out before the account was ACTIVE")
	}
	first, err := l.enter(t.Context(), email, l.code(email))
	if err != nil {
		t.Fatal(err)
	}
	l.at = l.at.Add(time.Minute)
	again, err := l.enter(t.Context(), email, l.code(email))
	if err != nil || again != first {
		t.Errorf("again: %+v, %v; first %+v", again, err, first)
	}
	want := []string{"EMAIL VERIFICATION_CODE", "SMS VERIFICATION_CODE", "EMAIL REGISTRATION_COMPLETED", "SMS REGISTRATION_COMPLETED"}
	if got := l.sent(); !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	told := l.news.all[before:]
	if len(told) != 2 || told[0].Recipient != "Layla@example.com" || told[1].Recipient != "+966512345678" || !told[0].Deadline.Equal(first.VerifiedAt.Add(72*time.Hour)) {
		t.Errorf("announced %+v", told)
	}
	var events []string
	for _, e := range append(l.store.accounts[0].Events, l.store.events...) {
		events = append(events, string(e.Type)+" "+string(e.Channel))
	}
	if want := []string{"registration.created ", "contact.verified SMS", "contact.verified EMAIL", "registration.completed "}; !slices.Equal(events, want) {
		t.Errorf("happened %q, want %q", events, want)
	}
	if code := l.store.codes[contactKey{l.store.accounts[0].Account.ID, email}]; code.Sealed != nil || code.UsedAt.IsZero() {
		t.Error("a code that was used could still be sent")
	}
}

// TestSilentPeopleGetTheirFirstCodeByResend, and their news when it is right.
func TestSilentPeopleGetTheirFirstCodeByResend(t *testing.T) {
	t.Parallel()
	l := newLife(t, func(r *registration.Request) { r.Silent = true })
	if len(l.sent()) != 0 || len(l.news.all) != 0 {
		t.Fatalf("sent %v", l.sent())
	}
	if _, err := l.enter(t.Context(), email, "000000"); category(t, err) != registration.CodeExpired {
		t.Errorf("without a code: %v", err)
	}
	if _, err := l.resend(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	if v, err := l.enter(t.Context(), email, l.code(email)); err != nil || v.Status != registration.Active {
		t.Errorf("%+v, %v", v, err)
	}
	if want := []string{"EMAIL VERIFICATION_CODE", "EMAIL REGISTRATION_COMPLETED", "SMS REGISTRATION_COMPLETED"}; !slices.Equal(l.sent(), want) || len(l.news.all) != 3 {
		t.Errorf("sent %v, announced %d", l.sent(), len(l.news.all))
	}
}

// TestCallersThatHaveVerified: ACTIVE at once, no codes, the news unless it is
// in silence.
func TestCallersThatHaveVerified(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		l := newLife(t, func(r *registration.Request) { r.Verified, r.Silent = true, silent })
		a := l.store.accounts[0].Account
		if at := a.RegisteredAt; a.Status != registration.Active || !a.EmailVerifiedAt.Equal(at) || !a.MobileVerifiedAt.Equal(at) {
			t.Errorf("the account is %+v", a)
		}
		want := []string{"EMAIL REGISTRATION_COMPLETED", "SMS REGISTRATION_COMPLETED"}
		if silent {
			want = nil
		}
		if got := l.sent(); !slices.Equal(got, want) || len(l.news.all) != len(want) {
			t.Errorf("sent %v, want %v", got, want)
		}
		if n := len(l.store.accounts[0].Events); n != 4 {
			t.Errorf("%d events", n)
		}
		if _, err := l.enter(t.Context(), email, "000000"); category(t, err) != registration.CodeInvalid {
			t.Errorf("a code: %v", err)
		}
		_, err := l.resend(t.Context(), email)
		if e, ok := errors.AsType[*registration.Error](err); !ok || !slices.Equal(told(e.Fields), []string{"channel ALREADY_VERIFIED"}) {
			t.Errorf("another code: %v", err)
		}
	}
}

// TestDailyCap: the registration over it succeeds, without a code.
func TestDailyCap(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	for range 9 {
		l.at = l.at.Add(time.Minute)
		if _, err := l.resend(t.Context(), sms); err != nil {
			t.Fatal(err)
		}
	}
	l.at = l.at.Add(time.Minute)
	_, err := l.resend(t.Context(), sms)
	if e, ok := errors.AsType[*registration.Error](err); !ok || e.Code != registration.ResendTooSoon || e.RetryAfter != time.Hour {
		t.Errorf("got %v", err)
	}
	r := request()
	r.RequestID, r.Username, r.Email, r.ExternalID = "", "other", "other@example.com", "other"
	before := len(l.news.all)
	if _, err := l.Register(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if told := l.news.all[before:]; len(told) != 1 || told[0].Channel != email {
		t.Errorf("announced %+v", told)
	}
}

// TestContactsThatAreNone have no codes.
func TestContactsThatAreNone(t *testing.T) {
	t.Parallel()
	l := newLife(t, func(r *registration.Request) { r.MobileNumber = "" })
	for name, test := range map[string]struct {
		id      string
		channel registration.Channel
		want    registration.Code
	}{
		"no number":      {l.id, sms, registration.NotFound},
		"nobody":         {"01890a5d-ac96-774b-bcce-b302099a8057", email, registration.NotFound},
		"no id":          {"4711", email, registration.ValidationFailed},
		"no channel":     {l.id, "PIGEON", registration.ValidationFailed},
		"half a channel": {l.id, "", registration.ValidationFailed},
	} {
		l.id = test.id
		if v, err := l.enter(t.Context(), test.channel, "000000"); category(t, err) != test.want || v != (registration.Verified{}) {
			t.Errorf("%s: verified %+v, %v", name, v, err)
		}
		if r, err := l.resend(t.Context(), test.channel); category(t, err) != test.want || r != (registration.Resent{}) {
			t.Errorf("%s: sent %+v, %v", name, r, err)
		}
	}
}

// TestWhatIsNotFound: whether it is the registration or its contact.
func TestWhatIsNotFound(t *testing.T) {
	t.Parallel()
	l := newLife(t, func(r *registration.Request) { r.MobileNumber = "" })
	for _, test := range []struct {
		id      string
		channel registration.Channel
		want    string
	}{
		{l.id, sms, "The registration has no such contact."},
		{"01890a5d-ac96-774b-bcce-b302099a8057", sms, "There is no such registration."},
	} {
		l.id = test.id
		_, entered := l.enter(t.Context(), test.channel, "000000")
		_, resent := l.resend(t.Context(), test.channel)
		for call, err := range map[string]error{"VerifyContact": entered, "ResendCode": resent} {
			if e, ok := errors.AsType[*registration.Error](err); !ok || e.Message != test.want {
				t.Errorf("%s: %v, want %s", call, err, test.want)
			}
		}
	}
}

// TestNothingIsAnnouncedThatIsNotStored, and no cause is told.
func TestNothingIsAnnouncedThatIsNotStored(t *testing.T) {
	t.Parallel()
	l := newLife(t)
	before := len(l.news.all)
	inner := errors.New("dial tcp 10.0.0.9:3306")
	l.store.failing = on("change", inner)
	l.at = l.at.Add(time.Minute)
	v, err := l.enter(t.Context(), email, l.code(email))
	if category(t, err) != registration.Internal || !errors.Is(err, inner) || v != (registration.Verified{}) {
		t.Errorf("%+v, %v", v, err)
	}
	if r, err := l.resend(t.Context(), email); category(t, err) != registration.Internal || r != (registration.Resent{}) {
		t.Errorf("%+v, %v", r, err)
	}
	if len(l.news.all) != before {
		t.Error("something was announced")
	}
}
