package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/verification"
)

var codeRules = registration.CodeRules{Life: 10 * time.Minute, Attempts: 5, Cooldown: 30 * time.Second, DailyCap: 10}

// pending makes a registration whose contacts are to be verified.
func pending(keys *verification.Keys) registration.Registration {
	return person(func(r *registration.Registration) {
		for i, n := range r.Notifications {
			c, err := keys.New(r.Account.ID, n.Channel)
			if err != nil {
				panic(err) // no entropy
			}
			c.IssuedAt, c.ExpiresAt, c.ResendAt = n.CreatedAt, n.CreatedAt.Add(codeRules.Life), n.CreatedAt.Add(codeRules.Cooldown)
			r.Notifications[i].Kind, r.Notifications[i].Deadline = registration.VerificationCode, c.ExpiresAt
			hash := keys.Recipient(n.Channel, r.Account.Email.Key) // nobody else's, for the number too
			r.Codes = append(r.Codes, registration.CodeSending{Code: c, Notification: r.Notifications[i], Quota: registration.CodeQuota{Recipient: hash, DailyCap: codeRules.DailyCap}})
		}
		r.Notifications = nil
	})
}

func codeKeys(t testing.TB) *verification.Keys {
	t.Helper()
	keys, err := verification.NewKeys(make([]byte, verification.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// contact reads a contact as a change is given it.
func contact(t *testing.T, db *store.DB, id registration.ID, channel registration.Channel) (got registration.Contact) {
	t.Helper()
	err := db.Accounts().ChangeContact(t.Context(), id, channel, newID(), func(c registration.Contact) (registration.ContactChange, error) {
		got = c
		return registration.ContactChange{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCodesComeBackAsTheyWent(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		r := pending(keys)
		queued, err := db.Accounts().Create(t.Context(), r)
		if err != nil || len(queued) != 2 || queued[0] != r.Codes[0].Notification || queued[1] != r.Codes[1].Notification {
			t.Fatalf("queued %+v, %v", queued, err)
		}
		for _, s := range r.Codes {
			got := contact(t, db, r.Account.ID, s.Code.Channel)
			if !reflect.DeepEqual(got.Code, s.Code) || got.Account.Email.Key != r.Account.Email.Key || got.Profile != r.Profile || got.Account.PasswordHash != "" {
				t.Errorf("got %+v", got)
			}
		}
		claims, err := db.Ledger().Claim(t.Context(), "a", "", []registration.ID{queued[0].ID, queued[1].ID}, now(), now().Add(time.Minute))
		if err != nil || len(claims) != 2 {
			t.Fatalf("claimed %+v, %v", claims, err)
		}
		for _, c := range claims {
			i := slices.IndexFunc(r.Codes, func(s registration.CodeSending) bool { return s.Notification.ID == c.NotificationID })
			if want := (notify.Code{Sealed: r.Codes[i].Code.Sealed, ExpiresAt: r.Codes[i].Code.ExpiresAt}); !reflect.DeepEqual(c.Code, want) {
				t.Errorf("the claim's code is %+v, want %+v", c.Code, want)
			}
		}
	})
}

// TestAChangeOfAContactIsWhole: code, account, what was queued before, what is
// queued now, and the events.
func TestAChangeOfAContactIsWhole(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		r := create(t, db, pending(keys))
		at := now().Add(time.Second)
		change := func(c registration.Contact) (registration.ContactChange, error) {
			c.Code.Attempts, c.Code.Sealed, c.Code.UsedAt = 3, nil, at
			n := r.Codes[0].Notification
			n.ID, n.Kind, n.CreatedAt, n.UpdatedAt = newID(), registration.RegistrationCompleted, at, at
			return registration.ContactChange{
				Code: c.Code, At: at, VerifiedAt: at, Status: registration.Active, Supersedes: true, Notifications: []registration.Notification{n},
				Events: []registration.Event{{ID: newID(), Type: registration.EventContactVerified, AccountID: r.Account.ID, At: at, Channel: registration.EmailChannel}},
			}, nil
		}
		if err := db.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.EmailChannel, newID(), change); err != nil {
			t.Fatal(err)
		}
		got := contact(t, db, r.Account.ID, registration.EmailChannel)
		if a := got.Account; got.Code.Attempts != 3 || got.Code.Sealed != nil || !got.Code.UsedAt.Equal(at) || a.Status != registration.Active || !a.EmailVerifiedAt.Equal(at) || !a.MobileVerifiedAt.IsZero() {
			t.Errorf("got %+v", got)
		}
		d, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
		if err != nil || !d.Account.EmailVerifiedAt.Equal(at) {
			t.Errorf("%+v, %v", d.Account, err)
		}
		states := map[string]registration.State{}
		for _, n := range d.Notifications {
			states[string(n.Channel)+" "+string(n.Kind)] = n.State
		}
		want := map[string]registration.State{"EMAIL VERIFICATION_CODE": registration.Expired, "SMS VERIFICATION_CODE": registration.Queued, "EMAIL REGISTRATION_COMPLETED": registration.Queued}
		if !reflect.DeepEqual(states, want) {
			t.Errorf("the notifications are %v", states)
		}
		if rows, _, err := db.Outbox().Depth(t.Context()); err != nil || rows != 2 {
			t.Errorf("%d rows in the outbox, %v", rows, err)
		}
		if events, err := db.Events().Waiting(t.Context(), 10); err != nil || len(events) != 1 {
			t.Errorf("%d events, %v", len(events), err)
		}
	})
}

func TestWhatAChangeRefusesIsNotDone(t *testing.T) {
	refused := errors.New("refused")
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		r := create(t, db, pending(keys))
		err := db.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.SMSChannel, newID(), func(c registration.Contact) (registration.ContactChange, error) {
			return registration.ContactChange{Code: c.Code}, refused
		})
		if err != refused { //nolint:errorlint // as it is
			t.Errorf("got %v", err)
		}
		err = db.Accounts().ChangeContact(t.Context(), newID(), registration.SMSChannel, newID(), func(registration.Contact) (registration.ContactChange, error) {
			t.Error("a contact of nobody")
			return registration.ContactChange{}, nil
		})
		if !errors.Is(err, registration.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

// TestACodeThatMayHaveArrivedIsNotSaidToHaveExpired: its answer was lost, and
// it was entered before it was sent again.
func TestACodeThatMayHaveArrivedIsNotSaidToHaveExpired(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		r := create(t, db, pending(keys))
		id, at := r.Codes[0].Notification.ID, now().Add(time.Second)
		claims, err := db.Ledger().Claim(t.Context(), "a", "smtp", []registration.ID{id}, at, at.Add(time.Minute))
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		lost := notify.Outcome{Attempt: claims[0].Attempt, State: registration.Queued, Reason: "AMBIGUOUS answer", RetryAt: at.Add(time.Minute), Ambiguous: true}
		if err := db.Ledger().Settle(t.Context(), "a", []notify.Outcome{lost}, at); err != nil {
			t.Fatal(err)
		}
		right, _ := code(t, keys, r)
		if _, err := verifier(db, keys).Verify(t.Context(), registration.VerifyRequest{RegistrationID: r.Account.ID.String(), Channel: registration.EmailChannel, Code: right}); err != nil {
			t.Fatal(err)
		}
		d, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range d.Notifications {
			if n.ID == id && n.State != registration.Unknown {
				t.Errorf("is %s", n.State)
			}
		}
	})
}

// TestDailyCapOfARecipient: whoever asks, at whichever server; and a day later
// there are some again.
func TestDailyCapOfARecipient(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, keys := open(t, o), codeKeys(t)
		other := open(t, o)
		day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		to := registration.CodeQuota{Recipient: keys.Recipient(registration.SMSChannel, "+966512345678"), DailyCap: 3}
		register := func(db *store.DB, at time.Time) int {
			r := pending(keys)
			r.Codes = r.Codes[1:]
			r.Codes[0].Quota, r.Codes[0].Code.IssuedAt = to, at
			queued, err := db.Accounts().Create(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if had := !contact(t, db, r.Account.ID, registration.SMSChannel).Code.Issue.IsZero(); had != (len(queued) == 1) {
				t.Errorf("queued %d, there is a code: %t", len(queued), had)
			}
			return len(queued)
		}
		var wg sync.WaitGroup
		sent := make([]int, 8)
		for i := range sent {
			wg.Go(func() { sent[i] = register([]*store.DB{db, other}[i%2], day.Add(time.Hour)) })
		}
		wg.Wait()
		total := 0
		for _, n := range sent {
			total += n
		}
		if total != 3 {
			t.Errorf("%d codes were sent", total)
		}
		r := create(t, db, pending(keys))
		again := func(at time.Time) error {
			return db.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.SMSChannel, newID(), func(c registration.Contact) (registration.ContactChange, error) {
				return registration.ContactChange{Code: c.Code, At: at, Quota: to}, nil
			})
		}
		err := again(day.Add(23 * time.Hour))
		if e, ok := errors.AsType[*registration.Error](err); !ok || e.Code != registration.ResendTooSoon || e.RetryAfter != time.Hour {
			t.Errorf("got %v", err)
		}
		if err := again(day.Add(24 * time.Hour)); err != nil {
			t.Errorf("the next day: %v", err)
		}
		for _, tt := range []struct {
			after time.Duration
			left  int
		}{{48 * time.Hour, 1}, {72 * time.Hour, 0}} {
			if err := db.CodeQuotas().Forget(t.Context(), day.Add(tt.after)); err != nil {
				t.Fatal(err)
			}
			var rows int
			if err := db.Raw().GetContext(t.Context(), &rows, `SELECT COUNT(*) FROM code_quotas WHERE recipient = ?`, to.Recipient[:]); err != nil || rows != tt.left {
				t.Errorf("after %v: %d counts are left, %v", tt.after, rows, err)
			}
		}
	})
}

