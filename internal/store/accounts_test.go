package store_test

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
)

func details(r registration.Registration) registration.Details {
	d := registration.Details{Account: r.Account, Profile: r.Profile, Notifications: r.Notifications}
	d.Account.PasswordHash = ""
	return d
}

func TestCreateComesBackAsItWent(t *testing.T) {
	people := map[string]registration.Registration{
		"plain": person(),
		"unicode": person(func(r *registration.Registration) {
			r.Account.Username = registration.Username{Text: "ﾖｼﾀﾞ𠮷Ⅳ", Key: "ヨシダ𠮷iv"}
			r.Account.Email = registration.Email{Text: "جمال@Müller.example", Key: "جمال@xn--mller-kva.example"}
			r.Profile.FirstName, r.Profile.LastName, r.Profile.Locale = "👩🏽‍🚀", "Zoë'; -- \\ \"\u0000", "ar-SA"
			r.Account.ExternalID, r.RequestID = "007", "42"
			r.Account.RegisteredAt = time.Date(2038, 1, 19, 3, 14, 8, 999999000, time.UTC)
		}),
		"least": person(func(r *registration.Registration) {
			r.Account.ExternalID, r.Account.Mobile, r.RequestID, r.Account.Caller = "", "", "", ""
			r.Profile = registration.Profile{Locale: "en"}
			r.Notifications = r.Notifications[:1]
			r.Notifications[0].TraceParent = ""
		}),
	}
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, r := range people {
			t.Run(name, func(t *testing.T) {
				create(t, db, r)
				want := details(r)
				keys := []registration.Key{{ID: r.Account.ID}, {Username: r.Account.Username.Key}, {Email: r.Account.Email.Key}}
				if r.Account.ExternalID != "" {
					keys = append(keys, registration.Key{Caller: r.Account.Caller, ExternalID: r.Account.ExternalID})
				}
				for _, key := range keys {
					got, err := db.Accounts().Details(t.Context(), key)
					if err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("by %+v:\n got %+v, %v\nwant %+v", key, got, err, want)
					}
				}
				if r.RequestID == "" {
					return
				}
				wantRecord := registration.Record{AccountID: r.Account.ID, Fingerprint: r.Fingerprint, PasswordHash: r.Account.PasswordHash,
					Status: r.Account.Status, Locale: r.Profile.Locale, RegisteredAt: r.Account.RegisteredAt}
				for _, latest := range []bool{false, true} {
					record, err := db.Accounts().Recorded(t.Context(), r.Account.Caller, r.RequestID, latest)
					if err != nil || record != wantRecord {
						t.Errorf("got %+v, %v\nwant %+v", record, err, wantRecord)
					}
				}
			})
		}
	})
}

func TestDuplicatesAreToldByTheirKey(t *testing.T) {
	first := person()
	cases := map[string]struct {
		change func(*registration.Registration)
		want   error
	}{
		"request id":  {func(r *registration.Registration) { r.RequestID = first.RequestID }, registration.ErrRequestIDReused},
		"username":    {func(r *registration.Registration) { r.Account.Username.Key = first.Account.Username.Key }, registration.ErrUsernameTaken},
		"email":       {func(r *registration.Registration) { r.Account.Email.Key = first.Account.Email.Key }, registration.ErrEmailTaken},
		"external id": {func(r *registration.Registration) { r.Account.ExternalID = first.Account.ExternalID }, registration.ErrExternalIDTaken},
		"request id before the rest": {func(r *registration.Registration) {
			r.RequestID, r.Account.Email.Key = first.RequestID, first.Account.Email.Key
		}, registration.ErrRequestIDReused},
		"external id of another caller": {func(r *registration.Registration) {
			r.Account.Caller, r.Account.ExternalID = "billing", first.Account.ExternalID
		}, nil},
		"request id of another caller": {func(r *registration.Registration) {
			r.Account.Caller, r.RequestID = "billing", first.RequestID
		}, nil},
		"username in other case": {func(r *registration.Registration) { r.Account.Username.Key = "JOSÉ" + first.Account.Username.Key }, nil},
		"the very same":          {func(r *registration.Registration) { *r = first; r.RequestID = "" }, nil},
	}
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		create(t, db, first)
		create(t, db, person(func(r *registration.Registration) { r.Account.Username.Key = "jose" + first.Account.Username.Key }))
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				r := person(c.change)
				if _, err := db.Accounts().Create(t.Context(), r); !errors.Is(err, c.want) {
					t.Fatalf("got %v, want %v", err, c.want)
				}
				if c.want == nil {
					return
				}
				if _, err := db.Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID}); !errors.Is(err, registration.ErrNotFound) {
					t.Errorf("something of it is there: %v", err)
				}
			})
		}
	})
}

