package tier_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/tier"
	"registrar/internal/tier/tierv1"
)

// source makes values of every kind that crosses the hop.
type source struct{ *rand.Rand }

func (s source) text() string {
	const letters = "aZ0 .@+-“ü漢\x00\n\u202e🙂"
	all := []rune(letters)
	made := make([]rune, s.IntN(20))
	for i := range made {
		made[i] = all[s.IntN(len(all))]
	}
	return string(made)
}

func (s source) id() (id registration.ID) {
	for i := range id {
		id[i] = byte(s.IntN(256))
	}
	return id
}

// time is a time as the store gives it, or none.
func (s source) time() time.Time {
	if s.IntN(4) == 0 {
		return time.Time{}
	}
	return time.Unix(s.Int64N(8e9)-1e9, s.Int64N(1e9)).UTC()
}

func (s source) truth() bool { return s.IntN(2) == 0 }

func (s source) details() registration.Details {
	d := registration.Details{
		Account: registration.Account{
			ID: s.id(), Caller: s.text(), ExternalID: s.text(), Username: registration.Username{Text: s.text()}, Email: registration.Email{Text: s.text()},
			Mobile: registration.Mobile(s.text()), Status: registration.Status(s.text()), RegisteredAt: s.time(), EmailVerifiedAt: s.time(), MobileVerifiedAt: s.time(),
		},
		Profile: registration.Profile{FirstName: s.text(), LastName: s.text(), Locale: s.text(), MarketingConsent: s.truth()},
	}
	for range s.IntN(4) {
		d.Notifications = append(d.Notifications, registration.Notification{
			ID: s.id(), AccountID: d.Account.ID, Kind: registration.Kind(s.text()), Channel: registration.Channel(s.text()), State: registration.State(s.text()),
			Attempts: s.IntN(1 << 20), CreatedAt: s.time(), UpdatedAt: s.time(), Deadline: s.time(),
		})
	}
	return d
}

func (s source) policy() caller.Policy {
	p := caller.Policy{Rate: s.IntN(1 << 40), Burst: s.IntN(1 << 40), DailyQuota: s.IntN(1 << 40), SuppressNotifications: s.truth(), VerifiedContacts: s.truth(), EnumerationSafe: s.truth(), Shadow: s.truth()}
	for range s.IntN(3) {
		p.Operations = append(p.Operations, s.text())
	}
	return p
}

func (s source) caller() caller.Caller {
	c := caller.Caller{Name: s.text(), CertificateSubject: s.text(), Policy: s.policy(), Disabled: s.truth(), CreatedAt: s.time(), UpdatedAt: s.time()}
	for range s.IntN(3) {
		secret := caller.Secret{CreatedAt: s.time(), ExpiresAt: s.time()}
		for i := range secret.Hash {
			secret.Hash[i] = byte(s.IntN(256))
		}
		if s.truth() {
			secret.Sealed = []byte{0, byte(s.IntN(256)), 255}
		}
		c.Secrets = append(c.Secrets, secret)
	}
	return c
}

// hop is what a test sends over a real connection.
type hop struct {
	*client
	s    source
	gave chan any
}

func (h *hop) same(t *testing.T, what string, sent any) {
	t.Helper()
	if got := <-h.gave; !reflect.DeepEqual(got, sent) {
		t.Fatalf("%s: got\n%+v\nwant\n%+v", what, got, sent)
	}
}

