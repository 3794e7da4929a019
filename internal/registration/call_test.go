package registration_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"registrar/internal/registration"
)

// call is one that was fixed before its first attempt, a little before the
// server's own time.
func call(n byte) registration.Call {
	return registration.Call{ID: registration.ID{0: 7, 15: n}, At: now.Add(-90 * time.Millisecond)}
}

// TestRegisterMadeAgain: whoever does not learn what became of a call makes it
// again, at a server with a clock of its own, and it is done once.
func TestRegisterMadeAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*registration.Request){
		"without a request id": func(*registration.Request) {},
		"with one":             func(r *registration.Request) { r.RequestID = "2026-0001" },
		"of verified contacts": func(r *registration.Request) { r.Verified = true },
		"in silence":           func(r *registration.Request) { r.Silent = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, store, news := service(t)
			s.RecordEvents = true
			r := request()
			r.Call = call(1)
			change(&r)
			first, err := s.Register(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if at := call(1).At.UTC().Truncate(time.Microsecond); first.ID != r.Call.ID || !first.RegisteredAt.Equal(at) {
				t.Errorf("got %+v, want %s at %v", first, r.Call.ID, at)
			}
			account, told := store.accounts[0], len(news.all)
			s.Now = func() time.Time { return now.Add(3 * time.Second) }
			for range 2 {
				if again, err := s.Register(t.Context(), r); err != nil || again != first {
					t.Errorf("made again: %+v, %v, want %+v", again, err, first)
				}
			}
			if len(store.accounts) != 1 || !reflect.DeepEqual(store.accounts[0], account) || len(news.all) != told {
				t.Errorf("%d accounts, %d more announcements", len(store.accounts), len(news.all)-told)
			}

			// Another call with the same keys is another person's, or the same one's next try.
			r.Call, r.RequestID = call(2), ""
			if _, err := s.Register(t.Context(), r); category(t, err) != registration.UsernameTaken {
				t.Errorf("another call: %v", err)
			}
		})
	}
}

// TestVerifyMadeAgain: each outcome that is stored is told again, and counted
// once.
func TestVerifyMadeAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before int  // wrong tries of others
		right  bool // the call's own
		want   registration.Code
		tries  int // counted in the end
	}{
		"right":                         {right: true, tries: 1},
		"wrong":                         {want: registration.CodeInvalid, tries: 1},
		"wrong, and the last one":       {before: 4, want: registration.CodeInvalid, tries: 5},
		"right, and the last one":       {before: 4, right: true, tries: 5},
		"one too many, which counts no": {before: 5, right: true, want: registration.TooManyAttempts, tries: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			for range tt.before {
				if _, err := l.enter(t.Context(), email, l.wrong(email)); category(t, err) != registration.CodeInvalid {
					t.Fatal(err)
				}
			}
			r := registration.VerifyRequest{RegistrationID: l.id, Channel: email, Code: l.wrong(email), Call: call(1)}
			if tt.right {
				r.Code = l.code(email)
			}
			first, err := l.Verify(t.Context(), r)
			if category(t, err) != tt.want {
				t.Fatalf("%+v, %v", first, err)
			}
			if tt.want == "" && !first.VerifiedAt.Equal(r.Call.At.UTC().Truncate(time.Microsecond)) {
				t.Errorf("verified at %v", first.VerifiedAt)
			}
			told, sent, events := len(l.news.all), l.sent(), len(l.store.events)
			l.at = l.at.Add(20 * time.Second)
			for range 3 {
				again, err := l.Verify(t.Context(), r)
				if again != first || category(t, err) != tt.want {
					t.Errorf("made again: %+v, %v", again, err)
				}
			}
			if n := l.store.codes[contactKey{l.store.accounts[0].Account.ID, email}].Attempts; n != tt.tries {
				t.Errorf("%d tries were counted, want %d", n, tt.tries)
			}
			if len(l.news.all) != told || !slices.Equal(l.sent(), sent) || len(l.store.events) != events {
				t.Errorf("%d more announcements, %v, %d more events", len(l.news.all)-told, l.sent(), len(l.store.events)-events)
			}
			// The same try in a call of its own is another one.
			if tt.want == registration.CodeInvalid && tt.tries < 5 {
				r.Call = call(2)
				if _, err := l.Verify(t.Context(), r); category(t, err) != tt.want {
					t.Error(err)
				}
				if n := l.store.codes[contactKey{l.store.accounts[0].Account.ID, email}].Attempts; n != tt.tries+1 {
					t.Errorf("%d tries were counted", n)
				}
			}
		})
	}
}

