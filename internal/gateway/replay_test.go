package gateway_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// nonces is a caller.Nonces that keeps what it is asked and answers err.
type nonces struct {
	mu      sync.Mutex
	callers []string
	keys    [][32]byte
	until   []time.Time
	forgot  []time.Time
	err     error
}

func (n *nonces) Spend(ctx context.Context, _ registration.ID, name string, nonce [32]byte, expires time.Time) error {
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("asked without a deadline")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.callers, n.keys, n.until = append(n.callers, name), append(n.keys, nonce), append(n.until, expires)
	return n.err
}

func (n *nonces) Forget(_ context.Context, now time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forgot = append(n.forgot, now)
	return n.err
}

// TestRow16AReplayIsRefusedAtEveryServer: two gateways have a database in common.
func TestRow16AReplayIsRefusedAtEveryServer(t *testing.T) {
	t.Parallel()
	db := database(t, systems(t)...)
	one, other := serve(t, db, parts{}), serve(t, db, parts{})
	for name, m := range map[string]message{
		"digest":            {token: digestToken("sealed", "SEALED")},
		"text with a nonce": {peer: loopback, token: security("sealed", `<o:Password>SEALED</o:Password><o:Nonce>QEFCQ0RFRkdISUpLTE1OTw==</o:Nonce>`)},
	} {
		m.version12 = true
		if a, told := one.send(t, m); !a.passed() || told != "sealed accepted" {
			t.Fatalf("%s: %q %v", name, told, a)
		}
		for _, s := range []*service{one, other, other} {
			a, told := s.send(t, m)
			if told != "sealed replayed" || a.code() != "UNAUTHENTICATED" || a.status != http.StatusBadRequest || !strings.Contains(a.body, ">s:FailedAuthentication<") || !strings.Contains(a.body, "nonce") {
				t.Errorf("%s: the same again: %q %v", name, told, a)
			}
		}
	}
	for range 2 {
		if a, told := other.send(t, message{peer: loopback, token: textToken("sealed", "SEALED")}); !a.passed() {
			t.Errorf("without a nonce: %q %v", told, a)
		}
	}
}

// TestTheSameDigestIsTheSameNonce: what is moved from the end of a nonce to
// the start of Created leaves the digest as it was, and is the same message.
func TestTheSameDigestIsTheSameNonce(t *testing.T) {
	t.Parallel()
	kept := &nonces{}
	s := serve(t, database(t, systems(t)...), parts{nonces: kept})
	created := time.Now().UTC().Format("2006-01-02T15:04:05Z")
	nonce := []byte("0123456789abcde+") // a year may not have a sign: this one is refused for its time
	sum := sha1.Sum([]byte(string(nonce) + created + "SEALED"))
	token := func(nonce []byte, created string) string {
		return security("sealed", `<o:Password Type="`+profile+`PasswordDigest">`+base64.StdEncoding.EncodeToString(sum[:])+`</o:Password>`+
			`<o:Nonce>`+base64.StdEncoding.EncodeToString(nonce)+`</o:Nonce><u:Created>`+created+`</u:Created>`)
	}
	if a, told := s.send(t, message{token: token(nonce, created)}); !a.passed() {
		t.Fatalf("%q %v", told, a)
	}
	if a, told := s.send(t, message{token: token(nonce, " \n"+created+" ")}); !a.passed() {
		t.Fatalf("%q %v", told, a) // the kept nonces here refuse nothing
	}
	if a, _ := s.send(t, message{token: token(nonce[:15], "+"+created)}); a.passed() {
		t.Errorf("moved: %v", a)
	}
	if len(kept.keys) != 2 || kept.keys[0] != kept.keys[1] {
		t.Errorf("the nonces are %x", kept.keys)
	}
	if until := time.Until(kept.until[0]); until < 300*time.Second || until > 361*time.Second {
		t.Errorf("the nonce is kept for %v", until)
	}
}

// TestANonceIsSpentByWhomItIs: what is refused for another reason leaves it.
func TestANonceIsSpentByWhomItIs(t *testing.T) {
	t.Parallel()
	kept := &nonces{}
	s := serve(t, database(t, systems(t)...), parts{nonces: kept})
	for _, m := range []message{
		{token: digestToken("sealed", "WRONG")}, {token: digestToken("unknown", "SEALED")}, {token: digestToken("disabled", "DISABLED")},
		{token: digestToken("writer", "WRITER")}, {token: digestToken("sealed", "SEALED"), header: basic("sealed", "WRONG"), peer: loopback},
		{token: digestToken("sealed", "SEALED"), header: basic("sealed", "SEALED")}, {token: textToken("sealed", "SEALED"), peer: loopback}, {header: basic("sealed", "SEALED"), peer: loopback},
	} {
		s.send(t, m)
	}
	if len(kept.callers) != 0 {
		t.Errorf("nonces were spent for %q", kept.callers)
	}
	s.send(t, message{token: digestToken("rotated", "ROTATED2")})
	if !slices.Equal(kept.callers, []string{"rotated"}) {
		t.Errorf("nonces were spent for %q", kept.callers)
	}
}