// TestEverythingArrivesAsItWas, in both directions, for values of every kind.
func TestEverythingArrivesAsItWas(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := &hop{s: source{rand.New(rand.NewPCG(seed, 0))}, gave: make(chan any, 8)}
	var (
		receipt  registration.Receipt
		details  registration.Details
		verified registration.Verified
		resent   registration.Resent
		verdict  registration.PasswordVerdict
		all      []caller.Caller
		grant    caller.Grant
		standing struct {
			consented bool
			locale    string
		}
		spent error
	)
	s := serve(t, backend{
		register: func(_ context.Context, r registration.Request) (registration.Receipt, error) {
			h.gave <- r
			return receipt, nil
		},
		details: func(_ context.Context, l registration.Lookup) (registration.Details, error) {
			h.gave <- l
			return details, nil
		},
		verify: func(_ context.Context, r registration.VerifyRequest) (registration.Verified, error) {
			h.gave <- r
			return verified, nil
		},
		resend: func(_ context.Context, r registration.ResendRequest) (registration.Resent, error) {
			h.gave <- r
			return resent, nil
		},
		password: func(_ context.Context, r registration.PasswordRequest) (registration.PasswordVerdict, error) {
			h.gave <- r
			return verdict, nil
		},
		callers: func(context.Context) ([]caller.Caller, error) { return all, nil },
		spend: func(_ context.Context, id registration.ID, name string, nonce [32]byte, expires time.Time) error {
			h.gave <- []any{id, name, nonce, expires}
			return spent
		},
		reserve: func(_ context.Context, name string, p caller.Policy, want int, now time.Time) (caller.Grant, error) {
			h.gave <- []any{name, p, want, now}
			return grant, nil
		},
		standing: func(_ context.Context, id registration.ID, c registration.Channel) (bool, string, error) {
			h.gave <- []any{id, c}
			return standing.consented, standing.locale, nil
		},
		withdraw: func(_ context.Context, id registration.ID, c registration.Channel, now time.Time) error {
			h.gave <- []any{id, c, now}
			return nil
		},
		restore: func(_ context.Context, id registration.ID, c registration.Channel) error {
			h.gave <- []any{id, c}
			return nil
		},
	})
	h.client = connected(t, []string{s.address})
	now := func() time.Time {
		for {
			if at := h.s.time(); !at.IsZero() {
				return at
			}
		}
	}
	came := func(what string, got, want any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got\n%+v, %v\nwant\n%+v", what, got, err, want)
		}
	}
	for range 200 {
		ctx := within(t, 10*time.Second)
		call := registration.Call{ID: h.s.id(), At: now()}
		receipt = registration.Receipt{ID: h.s.id(), Status: registration.Status(h.s.text()), Locale: h.s.text(), RegisteredAt: h.s.time()}
		request := registration.Request{
			Caller: h.s.text(), RequestID: h.s.text(), Username: h.s.text(), Email: h.s.text(), Password: h.s.text(), FirstName: h.s.text(), LastName: h.s.text(),
			MobileNumber: h.s.text(), Locale: h.s.text(), MarketingConsent: h.s.truth(), ExternalID: h.s.text(), Call: call, Silent: h.s.truth(), Verified: h.s.truth(),
			EnumerationSafe: h.s.truth(), Shadow: h.s.truth(), CallerOutcome: h.s.text(),
		}
		for range h.s.IntN(3) {
			request.Refused = append(request.Refused, registration.FieldError{Field: h.s.text(), Rule: h.s.text(), Message: h.s.text()})
		}
		gotReceipt, err := h.Register(ctx, request)
		came("Register", gotReceipt, receipt, err)
		h.same(t, "Register", request)

		details = h.s.details()
		lookup := registration.Lookup{Caller: h.s.text(), RegistrationID: h.s.text(), Username: h.s.text(), Email: h.s.text(), ExternalID: h.s.text(), EnumerationSafe: h.s.truth()}
		gotDetails, err := h.Details(ctx, lookup)
		came("Details", gotDetails, details, err)
		h.same(t, "Details", lookup)

		verified = registration.Verified{Status: registration.Status(h.s.text()), VerifiedAt: h.s.time()}
		verify := registration.VerifyRequest{RegistrationID: h.s.text(), Channel: registration.Channel(h.s.text()), Code: h.s.text(), Call: call, Silent: h.s.truth(), Caller: h.s.text(), EnumerationSafe: h.s.truth()}
		gotVerified, err := h.Verify(ctx, verify)
		came("Verify", gotVerified, verified, err)
		h.same(t, "Verify", verify)

		resent = registration.Resent{Locale: h.s.text(), ExpiresAt: h.s.time(), NextResendAt: h.s.time()}
		resend := registration.ResendRequest{RegistrationID: h.s.text(), Channel: registration.Channel(h.s.text()), Call: call, Caller: h.s.text(), EnumerationSafe: h.s.truth()}
		gotResent, err := h.Resend(ctx, resend)
		came("Resend", gotResent, resent, err)
		h.same(t, "Resend", resend)

		verdict = registration.PasswordVerdict{}
		if h.s.truth() {
			verdict = registration.PasswordVerdict{Valid: true, ID: h.s.id(), Status: registration.Status(h.s.text())}
		}
		password := registration.PasswordRequest{Caller: h.s.text(), Login: h.s.text(), Password: h.s.text(), Origin: h.s.text(), Call: call, EnumerationSafe: h.s.truth()}
		gotVerdict, err := h.VerifyPassword(ctx, password)
		came("VerifyPassword", gotVerdict, verdict, err)
		h.same(t, "VerifyPassword", password)

		all = make([]caller.Caller, h.s.IntN(4))
		for i := range all {
			all[i] = h.s.caller()
		}
		gotCallers, err := h.Callers(ctx)
		came("Callers", gotCallers, all, err)

		name, channel, at := h.s.text(), registration.Channel(h.s.text()), now()
		nonce := [32]byte(append(call.ID[:], call.ID[:]...))
		spent = nil
		if h.s.truth() {
			spent = caller.ErrReplayed
		}
		if err := h.Spend(ctx, call.ID, name, nonce, at); !errors.Is(err, spent) {
			t.Fatalf("Spend: %v, want %v", err, spent)
		}
		h.same(t, "Spend", []any{call.ID, name, nonce, at})

		grant = caller.Grant{Permits: h.s.IntN(1 << 40), RetryAfter: time.Duration(h.s.Int64N(1e15)), Quota: h.s.truth()}
		policy, want := h.s.policy(), h.s.IntN(1<<40)
		gotGrant, err := h.Reserve(ctx, name, policy, want, at)
		came("Reserve", gotGrant, grant, err)
		h.same(t, "Reserve", []any{name, policy, want, at})

		standing.consented, standing.locale = h.s.truth(), h.s.text()
		consented, locale, err := h.Standing(ctx, call.ID, channel)
		came("Standing", []any{consented, locale}, []any{standing.consented, standing.locale}, err)
		h.same(t, "Standing", []any{call.ID, channel})
		came("Withdraw", nil, nil, h.Withdraw(ctx, call.ID, channel, at))
		h.same(t, "Withdraw", []any{call.ID, channel, at})
		came("Restore", nil, nil, h.Restore(ctx, call.ID, channel))
		h.same(t, "Restore", []any{call.ID, channel})
	}
}