// TestResendMadeAgain: one message, and the times that the first attempt gave;
// not RESEND_TOO_SOON because of itself.
func TestResendMadeAgain(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"the same code": 31 * time.Second, "a new code": 11 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			l.at = l.at.Add(after)
			r := registration.ResendRequest{RegistrationID: l.id, Channel: email, Call: registration.Call{ID: registration.ID{0: 7, 15: 1}, At: l.at.Add(-time.Millisecond)}}
			first, err := l.Resend(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			code, sent, told := l.code(email), l.sent(), len(l.news.all)
			l.at = l.at.Add(5 * time.Second)
			for range 3 {
				if again, err := l.Resend(t.Context(), r); err != nil || again != first {
					t.Errorf("made again: %+v, %v, want %+v", again, err, first)
				}
			}
			if l.code(email) != code || !slices.Equal(l.sent(), sent) || len(l.news.all) != told {
				t.Errorf("the code %s is %s; sent %v, %d more announcements", code, l.code(email), l.sent(), len(l.news.all)-told)
			}
			r.Call.ID[15]++
			if _, err := l.Resend(t.Context(), r); category(t, err) != registration.ResendTooSoon {
				t.Errorf("another call: %v", err)
			}
		})
	}
}

// TestTheTimeOfACall is believed within a minute of the server's own.
func TestTheTimeOfACall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		off      time.Duration
		believed bool
	}{
		{0, true}, {time.Second, true}, {-time.Second, true}, {time.Minute, true}, {-time.Minute, true},
		{time.Minute + time.Microsecond, false}, {-time.Minute - time.Microsecond, false}, {time.Hour, false}, {-10 * 365 * 24 * time.Hour, false},
	} {
		t.Run(fmt.Sprint(tt.off), func(t *testing.T) {
			t.Parallel()
			l := newLife(t)
			l.at = l.at.Add(2 * time.Minute)
			want := l.at
			if tt.believed {
				want = want.Add(tt.off)
			}
			want = want.UTC().Truncate(time.Microsecond)
			c := registration.Call{ID: registration.ID{1}, At: l.at.Add(tt.off)}
			resent, err := l.Resend(t.Context(), registration.ResendRequest{RegistrationID: l.id, Channel: email, Call: c})
			if err != nil || !resent.NextResendAt.Equal(want.Add(30*time.Second)) {
				t.Errorf("sent again until %v, %v", resent.NextResendAt, err)
			}
			c.ID = registration.ID{2}
			v, err := l.Verify(t.Context(), registration.VerifyRequest{RegistrationID: l.id, Channel: email, Code: l.code(email), Call: c})
			if err != nil || !v.VerifiedAt.Equal(want) {
				t.Errorf("verified at %v, %v, want %v", v.VerifiedAt, err, want)
			}
			r := request()
			r.Username, r.Email, r.ExternalID, r.Call = "other", "other@example.com", "", registration.Call{ID: registration.ID{3}, At: l.at.Add(tt.off)}
			receipt, err := l.Register(t.Context(), r)
			if err != nil || !receipt.RegisteredAt.Equal(want) || receipt.ID != r.Call.ID {
				t.Errorf("%+v, %v, want %v", receipt, err, want)
			}
		})
	}
}
