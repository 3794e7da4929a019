package registration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/password"
	"registrar/internal/registration"
)

func TestVerifyPassword(t *testing.T) {
	s, l := loginService(t)
	account := l.accounts[0].Account.ID
	for name, tt := range map[string]struct {
		login, password string
		valid           bool
	}{
		"the user name":                {"Amina", rightPassword, true},
		"the user name, written small": {"amina", rightPassword, true},
		"in full-width letters":        {"ＡＭＩＮＡ", rightPassword, true},
		"the address":                  {"Amina@Example.com", rightPassword, true},
		"the address, spelled anew":    {"aMINA@eXAMPLE.COM", rightPassword, true},
		"a wrong password":             {"amina", rightPassword + "x", false},
		"no password":                  {"amina", "", false},
		"the password in other case":   {"amina", strings.ToUpper(rightPassword), false},
		"a name that nobody has":       {"nobody", rightPassword, false},
		"an address that nobody has":   {"amina@example.org", rightPassword, false},
		"what is no login":             {"ami\u202ena", rightPassword, false},
		"nothing":                      {"", rightPassword, false},
		"what is not UTF-8":            {"ami\xffna", rightPassword, false},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: tt.login, Password: tt.password})
			want := registration.PasswordVerdict{}
			if tt.valid {
				want = registration.PasswordVerdict{Valid: true, ID: account, Status: registration.PendingVerification}
			}
			if err != nil || v != want {
				t.Errorf("got %+v, %v", v, err)
			}
		})
	}
	l.accounts[0].Account.Status = registration.Active
	if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: rightPassword}); err != nil || v.Status != registration.Active {
		t.Errorf("got %+v, %v", v, err)
	}
	if l.counted[registration.PasswordValid] != 6 || l.counted[registration.PasswordInvalid] != 8 {
		t.Errorf("counted %v", l.counted)
	}
	if len(l.untold) > 0 || len(l.events) > 0 {
		t.Errorf("told %v and %v", l.untold, l.events)
	}
}

// TestAUserNameThatIsAnAddress is found by the address, in any spelling of it,
// and all spellings are counted as one.
func TestAUserNameThatIsAnAddress(t *testing.T) {
	s, l := loginService(t)
	l.accounts[0].Account.Username = registration.Username{Text: "noor@bücher.example", Key: "noor@bücher.example"}
	l.accounts[0].Account.Email = registration.Email{Text: "noor@bücher.example", Key: "noor@xn--bcher-kva.example"}
	spellings := []string{"noor@bücher.example", "NOOR@BÜCHER.EXAMPLE", "noor@xn--bcher-kva.example", "noor＠bücher.example"}
	for _, login := range spellings {
		v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: login, Password: rightPassword})
		if err != nil || !v.Valid {
			t.Errorf("%s: %+v, %v", login, v, err)
		}
		if v, err = s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: login, Password: "wrong"}); err != nil || v.Valid {
			t.Errorf("%s: %+v, %v", login, v, err)
		}
	}
	for _, login := range spellings {
		if _, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: login, Password: "wrong"}); !errors.Is(err, &registration.Error{Code: registration.RateLimited}) {
			t.Errorf("%s has tries of its own: %v", login, err)
		}
	}
}

// TestNobodyIsAsMuchWorkAsSomebody: whatever the reason, the same statements and
// one hash of the same class are verified, and nothing is told of the reason.
func TestNobodyIsAsMuchWorkAsSomebody(t *testing.T) {
	for name, prepare := range map[string]struct {
		login string
		hash  *string
	}{
		"a wrong password":            {login: "amina"},
		"a wrong password, address":   {login: "amina@example.com"},
		"nobody":                      {login: "nobody"},
		"nobody's address":            {login: "nobody@example.com"},
		"no login":                    {login: "a\u202eb"},
		"an account without password": {login: "amina", hash: new(string)},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := loginService(t)
			if prepare.hash != nil {
				l.setHash(func(registration.Account) bool { return true }, *prepare.hash)
			}
			l.steps()
			v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: prepare.login, Password: "wrong", Origin: "phone"})
			if err != nil || v != (registration.PasswordVerdict{}) {
				t.Errorf("got %+v, %v", v, err)
			}
			class, err := password.Classify(l.hashes[0])
			if err != nil || class != cheap.Class() || len(l.hashes) != 1 {
				t.Errorf("verified %q", l.hashes)
			}
			if got := l.steps(); !slices.Equal(got, []string{"take", "credential", "verify"}) {
				t.Errorf("steps are %q", got)
			}
		})
	}
}

