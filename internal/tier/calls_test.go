package tier_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/telemetry"
	"registrar/internal/tier"
)

// TestACallsTimeIsItsCallers: the deadline arrives, and so does the end of who
// asked.
func TestACallsTimeIsItsCallers(t *testing.T) {
	t.Parallel()
	seen := make(chan context.Context, 1)
	s := serve(t, backend{details: func(ctx context.Context, _ registration.Lookup) (registration.Details, error) {
		seen <- ctx
		<-ctx.Done()
		return registration.Details{}, ctx.Err()
	}})
	c := connected(t, []string{s.address})

	ctx := within(t, 400*time.Millisecond)
	want, _ := ctx.Deadline()
	_, err := c.Details(ctx, registration.Lookup{})
	if code(err) != registration.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	got, there := (<-seen).Deadline()
	if !there || got.Sub(want).Abs() > 200*time.Millisecond {
		t.Errorf("the server's deadline is %v, the caller's %v", got, want)
	}

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		at := <-seen
		cancel()
		seen <- at
	}()
	_, err = c.Details(ctx, registration.Lookup{})
	if code(err) != registration.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("after it was given up: %v", err)
	}
	select {
	case <-(<-seen).Done():
	case <-time.After(10 * time.Second):
		t.Error("the server works on for nobody")
	}
	if repeated, _ := c.figures(); repeated != 0 {
		t.Errorf("%d calls that nobody waits for were made again", repeated)
	}
}

// TestWhatACallIsPartOf: the correlation id and the trace arrive, in the context
// and, for what is stored, in the request; what is of another form does not.
func TestWhatACallIsPartOf(t *testing.T) {
	t.Parallel()
	const (
		correlation = "0b5c3a52-2f4e-4b62-8f0b-3c1d5a7e9f10"
		trace       = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	)
	type origin struct{ correlation, trace, stored string }
	got := make(chan origin, 1)
	tell := func(ctx context.Context, stored string) {
		c, p := telemetry.Origin(ctx)
		got <- origin{c, p, stored}
	}
	s := serve(t, backend{
		register: func(ctx context.Context, r registration.Request) (registration.Receipt, error) {
			tell(ctx, r.TraceParent)
			return registration.Receipt{}, nil
		},
		verify: func(ctx context.Context, r registration.VerifyRequest) (registration.Verified, error) {
			tell(ctx, r.TraceParent)
			return registration.Verified{}, nil
		},
		resend: func(ctx context.Context, r registration.ResendRequest) (registration.Resent, error) {
			tell(ctx, r.TraceParent)
			return registration.Resent{}, nil
		},
		password: func(ctx context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error) {
			tell(ctx, r.TraceParent)
			return registration.PasswordVerdict{}, nil
		},
	}, withOrigin)
	c := connected(t, []string{s.address}, func(s *tier.ClientSettings) { s.Origin = telemetry.Origin })
	calls := map[string]func(context.Context){
		"Register": func(ctx context.Context) { _, _ = c.Register(ctx, registration.Request{}) },
		"Verify":   func(ctx context.Context) { _, _ = c.Verify(ctx, registration.VerifyRequest{}) },
		"Resend":   func(ctx context.Context) { _, _ = c.Resend(ctx, registration.ResendRequest{}) },
		"VerifyPassword": func(ctx context.Context) {
			_, _ = c.VerifyPassword(ctx, registration.PasswordRequest{})
		},
	}
	for name, call := range calls {
		call(telemetry.WithOrigin(within(t, 5*time.Second), correlation, trace))
		if o := <-got; o != (origin{correlation, trace, trace}) {
			t.Errorf("%s: got %+v", name, o)
		}
		call(within(t, 5*time.Second))
		if o := <-got; o.correlation == "" || o.correlation == correlation || o.trace != "" || o.stored != "" {
			t.Errorf("%s of nobody: got %+v", name, o)
		}
	}
}

func withOrigin(s *tier.ServerSettings) {
	s.Within, s.TraceParent = telemetry.WithOrigin, telemetry.TraceParent
}

// TestBrokenOrigins: what is not of its form gets no further than the server.
func TestBrokenOrigins(t *testing.T) {
	t.Parallel()
	type origin struct{ correlation, trace, stored string }
	got := make(chan origin, 1)
	s := serve(t, backend{register: func(ctx context.Context, r registration.Request) (registration.Receipt, error) {
		c, p := telemetry.Origin(ctx)
		got <- origin{c, p, r.TraceParent}
		return registration.Receipt{}, nil
	}}, withOrigin)
	for _, broken := range []string{"x", strings.Repeat("0", 55), strings.Repeat("7", 4000)} {
		c := connected(t, []string{s.address}, func(s *tier.ClientSettings) {
			s.Origin = func(context.Context) (string, string) { return broken, broken }
		})
		if _, err := c.Register(within(t, 5*time.Second), registration.Request{}); err != nil {
			t.Fatal(err)
		}
		if o := <-got; o.correlation == broken || o.correlation == "" || o.trace != "" || o.stored != "" {
			t.Errorf("%.60s came as %+v", broken, o)
		}
	}
}

