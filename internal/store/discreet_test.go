package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/address"
	"registrar/internal/password"
	"registrar/internal/registration"
	"registrar/internal/shadow"
	"registrar/internal/store"
)

// unheard is an Announcer that nobody listens to.
type unheard struct{}

func (unheard) Announce([]registration.Notification) {}

// cheap keeps hashing out of the way of what the store takes.
var cheap = password.Argon2id{MemoryKiB: 64, Passes: 1}

// domain is the whole workflow on a database, but for the queue.
func domain(t testing.TB, db *store.DB) *registration.Service {
	t.Helper()
	policy, err := password.NewPolicy(8, cheap)
	if err != nil {
		t.Fatal(err)
	}
	pool := password.NewPool(cheap, 4, 1000)
	t.Cleanup(pool.Close)
	return &registration.Service{
		Rules: registration.Rules{
			DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{Region: "SA"}.Parse, CheckPassword: policy.Check, DefaultLocale: "en",
		},
		Store: db.Accounts(), Hasher: pool, Announcer: unheard{}, Codes: codeKeys(t), CodeRules: codeRules,
		NewID: func() (registration.ID, error) { return newID(), nil }, Now: time.Now, NotificationLife: time.Hour, RecordEvents: true,
		Shadow: shadow.Recorder{Store: db.Shadow(), Compared: func(string, string, string) {}, Log: slog.New(slog.DiscardHandler)},
	}
}

// applicant is a request whose keys nobody else has, by an enumeration-safe caller.
func applicant(change ...func(*registration.Request)) registration.Request {
	name := person().Account.Username.Text
	r := registration.Request{
		Caller: "app", RequestID: "r-" + name, ExternalID: "x-" + name, Username: name, Email: name + "@example.org", Password: "velvet anchor tuesday",
		FirstName: "Rahma", MobileNumber: "+966512345678", Locale: "en", EnumerationSafe: true,
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func to(address string) func(*registration.Request) {
	return func(r *registration.Request) { r.Email = address }
}

func register(t testing.TB, s *registration.Service, r registration.Request) registration.ID {
	t.Helper()
	receipt, err := s.Register(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.ID
}

// TestAPhantom: it is there by all of its keys but the address, which stays its
// owner's; the notice of it is written to the owner, in the owner's words.
func TestAPhantom(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := domain(t, db)
		owner := applicant(func(r *registration.Request) {
			r.Caller, r.EnumerationSafe, r.FirstName, r.LastName, r.Locale = "shop", false, "نور", "الهاشمي", "ar"
			r.Email = "Noor." + r.Username + "@Example.org"
		})
		ownerID := register(t, s, owner)
		request := applicant(to(strings.ToUpper(owner.Email)))
		phantom := register(t, s, request)
		if again := register(t, s, request); again != phantom {
			t.Errorf("the same again is %s, not %s", again, phantom)
		}
		email, _ := registration.ParseEmail(owner.Email, address.DomainToASCII)
		for key, want := range map[registration.Key]registration.ID{
			{Email: email.Key}:           ownerID,
			{ID: phantom}:                phantom,
			{Username: request.Username}: phantom,
			{Caller: "app", ExternalID: request.ExternalID}: phantom,
		} {
			d, err := db.Accounts().Details(t.Context(), key)
			if err != nil || d.Account.ID != want || d.Account.Phantom() != (want == phantom) {
				t.Errorf("by %+v: %+v, %v", key, d.Account, err)
			}
		}
		d, err := db.Accounts().Details(t.Context(), registration.Key{ID: phantom})
		if err != nil || d.Account.Email.Text != request.Email || len(d.Notifications) != 2 {
			t.Fatalf("%+v, %v", d, err)
		}
		for _, n := range d.Notifications {
			claims, err := db.Ledger().Claim(t.Context(), "n1", "", []registration.ID{n.ID}, time.Now(), time.Now().Add(time.Minute))
			if err != nil || len(claims) != 1 {
				t.Fatalf("%d claims, %v", len(claims), err)
			}
			c := claims[0]
			switch n.Channel {
			case registration.SMSChannel:
				if n.Kind != registration.VerificationCode || c.Code.Sealed == nil || c.FirstName != request.FirstName || n.Recipient != request.MobileNumber {
					t.Errorf("the code by SMS is %+v", c)
				}
			default:
				if n.Kind != registration.AlreadyRegistered || c.Code.Sealed != nil || c.Username != owner.Username || c.FirstName != owner.FirstName || c.LastName != owner.LastName ||
					c.Notification.Recipient != "Noor."+owner.Username+"@example.org" || c.Notification.Locale != "ar" {
					t.Errorf("the notice is %+v", c)
				}
			}
		}
	})
}

// TestTheNoticeToNobody: the account is gone when its owner is to be told.
func TestTheNoticeToNobody(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := domain(t, db)
		owner := applicant()
		id := register(t, s, owner)
		phantom := register(t, s, applicant(to(owner.Email)))
		err := db.Transact(t.Context(), func(run func(string, ...any) error, _ bool) error {
			return run(`UPDATE accounts SET email_key = 'gone' WHERE id = ?`, id[:])
		})
		if err != nil {
			t.Fatal(err)
		}
		d, err := db.Accounts().Details(t.Context(), registration.Key{ID: phantom})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range d.Notifications {
			if n.Kind != registration.AlreadyRegistered {
				continue
			}
			claims, err := db.Ledger().Claim(t.Context(), "n1", "", []registration.ID{n.ID}, time.Now(), time.Now().Add(time.Minute))
			if err != nil || len(claims) != 1 || claims[0].Username != "" || claims[0].FirstName != "" {
				t.Errorf("claimed %+v, %v", claims, err)
			}
		}
	})
}

