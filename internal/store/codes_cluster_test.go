package store_test

import (
	"slices"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
)

// TestCodesAtTwoNodes: what is asked at both at once is counted together, and
// neither answers by what the other has changed meanwhile.
func TestCodesAtTwoNodes(t *testing.T) {
	g := sharedCluster(t)
	o, keys := g.database(t), codeKeys(t)
	db := [2]*store.DB{open(t, g.at(o, 0)), open(t, g.at(o, 1))}
	servers := []*registration.Service{verifier(db[0], keys), verifier(db[1], keys)}
	t.Run("five tries", func(t *testing.T) {
		for range 10 {
			fiveTries(t, servers, keys, create(t, db[0], pending(keys)))
		}
	})
	t.Run("the right code", func(t *testing.T) {
		for range 10 {
			r := create(t, db[0], pending(keys))
			right, _ := code(t, keys, r)
			if got := tries(t.Context(), servers, r, slices.Repeat([]string{right}, 6)); got[""] != 6 {
				t.Errorf("answered %v", got)
			}
			d, err := db[1].Accounts().Details(t.Context(), registration.Key{ID: r.Account.ID})
			if err != nil || len(d.Notifications) != 4 { // two codes, and the news by both channels once
				t.Errorf("%d notifications, %v", len(d.Notifications), err)
			}
		}
	})
	t.Run("a code of the other node's", func(t *testing.T) {
		for range 20 {
			r := create(t, db[0], pending(keys))
			_, wrong := code(t, keys, r)
			fiveTries(t, servers[:1], keys, r)
			later := time.Now().Add(time.Minute)
			for _, s := range servers {
				s.Now = func() time.Time { return later }
			}
			if _, err := servers[0].Resend(t.Context(), registration.ResendRequest{RegistrationID: r.Account.ID.String(), Channel: registration.EmailChannel}); err != nil {
				t.Fatal(err)
			}
			// The other one must not say that the tries are used up: those were of the code before.
			if got := tries(t.Context(), servers[1:], r, []string{wrong}); got[registration.CodeInvalid] != 1 {
				t.Fatalf("answered %v", got)
			}
		}
	})
}