// verifier is a server on a database.
func verifier(db *store.DB, keys *verification.Keys) *registration.Service {
	return &registration.Service{
		Store: db.Accounts(), Codes: keys, CodeRules: codeRules, Announcer: nobody{}, Now: time.Now, NotificationLife: time.Hour,
		NewID: func() (registration.ID, error) { return newID(), nil },
		Rules: registration.Rules{DomainToASCII: func(domain string) (string, error) { return domain, nil }},
	}
}

type nobody struct{}

func (nobody) Announce([]registration.Notification) {}

// code gives the text of a registration's first code, and one that is not it.
func code(t *testing.T, keys *verification.Keys, r registration.Registration) (right, wrong string) {
	t.Helper()
	c := r.Codes[0].Code
	right, err := keys.Open(c.AccountID, c.Channel, c.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if right == "000000" {
		return right, "000001"
	}
	return right, "000000"
}

// tries enters codes at several servers at once, and counts the answers.
func tries(ctx context.Context, servers []*registration.Service, r registration.Registration, codes []string) map[registration.Code]int {
	answers := make([]registration.Code, len(codes))
	var wg sync.WaitGroup
	for i, text := range codes {
		wg.Go(func() {
			_, err := servers[i%len(servers)].Verify(ctx, registration.VerifyRequest{RegistrationID: r.Account.ID.String(), Channel: registration.EmailChannel, Code: text})
			if e, ok := errors.AsType[*registration.Error](err); ok {
				answers[i] = e.Code
			}
		})
	}
	wg.Wait()
	counts := map[registration.Code]int{}
	for _, a := range answers {
		counts[a]++
	}
	return counts
}

// fiveTries: of many wrong tries at once, at several servers, five are taken,
// and then the right code does not count any more either.
func fiveTries(t *testing.T, servers []*registration.Service, keys *verification.Keys, r registration.Registration) {
	t.Helper()
	right, wrong := code(t, keys, r)
	got := tries(t.Context(), servers, r, slices.Repeat([]string{wrong}, 24))
	if want := map[registration.Code]int{registration.CodeInvalid: 5, registration.TooManyAttempts: 19}; !reflect.DeepEqual(got, want) {
		t.Errorf("answered %v, want %v", got, want)
	}
	if got := tries(t.Context(), servers, r, []string{right, right}); got[registration.TooManyAttempts] != 2 {
		t.Errorf("the right code is answered %v", got)
	}
}

func TestFiveTriesHoweverManyAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		keys := codeKeys(t)
		db := open(t, o)
		servers := []*registration.Service{verifier(db, keys), verifier(open(t, o), keys)}
		for range 5 {
			fiveTries(t, servers, keys, create(t, db, pending(keys)))
		}
	})
}