// TestWhatEnumerationSafeCallersAreTold of keys: of their own ones, and never
// that the address beside them is taken too.
func TestWhatEnumerationSafeCallersAreTold(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := domain(t, db)
		plain, asAddress := applicant(), applicant()
		asAddress.Username = asAddress.Email
		register(t, s, plain)
		register(t, s, asAddress)
		for _, owner := range []registration.Request{plain, asAddress} {
			for name, tt := range map[string]struct {
				change func(*registration.Request)
				code   registration.Code
				fields []string
			}{
				"address":                 {func(*registration.Request) {}, "", nil},
				"address as user name":    {func(r *registration.Request) { r.Username = r.Email }, "", nil},
				"address and external id": {func(r *registration.Request) { r.ExternalID = owner.ExternalID }, registration.ExternalIDTaken, []string{"externalId"}},
				"all as user name": {func(r *registration.Request) { r.Username, r.ExternalID = r.Email, owner.ExternalID },
					registration.ExternalIDTaken, []string{"externalId"}},
				"user name": {func(r *registration.Request) { r.Username = plain.Username }, registration.UsernameTaken, []string{"username"}},
				"user name and external id": {func(r *registration.Request) { r.Username, r.ExternalID = plain.Username, owner.ExternalID },
					registration.UsernameTaken, []string{"username", "externalId"}},
			} {
				_, err := s.Register(t.Context(), applicant(to(owner.Email), tt.change))
				var fields []string
				told, ok := errors.AsType[*registration.Error](err)
				if ok {
					for _, f := range told.Fields {
						fields = append(fields, f.Field)
					}
				}
				if (err == nil) != (tt.code == "") || ok && told.Code != tt.code || !slices.Equal(fields, tt.fields) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}

// TestManyAtOnceForOneAddress: all are answered alike, and one has it.
func TestManyAtOnceForOneAddress(t *testing.T) {
	const many = 16
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := domain(t, db)
		for range 5 {
			address := applicant().Email
			ids := make([]registration.ID, many)
			var wg sync.WaitGroup
			for i := range many {
				r := applicant(to(address))
				if i%2 == 0 {
					r.Username = r.Email // another key that they all want
				}
				wg.Go(func() {
					receipt, err := s.Register(t.Context(), r)
					if err != nil {
						t.Error(err)
					}
					ids[i] = receipt.ID
				})
			}
			wg.Wait()
			owners := 0
			for _, id := range ids {
				d, err := db.Accounts().Details(t.Context(), registration.Key{ID: id})
				if err != nil || d.Account.Email.Text != address {
					t.Fatalf("%+v, %v", d, err)
				}
				if !d.Account.Phantom() {
					owners++
				}
			}
			if owners != 1 {
				t.Errorf("%d have the address", owners)
			}
		}
	})
}

