package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/caller"
	"registrar/internal/registration"
	"registrar/internal/store"
)

var (
	_ caller.Store  = (*store.Callers)(nil)
	_ caller.Nonces = (*store.Nonces)(nil)
	_ caller.Usage  = (*store.Usage)(nil)
)

// system makes a caller with a secret of its own.
func system(name string, change ...func(*caller.Caller)) caller.Caller {
	c := caller.Caller{Name: name, Secrets: []caller.Secret{secret()}, CreatedAt: now(), UpdatedAt: now()}
	for _, f := range change {
		f(&c)
	}
	return c
}

// random is as good as a hash.
func random() (b [32]byte) {
	for i := range b {
		b[i] = byte(rand.Int())
	}
	return b
}

func secret() caller.Secret { return caller.Secret{Hash: random(), CreatedAt: now()} }

func add(t *testing.T, db *store.DB, c caller.Caller) caller.Caller {
	t.Helper()
	if err := db.Callers().Add(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func wantCallers(t *testing.T, db *store.DB, want ...caller.Caller) {
	t.Helper()
	got, err := db.Callers().Callers(t.Context())
	if err != nil || len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestCallers(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, ctx := open(t, o), t.Context()
		wantCallers(t, db)
		sealed := secret()
		sealed.Sealed = []byte{0, 1, 2, 0xff, '\'', '\\'}
		erp := add(t, db, system("erp", func(c *caller.Caller) {
			c.Secrets = []caller.Secret{sealed}
			c.CertificateSubject = `CN=erp,O=Åcme \,\"Söns\"`
			c.Policy = caller.Policy{Operations: []string{"GetRegistration", "Register"}, Rate: 50, Burst: 200, DailyQuota: 100_000, SuppressNotifications: true, VerifiedContacts: true, Shadow: true}
		}))
		bare := add(t, db, system("bare", func(c *caller.Caller) { c.Secrets, c.Disabled = nil, true }))
		portal := add(t, db, system("portal-1.example"))
		wantCallers(t, db, bare, erp, portal)

		for _, tt := range []struct {
			name string
			c    caller.Caller
			want error
		}{
			{"the same name", system("erp"), caller.ErrExists},
			{"the same name and subject", system("erp", func(c *caller.Caller) { c.CertificateSubject = erp.CertificateSubject }), caller.ErrExists},
			{"another one's subject", system("other", func(c *caller.Caller) { c.CertificateSubject = erp.CertificateSubject }), caller.ErrSubjectTaken},
		} {
			if err := db.Callers().Add(ctx, tt.c); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", tt.name, err)
			}
		}
		other := add(t, db, system("ERP")) // names are told apart by their octets
		wantCallers(t, db, other, bare, erp, portal)

		newest := secret()
		newest.CreatedAt = erp.CreatedAt.Add(time.Second)
		err := db.Callers().Change(ctx, "erp", func(c *caller.Caller) error {
			if !reflect.DeepEqual(*c, erp) {
				t.Errorf("change is given %+v", *c)
			}
			c.Name, c.CreatedAt = "cannot change", now().Add(time.Hour)
			c.Secrets[0].ExpiresAt = erp.CreatedAt.Add(24 * time.Hour)
			c.Secrets = append([]caller.Secret{newest}, c.Secrets...)
			c.CertificateSubject, c.Policy, c.Disabled, c.UpdatedAt = "", caller.Policy{Rate: 1, EnumerationSafe: true}, true, erp.UpdatedAt.Add(time.Minute)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		sealed.ExpiresAt = erp.CreatedAt.Add(24 * time.Hour)
		erp.Secrets, erp.CertificateSubject, erp.Policy, erp.Disabled, erp.UpdatedAt = []caller.Secret{newest, sealed}, "", caller.Policy{Rate: 1, EnumerationSafe: true}, true, erp.UpdatedAt.Add(time.Minute)
		wantCallers(t, db, other, bare, erp, portal)

		portal.CertificateSubject = "CN=portal"
		toPortal := func(c *caller.Caller) error { c.CertificateSubject = portal.CertificateSubject; return nil }
		if err := db.Callers().Change(ctx, portal.Name, toPortal); err != nil {
			t.Error(err)
		}
		if err := db.Callers().Change(ctx, "erp", toPortal); !errors.Is(err, caller.ErrSubjectTaken) {
			t.Errorf("another one's subject: %v", err)
		}
		if err := db.Callers().Change(ctx, "nobody", toPortal); !errors.Is(err, caller.ErrUnknown) {
			t.Errorf("an unknown one: %v", err)
		}
		refused := fmt.Errorf("refused: %w", registration.ErrNotFound)
		if err := db.Callers().Change(ctx, "erp", func(c *caller.Caller) error { c.Disabled, c.Secrets = false, nil; return refused }); err != refused { //nolint:errorlint // as it is
			t.Errorf("an error of change: %v", err)
		}
		wantCallers(t, db, other, bare, erp, portal)
	})
}

// TestChangesMeet: changes of one caller at the same time are all there, over
// two handles and whichever was first.
func TestChangesMeet(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		handles := []*store.DB{open(t, o), open(t, o)}
		add(t, handles[0], system("erp", func(c *caller.Caller) { c.Secrets = nil }))
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				s := secret()
				err := handles[i%2].Callers().Change(t.Context(), "erp", func(c *caller.Caller) error {
					c.Policy.Rate++
					c.Secrets = append(c.Secrets, s)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		all, err := handles[0].Callers().Callers(t.Context())
		if err != nil || len(all) != 1 || all[0].Policy.Rate != 16 || len(all[0].Secrets) != 16 {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

// TestCallersUnknownOutcome: a COMMIT whose answer is lost is found out; what
// was done is done once, and told as done.
func TestCallersUnknownOutcome(t *testing.T) {
	o := onNode(t, sharedNode(t))
	migrate(t, o)
	i := &injector{}
	db := open(t, i.through(o))
	for _, committed := range []bool{true, false} {
		t.Run(fmt.Sprintf("committed: %t", committed), func(t *testing.T) {
			lost := fault{run: committed, sever: true, err: mysql.ErrInvalidConn}
			name := fmt.Sprintf("erp-%t", committed)
			i.set(once("COMMIT", 1, lost))
			c := add(t, db, system(name, func(c *caller.Caller) { c.CertificateSubject = "CN=" + name }))
			if err := db.Callers().Add(t.Context(), system(name)); !errors.Is(err, caller.ErrExists) {
				t.Errorf("another one of the name: %v", err)
			}
			added := secret()
			i.set(once("COMMIT", 1, lost))
			err := db.Callers().Change(t.Context(), name, func(c *caller.Caller) error {
				c.Policy.Rate++
				c.Secrets = append(c.Secrets, added)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			all, err := db.Callers().Callers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, got := range all {
				if got.Name == name {
					found = got.Policy.Rate == 1 && len(got.Secrets) == 2 && got.CertificateSubject == c.CertificateSubject
				}
			}
			if !found {
				t.Errorf("there are %+v", all)
			}
		})
	}
	t.Run("and somebody else was faster", func(t *testing.T) {
		other := open(t, o)
		lost := once("COMMIT", 1, fault{sever: true, err: mysql.ErrInvalidConn})
		retried := once("START TRANSACTION", 2, fault{run: true, before: func() { add(t, other, system("contested")) }})
		i.set(func(statement string) *fault {
			if f := lost(statement); f != nil {
				return f
			}
			return retried(statement)
		})
		if err := db.Callers().Add(t.Context(), system("contested")); !errors.Is(err, caller.ErrExists) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("until the end", func(t *testing.T) {
		i.set(func(statement string) *fault {
			if strings.HasPrefix(statement, "COMMIT") {
				return &fault{sever: true, err: serverError(1047)}
			}
			return nil
		})
		defer i.set(nil)
		ctx, cancel := contextWithin(t, 300*time.Millisecond)
		defer cancel()
		if err := db.Callers().Add(ctx, system("never")); !errors.Is(err, registration.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
}
