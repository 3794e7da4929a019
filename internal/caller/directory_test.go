package caller_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/caller"
	"registrar/internal/registration"
)

// memory is a caller.Source.
type memory struct {
	mu      sync.Mutex
	callers []caller.Caller
	err     error
	reads   int
	read    time.Time // last
}

func (m *memory) Callers(context.Context) ([]caller.Caller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	m.read = time.Now()
	return slices.Clone(m.callers), m.err
}

func (m *memory) set(err error, callers ...caller.Caller) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.callers, m.err = callers, err
}

// digest is a caller.Digest that counts.
type digest struct {
	of       string
	compared []string
}

func (d *digest) Matches(secret string) bool {
	d.compared = append(d.compared, secret)
	return secret == d.of
}

// secretOf makes what is kept of a text; sealed where s is not nil.
func secretOf(name, text string, s *caller.Sealer, expires time.Time) caller.Secret {
	kept := caller.Secret{Hash: caller.HashSecret(text), ExpiresAt: expires}
	if s != nil {
		kept.Sealed = s.Seal(name, text)
	}
	return kept
}

// systems are callers of each kind.
func systems(now time.Time, s, other *caller.Sealer) []caller.Caller {
	never, soon, past := time.Time{}, now.Add(time.Minute), now.Add(-time.Nanosecond)
	return []caller.Caller{
		{Name: "plain", Secrets: []caller.Secret{secretOf("plain", "PLAIN", nil, never)}, Policy: caller.Policy{Rate: 7}},
		{Name: "sealed", Secrets: []caller.Secret{secretOf("sealed", "SEALED", s, never)}},
		{Name: "rotated", Secrets: []caller.Secret{secretOf("rotated", "NEW", s, never), secretOf("rotated", "OLD", s, soon), secretOf("rotated", "OLDER", s, past)}},
		{Name: "disabled", Secrets: []caller.Secret{secretOf("disabled", "DISABLED", s, never)}, Disabled: true, CertificateSubject: "CN=disabled"},
		{Name: "certified", CertificateSubject: "CN=certified"},
		{Name: "foreign", Secrets: []caller.Secret{secretOf("foreign", "FOREIGN", other, never)}},
		{Name: "moved", Secrets: []caller.Secret{secretOf("sealed", "MOVED", s, never)}},
	}
}