// TestWhatEnumerationSafeCallersMayTime: by an address, an account that is not
// ACTIVE is the same work as one that nobody has, also for whoever knows its
// password, and whatever form that has; by a user name it is as for others.
func TestWhatEnumerationSafeCallersMayTime(t *testing.T) {
	for name, tt := range map[string]struct {
		login, password string
		status          registration.Status
		safe            bool
		decoy, valid    bool
	}{
		"pending, by its address":                     {"amina@example.com", rightPassword, registration.PendingVerification, true, true, false},
		"pending, a wrong password":                   {"amina@example.com", "wrong", registration.PendingVerification, true, true, false},
		"pending, by its user name":                   {"amina", rightPassword, registration.PendingVerification, true, false, true},
		"ACTIVE, by its address":                      {"amina@example.com", rightPassword, registration.Active, true, false, true},
		"pending, by its address, for another caller": {"amina@example.com", rightPassword, registration.PendingVerification, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := loginService(t)
			l.accounts[0].Account.Status = tt.status
			v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: tt.login, Password: tt.password, EnumerationSafe: tt.safe})
			if err != nil || v.Valid != tt.valid {
				t.Errorf("got %+v, %v", v, err)
			}
			if len(l.hashes) != 1 || (l.hashes[0] != l.accounts[0].Account.PasswordHash) != tt.decoy {
				t.Errorf("verified %q", l.hashes)
			}
		})
	}
}

// TestADecoyIsNoPassword, also where somebody finds out what makes it.
func TestADecoyIsNoPassword(t *testing.T) {
	s, _ := loginService(t)
	hash, err := cheap.Hash("found out")
	if err != nil {
		t.Fatal(err)
	}
	s.Decoys = decoysAre(hash)
	if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "nobody", Password: "found out"}); err != nil || v.Valid {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestAHashThatCannotBeVerified is a wrong password to its caller, for the same
// work, and operators are told.
func TestAHashThatCannotBeVerified(t *testing.T) {
	s, l := loginService(t)
	l.setHash(func(registration.Account) bool { return true }, "$unknown$")
	l.steps()
	v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: rightPassword})
	if err != nil || v.Valid || len(l.untold) != 1 || l.hashes[1] != string(aDecoy) {
		t.Errorf("got %+v, %v; told %v; verified %q", v, err, l.untold, l.hashes)
	}
}

func TestAnOutdatedHashIsMadeAnew(t *testing.T) {
	old, err := password.Bcrypt{Cost: 10}.Hash(rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	legacy := func(t *testing.T) (*registration.Service, *login) {
		s, l := loginService(t)
		l.setHash(func(registration.Account) bool { return true }, old)
		l.steps()
		return s, l
	}
	right := registration.PasswordRequest{Login: "amina", Password: rightPassword}

	t.Run("at the first right password", func(t *testing.T) {
		s, l := legacy(t)
		if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: "wrong"}); err != nil || v.Valid || l.hash() != old {
			t.Errorf("a wrong one: %+v, %v", v, err)
		}
		l.steps()
		for _, want := range [][]string{
			{"take", "credential", "verify", "give back", "hash", "rehash"},
			{"take", "credential", "verify", "give back"},
		} {
			v, err := s.VerifyPassword(t.Context(), right)
			if err != nil || !v.Valid || password.Outdated(l.hash(), cheap) {
				t.Errorf("got %+v, %v with %s", v, err, l.hash())
			}
			if got := l.steps(); !slices.Equal(got, want) {
				t.Errorf("steps are %q", got)
			}
		}
	})
	for step, failure := range map[string]error{"hash": registration.ErrUnavailable, "rehash": registration.ErrUnavailable} {
		t.Run("and the answer does not depend on it: "+step, func(t *testing.T) {
			s, l := legacy(t)
			l.failing[step] = failure
			v, err := s.VerifyPassword(t.Context(), right)
			if err != nil || !v.Valid || l.hash() != old || len(l.untold) != 1 {
				t.Errorf("got %+v, %v; told %v", v, err, l.untold)
			}
		})
	}
	t.Run("within a part of the time", func(t *testing.T) {
		s, l := legacy(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.Hasher = deadlines{l, t, 31 * time.Second}
		if v, err := s.VerifyPassword(ctx, right); err != nil || !v.Valid {
			t.Errorf("got %+v, %v", v, err)
		}
	})
}