func TestAbsentIsNotFound(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for _, key := range []registration.Key{{ID: newID()}, {Username: "nobody"}, {Email: "no@body.example"}, {Caller: "portal", ExternalID: "x"}} {
			if _, err := db.Accounts().Details(t.Context(), key); !errors.Is(err, registration.ErrNotFound) {
				t.Errorf("%+v: %v", key, err)
			}
		}
		for _, latest := range []bool{false, true} {
			if _, err := db.Accounts().Recorded(t.Context(), "portal", "x", latest); !errors.Is(err, registration.ErrNotFound) {
				t.Error(err)
			}
		}
	})
}

// TestConcurrentCreates: of many at once under one key exactly one succeeds,
// and each of the others is told which key.
func TestConcurrentCreates(t *testing.T) {
	const many = 16
	cases := map[string]struct {
		same func(r *registration.Registration, first registration.Registration)
		want error
	}{
		"request id": {func(r *registration.Registration, first registration.Registration) {
			r.RequestID, r.Account.Email, r.Account.Username, r.Account.ExternalID = first.RequestID, first.Account.Email, first.Account.Username, first.Account.ExternalID
		}, registration.ErrRequestIDReused},
		"email": {func(r *registration.Registration, first registration.Registration) {
			r.Account.Email = first.Account.Email
		}, registration.ErrEmailTaken},
		"username": {func(r *registration.Registration, first registration.Registration) {
			r.Account.Username = first.Account.Username
		}, registration.ErrUsernameTaken},
	}
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				for range 5 {
					first := person()
					errs := make([]error, many)
					var wg sync.WaitGroup
					for i := range many {
						wg.Go(func() {
							_, errs[i] = db.Accounts().Create(t.Context(), person(func(r *registration.Registration) { c.same(r, first) }))
						})
					}
					wg.Wait()
					created := 0
					for _, err := range errs {
						switch {
						case err == nil:
							created++
						case !errors.Is(err, c.want):
							t.Errorf("got %v, want %v", err, c.want)
						}
					}
					if created != 1 {
						t.Errorf("%d created", created)
					}
				}
			})
		}
	})
}

// TestSeveralTakenKeysAreAllTold: in the same way by every database, whichever
// index it looks at first.
func TestSeveralTakenKeysAreAllTold(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		first, second := person(), person()
		create(t, db, first)
		create(t, db, second)
		r := person(func(r *registration.Registration) {
			r.RequestID = ""
			r.Account.Username.Key, r.Account.Email.Key = first.Account.Username.Key, second.Account.Email.Key
			r.Account.ExternalID = first.Account.ExternalID
		})
		_, err := db.Accounts().Create(t.Context(), r)
		taken, ok := errors.AsType[*registration.Error](err)
		if !ok || taken.Code != registration.UsernameTaken {
			t.Fatalf("got %v", err)
		}
		var fields []string
		for _, f := range taken.Fields {
			fields = append(fields, f.Field)
		}
		if want := []string{"username", "email", "externalId"}; !slices.Equal(fields, want) {
			t.Errorf("told of %v, want %v", fields, want)
		}
	})
}