// TestAnEnumerationSafeCallThatIsMadeAgain by another server is the same
// registration: the address is taken then, by itself.
func TestAnEnumerationSafeCallThatIsMadeAgain(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := domain(t, db)
		owner := applicant()
		register(t, s, owner)
		for name, r := range map[string]registration.Request{
			"free": applicant(), "taken": applicant(to(owner.Email)),
			"free, as user name": applicant(func(r *registration.Request) { r.Username = r.Email }),
		} {
			r.RequestID, r.ExternalID = "", ""
			r.Call = registration.Call{ID: newID(), At: time.Now()}
			first, again := register(t, s, r), register(t, s, r)
			d, err := db.Accounts().Details(t.Context(), registration.Key{ID: first})
			if first != r.Call.ID || again != first || err != nil || len(d.Notifications) != 2 || d.Account.Phantom() != (name == "taken") {
				t.Errorf("%s: %s, and again %s: %+v, %v", name, first, again, d, err)
			}
		}
	})
}

// everything is all rows of all tables, each as a text.
func everything(t *testing.T, db *store.DB, mariadb bool) map[string][]string {
	t.Helper()
	tables := `SELECT name FROM sqlite_master WHERE type = 'table'`
	if mariadb {
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()`
	}
	var names []string
	if err := db.Raw().SelectContext(t.Context(), &names, tables); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range names {
		rows, err := db.Raw().QueryxContext(t.Context(), `SELECT * FROM `+name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = []string{}
		for rows.Next() {
			values, err := rows.SliceScan()
			if err != nil {
				t.Fatal(err)
			}
			all[name] = append(all[name], fmt.Sprintf("%x", values))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[name])
	}
	return all
}

// TestRehearse: the database says all that it would say of a registration, and
// has nothing of it afterwards, in any table.
func TestRehearse(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := domain(t, db)
		there := applicant()
		register(t, s, there)
		before := everything(t, db, len(o.Addresses) > 0)
		if len(before["accounts"]) != 1 || len(before["outbox"]) != 2 || len(before["code_quotas"]) == 0 {
			t.Fatalf("the tables are %v", before)
		}
		for name, tt := range map[string]struct {
			change func(*registration.Request)
			want   error
		}{
			"new":           {func(*registration.Request) {}, nil},
			"active":        {func(r *registration.Request) { r.Verified = true }, nil},
			"silent":        {func(r *registration.Request) { r.Silent = true }, nil},
			"user name":     {func(r *registration.Request) { r.Username = there.Username }, registration.ErrUsernameTaken},
			"address":       {func(r *registration.Request) { r.Email = there.Email }, registration.ErrEmailTaken},
			"external id":   {func(r *registration.Request) { r.ExternalID = there.ExternalID }, registration.ErrExternalIDTaken},
			"request id":    {func(r *registration.Request) { r.RequestID = there.RequestID }, registration.ErrRequestIDReused},
			"the very same": {func(r *registration.Request) { *r = there }, nil},
		} {
			r := applicant(tt.change)
			r.EnumerationSafe, r.Shadow = false, true
			for range 2 {
				if _, err := s.Register(t.Context(), r); !errors.Is(err, tt.want) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		after := everything(t, db, len(o.Addresses) > 0)
		// Each was asked twice under its request id, and compared once; two have the
		// same one.
		if len(after["shadow_comparisons"]) != 7 {
			t.Errorf("%d comparisons", len(after["shadow_comparisons"]))
		}
		before["shadow_comparisons"] = after["shadow_comparisons"]
		for table, rows := range before {
			if !slices.Equal(after[table], rows) {
				t.Errorf("the table %s had %d rows and has %d, or others", table, len(rows), len(after[table]))
			}
		}
		// Side by side with real ones of the same keys, it takes nothing from them.
		var wg sync.WaitGroup
		var people []registration.Request
		for range 20 {
			r := applicant(func(r *registration.Request) { r.EnumerationSafe = false })
			people = append(people, r)
			wg.Go(func() { register(t, s, r) })
			rehearsed := r
			rehearsed.Shadow, rehearsed.RequestID = true, ""
			wg.Go(func() {
				if _, err := s.Register(t.Context(), rehearsed); err != nil && !errors.Is(err, registration.ErrUsernameTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, r := range people {
			if _, err := db.Accounts().Details(context.Background(), registration.Key{Username: r.Username}); err != nil {
				t.Errorf("a registration is not there: %v", err)
			}
		}
	})
}