func TestTheRateAndTheQuotaOfACaller(t *testing.T) {
	t.Parallel()
	kept := &nonces{}
	db := database(t, systems(t)...)
	servers := []*service{serve(t, db, parts{nonces: kept}), serve(t, db, parts{nonces: kept})}
	for _, test := range []struct {
		name    string
		passing int
		text    string
	}{{"slow", 2, "1 calls a second"}, {"daily", 3, "3 calls a day"}} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "daily" && time.Now().UTC().Hour() == 23 && time.Now().UTC().Minute() == 59 {
				time.Sleep(time.Minute) // the test is of one day
			}
			passed, limited := 0, 0
			for i := range 10 {
				a, told := servers[i%2].send(t, message{token: digestToken(test.name, strings.ToUpper(test.name))})
				switch {
				case a.passed() && told == test.name+" accepted":
					passed++
				case a.code() == "RATE_LIMITED" && told == test.name+" rate_limited":
					limited++
					if !strings.Contains(a.body, test.text) || !strings.Contains(a.body, "<retryable>true</retryable>") || a.header.Get("Retry-After") == "" || a.status != http.StatusInternalServerError {
						t.Errorf("got %v", a)
					}
				default:
					t.Errorf("got %q %v", told, a)
				}
			}
			// A slow machine gives the rate a second more.
			if test.name == "daily" && passed != test.passing || passed < test.passing || limited == 0 {
				t.Errorf("%d have passed, %d were refused", passed, limited)
			}
			spent := 0
			for _, name := range kept.callers {
				if name == test.name {
					spent++
				}
			}
			if spent != passed {
				t.Errorf("%d nonces were spent by %d calls", spent, passed)
			}
		})
	}
}

// TestTheSameMessageIsGoodAfterTheLimit: who is told to send the same request
// again later can, also where it has a nonce, and at another server.
func TestTheSameMessageIsGoodAfterTheLimit(t *testing.T) {
	t.Parallel()
	db := database(t, systems(t)...)
	servers := []*service{serve(t, db, parts{}), serve(t, db, parts{})}
	limited := map[*service]message{}
	for _, s := range servers {
		for len(limited) == 0 || limited[s].token == "" {
			m := message{token: digestToken("slow", "SLOW")}
			if _, told := s.send(t, m); told == "slow rate_limited" {
				limited[s] = m
			}
		}
	}
	time.Sleep(2100 * time.Millisecond) // the burst is there again
	for i, s := range servers {
		if a, told := servers[1-i].send(t, limited[s]); !a.passed() {
			t.Errorf("the same message again: %q %v", told, a)
		}
	}
}

// TestWhoIsNotLetInUsesUpNobodysRate: neither a wrong credential nor a replay counts.
func TestWhoIsNotLetInUsesUpNobodysRate(t *testing.T) {
	t.Parallel()
	s := serve(t, database(t, systems(t)...), parts{})
	again := message{token: digestToken("daily", "DAILY")}
	for range 5 {
		s.send(t, again)
		s.send(t, message{token: digestToken("daily", "WRONG")})
	}
	for i := range 3 {
		if a, told := s.send(t, message{token: digestToken("daily", "DAILY")}); a.passed() != (i < 2) {
			t.Errorf("call %d: %q %v", i+2, told, a)
		}
	}
}

// TestAKnownReplayAsksNobody: a second time it costs neither the database nor,
// for a while, a permit; of another caller the same nonce is another one.
func TestAKnownReplayAsksNobody(t *testing.T) {
	t.Parallel()
	kept := &nonces{err: caller.ErrReplayed}
	s := serve(t, database(t, systems(t)...), parts{nonces: kept})
	token := func(name, secret string) message {
		return message{peer: loopback, token: security(name, `<o:Password>`+secret+`</o:Password><o:Nonce>QEFCQ0RFRkdISUpLTE1OTw==</o:Nonce>`)}
	}
	for range 10 {
		if a, told := s.send(t, token("daily", "DAILY")); told != "daily replayed" {
			t.Errorf("%q %v", told, a)
		}
	}
	kept.err = nil
	if a, told := s.send(t, token("sealed", "SEALED")); !a.passed() {
		t.Errorf("of another caller: %q %v", told, a)
	}
	if !slices.Equal(kept.callers, []string{"daily", "sealed"}) {
		t.Errorf("asked for %q", kept.callers)
	}
	// However many there are, no more are remembered, and each is refused.
	kept.err = caller.ErrReplayed
	for range 5000 {
		if _, told := s.send(t, message{token: digestToken("sealed", "SEALED")}); told != "sealed replayed" {
			t.Fatal(told)
		}
	}
	if a, told := s.send(t, message{peer: loopback, header: basic("daily", "DAILY")}); !a.passed() {
		t.Errorf("replays have used up a quota: %q %v", told, a)
	}
}

// away is a caller.Usage whose database is away.
type away struct{ err error }

func (u away) Reserve(context.Context, string, caller.Policy, int, time.Time) (caller.Grant, error) {
	return caller.Grant{}, u.err
}

func TestWithoutTheDatabaseNobodyIsLetInUnchecked(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"with a category": registration.ErrUnavailable, "without one": errors.New("a driver's words")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := database(t, systems(t)...)
			for _, test := range []struct {
				p parts
				m message
			}{
				{parts{nonces: &nonces{err: err}}, message{token: digestToken("sealed", "SEALED")}},
				{parts{usage: away{err}}, message{peer: loopback, header: basic("slow", "SLOW")}},
			} {
				s := serve(t, db, test.p)
				a, told := s.send(t, test.m)
				if a.code() != "UNAVAILABLE" || !strings.HasSuffix(told, " unavailable") || a.status != http.StatusInternalServerError || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "driver") {
					t.Errorf("got %q %v", told, a)
				}
				// Who needs neither goes on.
				if a, told := s.send(t, message{peer: loopback, header: basic("plain", "PLAIN")}); !a.passed() {
					t.Errorf("plain: %q %v", told, a)
				}
			}
		})
	}
}