func open(t testing.TB, s caller.Settings, store caller.Source, sealer *caller.Sealer) (*caller.Directory, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	d, err := caller.OpenDirectory(t.Context(), s, store, sealer, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return d, &log
}

func TestWhoIsAuthenticated(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key := sealer(t, 1)
	d, _ := open(t, caller.Settings{Now: func() time.Time { return now }}, &memory{callers: systems(now, key, sealer(t, 2))}, key)
	for _, test := range []struct {
		name, secret string
		text, digest bool // is it accepted
	}{
		{"plain", "PLAIN", true, false}, // a digest needs the text, which is kept nowhere
		{"plain", "PLAIM", false, false},
		{"plain", "plain", false, false},
		{"plain", "", false, false},
		{"sealed", "SEALED", true, true},
		{"sealed", "PLAIN", false, false},
		{"rotated", "NEW", true, true},
		{"rotated", "OLD", true, true},
		{"rotated", "OLDER", false, false},
		{"disabled", "DISABLED", false, false},
		{"certified", "", false, false},
		{"foreign", "FOREIGN", true, false}, // sealed under another key
		{"moved", "MOVED", true, false},     // sealed for another caller
		{"unknown", "PLAIN", false, false},
		{"", "", false, false},
		{"Plain", "PLAIN", false, false},
	} {
		check := func(kind string, want bool, c caller.Caller, err error) {
			t.Helper()
			switch {
			case want && (err != nil || c.Name != test.name):
				t.Errorf("%s %s by %s: %q, %v", test.name, test.secret, kind, c.Name, err)
			case !want && (err != error(caller.ErrUnauthenticated) || c.Name != ""): //nolint:errorlint // the very same
				t.Errorf("%s %s by %s is accepted: %q, %v", test.name, test.secret, kind, c.Name, err)
			case c.Secrets != nil:
				t.Errorf("%s is given with its secrets", test.name)
			}
		}
		c, err := d.ByText(test.name, test.secret)
		check("text", test.text, c, err)
		c, err = d.ByDigest(test.name, &digest{of: test.secret})
		check("digest", test.digest, c, err)
	}
	if c, err := d.ByText("plain", "PLAIN"); err != nil || c.Policy.Rate != 7 {
		t.Errorf("the caller is %+v, %v", c, err)
	}
	if c, err := d.BySubject("CN=certified"); err != nil || c.Name != "certified" {
		t.Errorf("by certificate: %+v, %v", c, err)
	}
	for _, subject := range []string{"CN=disabled", "CN=unknown", "", "cn=certified"} {
		if c, err := d.BySubject(subject); err != error(caller.ErrUnauthenticated) || c.Name != "" { //nolint:errorlint // the very same
			t.Errorf("%q is accepted: %+v, %v", subject, c, err)
		}
	}
}

// TestTheWorkIsTheSameForEverybody: how many comparisons there are, and of
// what length, tells nobody whether a caller exists, is disabled, has sealed
// secrets or is rotating one, nor which of its secrets matched.
func TestTheWorkIsTheSameForEverybody(t *testing.T) {
	t.Parallel()
	now := time.Now()
	key := sealer(t, 1)
	const longOne = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var all []caller.Caller
	for _, c := range systems(now, key, sealer(t, 2)) {
		for i := range c.Secrets { // as long as real ones are
			var under *caller.Sealer
			if c.Secrets[i].Sealed != nil {
				under = key
			}
			c.Secrets[i] = secretOf(c.Name, longOne[i:]+longOne[:i], under, c.Secrets[i].ExpiresAt)
		}
		all = append(all, c)
	}
	d, _ := open(t, caller.Settings{}, &memory{callers: all}, key)
	for _, name := range []string{"plain", "sealed", "rotated", "disabled", "certified", "foreign", "unknown", ""} {
		for _, made := range []string{longOne, "WRONG"} {
			proof := &digest{of: made}
			_, _ = d.ByDigest(name, proof)
			if len(proof.compared) != 3 || d.Compared(name) != 3 {
				t.Errorf("%q: %d and %d comparisons, not 3", name, len(proof.compared), d.Compared(name))
			}
			for _, secret := range proof.compared {
				if len(secret) != len(longOne) {
					t.Errorf("%q is compared with a secret of %d characters", name, len(secret))
				}
			}
		}
	}
}

func TestATextThatTakesThePlaceOfASecretIsNone(t *testing.T) {
	t.Parallel()
	d, _ := open(t, caller.Settings{}, &memory{callers: systems(time.Now(), sealer(t, 1), sealer(t, 2))}, nil)
	for _, name := range []string{"plain", "sealed", "certified", "unknown"} {
		seen := &digest{}
		_, _ = d.ByDigest(name, seen)
		for _, text := range seen.compared {
			if _, err := d.ByDigest(name, &digest{of: text}); err == nil {
				t.Errorf("%s: a digest of what takes the place of a secret is accepted", name)
			}
			if _, err := d.ByText(name, text); err == nil {
				t.Errorf("%s: what takes the place of a secret is accepted", name)
			}
		}
	}
}

func TestWithoutCallersNobodyIsAskedWhoCalls(t *testing.T) {
	t.Parallel()
	d, _ := open(t, caller.Settings{}, &memory{}, nil)
	if d.Configured() || d.Known("erp") {
		t.Error("there are callers")
	}
	if _, err := d.ByText("", ""); !errors.Is(err, caller.ErrUnauthenticated) {
		t.Errorf("nobody is authenticated: %v", err)
	}
	d, _ = open(t, caller.Settings{}, &memory{callers: []caller.Caller{{Name: "erp", Disabled: true}}}, nil)
	if !d.Configured() || !d.Known("erp") || d.Known("crm") {
		t.Error("a disabled caller does not count: disabling the last one lets everybody in")
	}
}

func TestAStoreThatIsAwayAtTheStartIsAnError(t *testing.T) {
	t.Parallel()
	_, err := caller.OpenDirectory(t.Context(), caller.Settings{}, &memory{err: registration.ErrUnavailable}, nil, slog.New(slog.DiscardHandler))
	if !errors.Is(err, registration.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAChangeHoldsAfterRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const refresh = 2 * time.Second
		store := &memory{}
		d, log := open(t, caller.Settings{Refresh: refresh}, store, nil)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		accepted := func(secret string) bool {
			_, err := d.ByText("erp", secret)
			return err == nil
		}
		later := func() { time.Sleep(refresh); synctest.Wait() }

		with := func(disabled bool, secrets ...string) caller.Caller {
			c := caller.Caller{Name: "erp", Disabled: disabled}
			for _, s := range secrets {
				c.Secrets = append(c.Secrets, secretOf("erp", s, nil, time.Time{}))
			}
			return c
		}
		for _, step := range []struct {
			name    string
			err     error
			callers []caller.Caller
			a, b    bool // accepted
		}{
			{"added", nil, []caller.Caller{with(false, "A")}, true, false},
			{"rotated", nil, []caller.Caller{with(false, "B", "A")}, true, true},
			{"away", registration.ErrUnavailable, nil, true, true},
			{"still away", registration.ErrUnavailable, nil, true, true},
			{"back, and rotated", nil, []caller.Caller{with(false, "B")}, false, true},
			{"disabled", nil, []caller.Caller{with(true, "B")}, false, false},
		} {
			store.set(step.err, step.callers...)
			later()
			if accepted("A") != step.a || accepted("B") != step.b || !d.Configured() {
				t.Errorf("%s: A is accepted: %v, B: %v, configured: %v", step.name, accepted("A"), accepted("B"), d.Configured())
			}
		}
		if n := strings.Count(log.String(), "cannot be read"); n != 1 || strings.Count(log.String(), "read again") != 1 {
			t.Errorf("the log is\n%s", log)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestServersDoNotReadAllAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const servers, refresh = 20, 2 * time.Second
		stores := make([]*memory, servers)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for i := range stores {
			stores[i] = &memory{}
			d, _ := open(t, caller.Settings{Refresh: refresh}, stores[i], nil)
			running.Go(func() { _ = d.Run(ctx) })
		}
		time.Sleep(refresh)
		synctest.Wait()
		at := map[time.Time]bool{}
		for _, s := range stores {
			if s.reads != 2 {
				t.Errorf("%d readings within the first Refresh", s.reads)
			}
			at[s.read] = true
		}
		if len(at) < servers/2 {
			t.Errorf("%d servers read at %d times", servers, len(at))
		}
		stop()
		running.Wait()
	})
}

func TestASecretThatDoesNotOpenIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, other := sealer(t, 1), sealer(t, 2)
		store := &memory{callers: systems(time.Now(), key, other)}
		d, log := open(t, caller.Settings{}, store, key)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- d.Run(ctx) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if told := log.String(); strings.Count(told, "does not open") != 2 || !strings.Contains(told, "caller=foreign") || !strings.Contains(told, "caller=moved") || strings.Contains(told, "FOREIGN") {
			t.Errorf("the log is\n%s", told)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// BenchmarkByText shows that what a caller knows makes no difference in time.
func BenchmarkByText(b *testing.B) {
	now := time.Now()
	key := sealer(b, 1)
	d, _ := open(b, caller.Settings{}, &memory{callers: systems(now, key, key)}, key)
	for name, credential := range map[string][2]string{
		"right": {"rotated", "NEW"}, "wrong": {"rotated", "NOT"}, "unknown": {"unknown", "NOT"}, "disabled": {"disabled", "NOT"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = d.ByText(credential[0], credential[1])
			}
		})
	}
}