// deadlines is a Hasher that new hashes may take no longer than.
type deadlines struct {
	registration.Hasher
	t     *testing.T
	limit time.Duration
}

func (d deadlines) Hash(ctx context.Context, text string) (string, error) {
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > d.limit {
		d.t.Errorf("the new hash may take until %v", deadline)
	}
	return d.Hasher.Hash(ctx, text)
}

func limited(err error) bool {
	e, ok := errors.AsType[*registration.Error](err)
	return ok && e.Code == registration.RateLimited && e.RetryAfter > 0
}

// TestWrongPasswordsAreLimited for somebody's login as for nobody's.
func TestWrongPasswordsAreLimited(t *testing.T) {
	for _, login := range []string{"amina", "amina@example.com", "nobody", "a\u202eb"} {
		s, l := loginService(t)
		at := now
		s.Now = func() time.Time { return at }
		wrong := func() error {
			v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: login, Password: "wrong"})
			if v.Valid {
				t.Errorf("%s: %+v", login, v)
			}
			return err
		}
		for n := range attemptRules.Login.Burst {
			if err := wrong(); err != nil {
				t.Errorf("%s: try %d: %v", login, n+1, err)
			}
		}
		l.steps()
		if err := wrong(); !limited(err) {
			t.Errorf("%s: one more: %v", login, err)
		}
		if got := l.steps(); !slices.Equal(got, []string{"take"}) {
			t.Errorf("%s: steps are %q", login, got)
		}
		// Nor is the right one looked at: else it would be found by trying.
		if _, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: login, Password: rightPassword}); !limited(err) {
			t.Errorf("%s: the right one: %v", login, err)
		}
		if _, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "somebody-else", Password: "wrong"}); err != nil {
			t.Errorf("another login: %v", err)
		}
		at = at.Add(time.Duration(attemptRules.Login.Burst) * attemptRules.Login.Every)
		if err := wrong(); err != nil {
			t.Errorf("%s: after a pause: %v", login, err)
		}
		if l.counted[registration.PasswordLimited] != 2 {
			t.Errorf("counted %v", l.counted)
		}
	}
}

func TestRightPasswordsTakeNoTry(t *testing.T) {
	s, _ := loginService(t)
	for n := range 3 * attemptRules.Login.Burst {
		origin := ""
		if n%2 == 0 {
			origin = fmt.Sprint("device ", n)
		}
		if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: rightPassword, Origin: origin}); err != nil || !v.Valid {
			t.Fatalf("time %d: %+v, %v", n+1, v, err)
		}
	}
}