// TestEachServerHasItsTurn: one after the other, as long as they are all well.
func TestEachServerHasItsTurn(t *testing.T) {
	t.Parallel()
	var asked [3]atomic.Int64
	var addresses []string
	for i := range asked {
		addresses = append(addresses, serve(t, backend{details: func(context.Context, registration.Lookup) (registration.Details, error) {
			asked[i].Add(1)
			return registration.Details{}, nil
		}}).address)
	}
	c := connected(t, addresses)
	for range 300 {
		if _, err := c.Details(within(t, 5*time.Second), registration.Lookup{}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range asked {
		if n := asked[i].Load(); n < 90 || n > 110 {
			t.Errorf("server %d was asked %d times of 300", i, n)
		}
	}
}

// TestEveryCallIsFixedBeforeItIsMade: what changes something carries an id and a
// time, its caller's where it has one.
func TestEveryCallIsFixedBeforeItIsMade(t *testing.T) {
	t.Parallel()
	got := make(chan registration.Call, 1)
	s := serve(t, backend{
		register: func(_ context.Context, r registration.Request) (registration.Receipt, error) {
			got <- r.Call
			return registration.Receipt{}, nil
		},
		verify: func(_ context.Context, r registration.VerifyRequest) (registration.Verified, error) {
			got <- r.Call
			return registration.Verified{}, nil
		},
		resend: func(_ context.Context, r registration.ResendRequest) (registration.Resent, error) {
			got <- r.Call
			return registration.Resent{}, nil
		},
		password: func(_ context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error) {
			got <- r.Call
			return registration.PasswordVerdict{}, nil
		},
		spend: func(_ context.Context, id registration.ID, _ string, _ [32]byte, _ time.Time) error {
			got <- registration.Call{ID: id, At: time.Now()}
			return nil
		},
	})
	c := connected(t, []string{s.address})
	for name, call := range map[string]func(registration.Call) error{
		"Register": func(call registration.Call) error {
			_, err := c.Register(within(t, 5*time.Second), registration.Request{Call: call})
			return err
		},
		"Verify": func(call registration.Call) error {
			_, err := c.Verify(within(t, 5*time.Second), registration.VerifyRequest{Call: call})
			return err
		},
		"Resend": func(call registration.Call) error {
			_, err := c.Resend(within(t, 5*time.Second), registration.ResendRequest{Call: call})
			return err
		},
		"VerifyPassword": func(call registration.Call) error {
			_, err := c.VerifyPassword(within(t, 5*time.Second), registration.PasswordRequest{Call: call})
			return err
		},
		"Spend": func(call registration.Call) error {
			return c.Spend(within(t, 5*time.Second), call.ID, "erp", [32]byte{1}, time.Now().Add(time.Minute))
		},
	} {
		began := time.Now()
		if err := call(registration.Call{}); err != nil {
			t.Fatal(err)
		}
		made := <-got
		if made.ID.IsZero() || made.At.Before(began) || made.At.After(time.Now()) {
			t.Errorf("%s: a call of nobody is %+v", name, made)
		}
		if err := call(registration.Call{}); err != nil {
			t.Fatal(err)
		}
		if next := <-got; next.ID == made.ID {
			t.Errorf("%s: two calls have one id", name)
		}
		own := registration.Call{ID: registration.ID{15: 9}, At: time.Date(2026, 3, 4, 5, 6, 7, 891, time.UTC)}
		if err := call(own); err != nil {
			t.Fatal(err)
		}
		if made = <-got; made.ID != own.ID || name != "Spend" && !made.At.Equal(own.At) {
			t.Errorf("%s: got %+v, want %+v", name, made, own)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Register(within(t, time.Second), registration.Request{}); code(err) != registration.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

// TestWithoutEntropy: a call without an id is not made.
func TestWithoutEntropy(t *testing.T) {
	t.Parallel()
	s := serve(t, backend{})
	c := connected(t, []string{s.address}, func(s *tier.ClientSettings) {
		s.NewID = func() (registration.ID, error) { return registration.ID{}, errors.New("no entropy") }
	})
	_, register := c.Register(t.Context(), registration.Request{})
	_, verify := c.Verify(t.Context(), registration.VerifyRequest{})
	_, resend := c.Resend(t.Context(), registration.ResendRequest{})
	_, password := c.VerifyPassword(t.Context(), registration.PasswordRequest{})
	spend := c.Spend(t.Context(), registration.ID{}, "erp", [32]byte{}, time.Now())
	for name, err := range map[string]error{"Register": register, "Verify": verify, "Resend": resend, "VerifyPassword": password, "Spend": spend} {
		if code(err) != registration.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