// messages are one of each kind that is read on this side of the hop.
var messages = []func() proto.Message{
	func() proto.Message { return &tierv1.DetailsResponse{} },
	func() proto.Message { return &tierv1.Caller{} },
}

// FuzzMessages: what the other end sends is taken or refused, and never ends a
// process.
func FuzzMessages(f *testing.F) {
	for i := range 4 {
		s := source{rand.New(rand.NewPCG(uint64(i), 1))}
		for kind, m := range []proto.Message{tier.DetailsResponse(s.details()), tier.WireCaller(s.caller())} {
			b, err := proto.Marshal(m)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(byte(kind), b)
		}
	}
	f.Add(byte(0), []byte{0x0a, 1, 7})
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		m := messages[int(kind)%len(messages)]()
		if proto.Unmarshal(b, m) != nil {
			return
		}
		switch m := m.(type) {
		case *tierv1.DetailsResponse:
			d, err := tier.ReadDetails(m)
			if err != nil {
				return
			}
			if again, err := tier.ReadDetails(tier.DetailsResponse(d)); err != nil || !reflect.DeepEqual(again, d) {
				t.Errorf("%+v, %v", again, err)
			}
		case *tierv1.Caller:
			c, err := tier.ReadCaller(m)
			if err != nil {
				return
			}
			if again, err := tier.ReadCaller(tier.WireCaller(c)); err != nil || !reflect.DeepEqual(again, c) {
				t.Errorf("%+v, %v", again, err)
			}
		}
	})
}

// full is a message in which everything is there and right, as far as its kind
// can tell.
func full(m proto.Message) {
	r := m.ProtoReflect()
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList():
		case f.Kind() == protoreflect.MessageKind:
			full(r.Mutable(f).Message().Interface())
		case f.Kind() == protoreflect.BytesKind && f.Name() == "nonce":
			r.Set(f, protoreflect.ValueOfBytes(make([]byte, 32)))
		case f.Kind() == protoreflect.BytesKind:
			r.Set(f, protoreflect.ValueOfBytes([]byte("sixteen octets!!")))
		case f.Kind() == protoreflect.Int64Kind:
			r.Set(f, protoreflect.ValueOfInt64(1))
		}
	}
}