// TestNobodyElsewhereKeepsAPersonOut who logs in from where they did before.
func TestNobodyElsewhereKeepsAPersonOut(t *testing.T) {
	s, _ := loginService(t)
	at := now
	s.Now = func() time.Time { return at }
	try := func(caller, origin, text string) error {
		_, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Caller: caller, Login: "amina", Password: text, Origin: origin})
		return err
	}
	if err := try("portal", "phone", rightPassword); err != nil {
		t.Fatal(err)
	}
	flood := func() {
		for n := range 3 * attemptRules.Login.Burst {
			_ = try("portal", fmt.Sprint("elsewhere ", n), "wrong")
			_ = try("portal", "", "wrong")
		}
	}
	flood()
	for _, origin := range []string{"", "tablet"} {
		if err := try("portal", origin, rightPassword); !limited(err) {
			t.Errorf("from %q: %v", origin, err)
		}
	}
	if err := try("portal", "phone", rightPassword); err != nil {
		t.Errorf("from where they did before: %v", err)
	}
	if err := try("shop", "phone", rightPassword); !limited(err) {
		t.Errorf("what another caller means by it: %v", err)
	}
	// Its own allowance is one, too.
	for n := range attemptRules.Origin.Burst {
		if err := try("portal", "phone", "wrong"); err != nil {
			t.Errorf("wrong there, try %d: %v", n+1, err)
		}
	}
	if err := try("portal", "phone", rightPassword); !limited(err) {
		t.Errorf("after as many wrong ones there: %v", err)
	}
	at = at.Add(attemptRules.OriginLife)
	flood()
	if err := try("portal", "phone", rightPassword); !limited(err) {
		t.Errorf("after its life it is an origin like any other: %v", err)
	}
}

// TestWrongPasswordsOfACaller over all logins, but for those from known origins.
func TestWrongPasswordsOfACaller(t *testing.T) {
	s, _ := loginService(t)
	try := func(caller, login, text string) error {
		_, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Caller: caller, Login: login, Password: text, Origin: "phone"})
		return err
	}
	if err := try("portal", "amina", rightPassword); err != nil {
		t.Fatal(err)
	}
	for n := range attemptRules.Caller.Burst {
		if err := try("portal", fmt.Sprint("user-", n), "Summer2026"); err != nil {
			t.Fatalf("login %d: %v", n+1, err)
		}
	}
	if err := try("portal", "yet-another", "Summer2026"); !limited(err) {
		t.Errorf("one more login: %v", err)
	}
	if err := try("portal", "amina", rightPassword); err != nil {
		t.Errorf("from a known origin: %v", err)
	}
	if err := try("shop", "yet-another", "Summer2026"); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

// TestATryThatCameToNothing is given back: the password was not looked at.
func TestATryThatCameToNothing(t *testing.T) {
	for step, failure := range map[string]error{"verify": registration.ErrUnavailable, "credential": registration.ErrUnavailable} {
		s, l := loginService(t)
		l.failing[step] = failure
		for n := range 3 * attemptRules.Login.Burst {
			if _, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: "wrong"}); !errors.Is(err, registration.ErrUnavailable) {
				t.Fatalf("%s, try %d: %v", step, n+1, err)
			}
		}
		if l.counted[registration.PasswordError] != 3*attemptRules.Login.Burst {
			t.Errorf("counted %v", l.counted)
		}
	}
	s, l := loginService(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 * attemptRules.Login.Burst {
		if _, err := s.VerifyPassword(gone, registration.PasswordRequest{Login: "amina", Password: "wrong"}); !errors.Is(err, registration.ErrUnavailable) {
			t.Fatalf("a caller who is gone: %v", err)
		}
	}
	if len(l.untold) > 0 {
		t.Errorf("told %v", l.untold)
	}
	if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: rightPassword}); err != nil || !v.Valid {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestARightPasswordIsRight also where its try cannot be given back.
func TestARightPasswordIsRight(t *testing.T) {
	s, l := loginService(t)
	l.failing["give back"] = registration.ErrUnavailable
	v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: rightPassword})
	if err != nil || !v.Valid || len(l.untold) != 1 {
		t.Errorf("got %+v, %v; told %v", v, err, l.untold)
	}
}

// TestACallThatIsMadeAgain, at another server too, is one try.
func TestACallThatIsMadeAgain(t *testing.T) {
	s, _ := loginService(t)
	call := registration.Call{ID: registration.ID{15: 7}, At: now}
	for range 3 * attemptRules.Login.Burst {
		if v, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: "wrong", Call: call}); err != nil || v.Valid {
			t.Fatalf("got %+v, %v", v, err)
		}
	}
	for n := range attemptRules.Login.Burst - 1 {
		if _, err := s.VerifyPassword(t.Context(), registration.PasswordRequest{Login: "amina", Password: "wrong"}); err != nil {
			t.Errorf("try %d: %v", n+2, err)
		}
	}
}