// TestTheRightCodeAtOnce: many times, among wrong ones: each right one is
// answered alike or came too late, and the account is ACTIVE once.
func TestTheRightCodeAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		keys := codeKeys(t)
		db := open(t, o)
		servers := []*registration.Service{verifier(db, keys), verifier(open(t, o), keys)}
		r := create(t, db, pending(keys))
		right, wrong := code(t, keys, r)
		got := tries(t.Context(), servers, r, []string{right, right, wrong, right, wrong, right, right, wrong})
		if got[""] != 5 || got[registration.CodeInvalid] != 3 {
			t.Errorf("answered %v", got)
		}
		d, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
		if err != nil || d.Account.Status != registration.Active {
			t.Fatalf("%+v, %v", d.Account, err)
		}
		news := 0
		for _, n := range d.Notifications {
			if n.Kind == registration.RegistrationCompleted {
				news++
			}
		}
		if news != 2 {
			t.Errorf("the news went out %d times", news)
		}
	})
}

// TestAnUnknownOutcomeOfATry: whether the COMMIT came through or not, it is
// counted once, a right one is a right one, and a code is sent again once.
func TestAnUnknownOutcomeOfATry(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db, keys := open(t, i.through(o)), codeKeys(t)
	s := verifier(db, keys)
	for _, committed := range []bool{true, false} {
		lost := fault{run: committed, sever: true, err: mysql.ErrInvalidConn}
		t.Run(fmt.Sprintf("committed: %t", committed), func(t *testing.T) {
			i.set(nil)
			r := create(t, db, pending(keys))
			right, wrong := code(t, keys, r)
			for n := range 4 {
				i.set(once("COMMIT", 1, lost))
				if got := tries(t.Context(), []*registration.Service{s}, r, []string{wrong}); got[registration.CodeInvalid] != 1 {
					t.Errorf("try %d is answered %v", n+1, got)
				}
				i.set(nil)
				if c := contact(t, db, r.Account.ID, registration.EmailChannel); c.Code.Attempts != n+1 {
					t.Errorf("after try %d, %d are counted", n+1, c.Code.Attempts)
				}
			}
			later := time.Now().Add(time.Minute)
			s.Now = func() time.Time { return later }
			i.set(once("COMMIT", 1, lost))
			resent, err := s.Resend(t.Context(), registration.ResendRequest{RegistrationID: r.Account.ID.String(), Channel: registration.EmailChannel})
			if err != nil || !resent.ExpiresAt.Equal(r.Codes[0].Code.ExpiresAt) {
				t.Errorf("sent again: %+v, %v", resent, err)
			}
			i.set(once("COMMIT", 1, lost))
			v, err := s.Verify(t.Context(), registration.VerifyRequest{RegistrationID: r.Account.ID.String(), Channel: registration.EmailChannel, Code: right})
			if err != nil || v.Status != registration.Active {
				t.Fatalf("%+v, %v", v, err)
			}
			i.set(nil)
			d, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[registration.Kind]int{}
			for _, n := range d.Notifications {
				kinds[n.Kind]++
			}
			if kinds[registration.VerificationCode] != 3 || kinds[registration.RegistrationCompleted] != 2 || !d.Account.EmailVerifiedAt.Equal(v.VerifiedAt) {
				t.Errorf("%v, %+v", kinds, d.Account)
			}
			var used int
			hash := r.Codes[0].Quota.Recipient
			if err := db.Raw().GetContext(t.Context(), &used, `SELECT used FROM code_quotas WHERE recipient = ?`, hash[:]); err != nil || used != 2 {
				t.Errorf("%d codes are counted, %v", used, err)
			}
		})
	}
}