// broken are messages with one thing wrong each: octets of another length, and
// messages that are not there, at every depth.
func broken(m proto.Message) map[string]proto.Message {
	full(m)
	found := map[string]proto.Message{}
	var walk func(path []protoreflect.FieldDescriptor, r protoreflect.Message)
	walk = func(path []protoreflect.FieldDescriptor, r protoreflect.Message) {
		fields := r.Descriptor().Fields()
		for i := range fields.Len() {
			f := fields.Get(i)
			change := func(what string, to func(protoreflect.Message)) {
				one := proto.Clone(m)
				at := one.ProtoReflect()
				name := ""
				for _, p := range path {
					at = at.Mutable(p).Message()
					name += string(p.Name()) + "."
				}
				to(at)
				found[name+string(f.Name())+" "+what] = one
			}
			switch {
			case f.IsList() || f.Kind() != protoreflect.MessageKind && f.Kind() != protoreflect.BytesKind:
			case f.Kind() == protoreflect.BytesKind:
				change("is not there", func(r protoreflect.Message) { r.Clear(f) })
				for _, n := range []int{1, 15, 17, 31, 33} {
					change("has another length", func(r protoreflect.Message) { r.Set(f, protoreflect.ValueOfBytes(make([]byte, n))) })
				}
			case f.Name() == "policy": // an absent one is without limits, as a full one of zeros is
			case string(f.Message().FullName()) == "google.protobuf.Timestamp":
				change("is not there", func(r protoreflect.Message) { r.Clear(f) })
			default:
				change("is not there", func(r protoreflect.Message) { r.Clear(f) })
				walk(append(path, f), r.Get(f).Message())
			}
		}
	}
	walk(nil, m.ProtoReflect())
	return found
}

// TestMessagesOfAnotherKind: a server that is sent what no web server of this
// release sends says INTERNAL, and asks nobody.
func TestMessagesOfAnotherKind(t *testing.T) {
	t.Parallel()
	s := serve(t, backend{
		register: func(context.Context, registration.Request) (registration.Receipt, error) {
			t.Error("Register was asked")
			return registration.Receipt{}, nil
		},
		verify: func(context.Context, registration.VerifyRequest) (registration.Verified, error) {
			t.Error("Verify was asked")
			return registration.Verified{}, nil
		},
		resend: func(context.Context, registration.ResendRequest) (registration.Resent, error) {
			t.Error("Resend was asked")
			return registration.Resent{}, nil
		},
		password: func(context.Context, registration.PasswordRequest) (registration.PasswordVerdict, error) {
			t.Error("VerifyPassword was asked")
			return registration.PasswordVerdict{}, nil
		},
		spend: func(context.Context, registration.ID, string, [32]byte, time.Time) error {
			t.Error("Spend was asked")
			return nil
		},
		reserve: func(context.Context, string, caller.Policy, int, time.Time) (caller.Grant, error) {
			t.Error("Reserve was asked")
			return caller.Grant{}, nil
		},
		standing: func(context.Context, registration.ID, registration.Channel) (bool, string, error) {
			t.Error("Standing was asked")
			return false, "", nil
		},
		withdraw: func(context.Context, registration.ID, registration.Channel, time.Time) error {
			t.Error("Withdraw was asked")
			return nil
		},
		restore: func(context.Context, registration.ID, registration.Channel) error {
			t.Error("Restore was asked")
			return nil
		},
	})
	c, err := grpc.NewClient("passthrough:///"+s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tried := 0
	for method, in := range map[string]proto.Message{
		tierv1.RegistrationService_Register_FullMethodName:       &tierv1.RegisterRequest{},
		tierv1.RegistrationService_Verify_FullMethodName:         &tierv1.VerifyRequest{},
		tierv1.RegistrationService_Resend_FullMethodName:         &tierv1.ResendRequest{},
		tierv1.RegistrationService_VerifyPassword_FullMethodName: &tierv1.VerifyPasswordRequest{},
		tierv1.CallerService_SpendNonce_FullMethodName:           &tierv1.SpendNonceRequest{},
		tierv1.CallerService_Reserve_FullMethodName:              &tierv1.ReserveRequest{},
		tierv1.ConsentService_Standing_FullMethodName:            &tierv1.StandingRequest{},
		tierv1.ConsentService_Withdraw_FullMethodName:            &tierv1.WithdrawRequest{},
		tierv1.ConsentService_Restore_FullMethodName:             &tierv1.RestoreRequest{},
	} {
		for what, one := range broken(in) {
			tried++
			if err := c.Invoke(within(t, 5*time.Second), method, one, &tierv1.RestoreResponse{}); status.Code(err) != codes.Internal {
				t.Errorf("%s: %s: %v", method, what, err)
			}
		}
		if err := c.Invoke(within(t, 5*time.Second), method, in.ProtoReflect().New().Interface(), &tierv1.RestoreResponse{}); status.Code(err) != codes.Internal {
			t.Errorf("%s: an empty message: %v", method, err)
		}
	}
	if tried < 25 {
		t.Errorf("only %d messages", tried)
	}
}

// stranger is an application server that answers with what it likes.
type stranger struct {
	tierv1.UnimplementedRegistrationServiceServer
	tierv1.UnimplementedCallerServiceServer
	register *tierv1.RegisterResponse
	details  *tierv1.DetailsResponse
	callers  *tierv1.ListResponse
}

func (s stranger) Register(context.Context, *tierv1.RegisterRequest) (*tierv1.RegisterResponse, error) {
	return s.register, nil
}

func (s stranger) Details(context.Context, *tierv1.DetailsRequest) (*tierv1.DetailsResponse, error) {
	return s.details, nil
}

func (s stranger) List(context.Context, *tierv1.ListRequest) (*tierv1.ListResponse, error) {
	return s.callers, nil
}

// TestAnswersOfAnotherKind are INTERNAL, and so is a method that an older
// server does not have.
func TestAnswersOfAnotherKind(t *testing.T) {
	t.Parallel()
	one := []byte("sixteen octets!!")
	for name, s := range map[string]stranger{
		"nothing":          {register: &tierv1.RegisterResponse{}, details: &tierv1.DetailsResponse{}, callers: &tierv1.ListResponse{Callers: []*tierv1.Caller{{Secrets: []*tierv1.Secret{{}}}}}},
		"an id too short":  {register: &tierv1.RegisterResponse{RegistrationId: one[1:]}, details: &tierv1.DetailsResponse{RegistrationId: one[1:]}, callers: &tierv1.ListResponse{Callers: []*tierv1.Caller{{Secrets: []*tierv1.Secret{{Hash: one}}}}}},
		"a notification":   {register: &tierv1.RegisterResponse{RegistrationId: append(one, 1)}, details: &tierv1.DetailsResponse{RegistrationId: one, Notifications: []*tierv1.Notification{{}}}, callers: &tierv1.ListResponse{Callers: []*tierv1.Caller{{Secrets: []*tierv1.Secret{{Hash: append(one, append(one, 1)...)}}}}}},
		"nil in its lists": {register: &tierv1.RegisterResponse{}, details: &tierv1.DetailsResponse{RegistrationId: one, Notifications: []*tierv1.Notification{nil}}, callers: &tierv1.ListResponse{Callers: []*tierv1.Caller{{Secrets: []*tierv1.Secret{nil}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on := listen(t, "127.0.0.1:0")
			server := grpc.NewServer()
			tierv1.RegisterRegistrationServiceServer(server, s)
			tierv1.RegisterCallerServiceServer(server, s)
			go func() { _ = server.Serve(on) }()
			t.Cleanup(server.Stop)
			c := dial(t, []string{on.Addr().String()})
			_, register := c.Register(within(t, 5*time.Second), registration.Request{})
			_, details := c.Details(within(t, 5*time.Second), registration.Lookup{})
			_, callers := c.Callers(within(t, 5*time.Second))
			_, verify := c.Verify(within(t, 5*time.Second), registration.VerifyRequest{})
			for what, err := range map[string]error{"Register": register, "Details": details, "Callers": callers, "Verify, which it does not have": verify} {
				if code(err) != registration.Internal {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
