package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
)

func newDiff() diff.Diff {
	return diff.Diff{ID: [32]byte{1}, Caller: "portal", Source: "users", Fingerprint: [32]byte{2}, Phase: diff.Table, StartedAt: now(), UpdatedAt: now(), Revision: newID()}
}

// foundOf gives the keys of the findings of a kind, page by page.
func foundOf(t *testing.T, db *store.DB, d diff.Diff, kind diff.Kind) (keys []string) {
	t.Helper()
	for last := ""; ; {
		some, err := db.Diffs().Findings(t.Context(), d.ID, kind, last, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range some {
			keys, last = append(keys, f.Key), f.Key
		}
		if len(some) < 3 {
			return keys
		}
	}
}

// TestDiffsGoOnWhereTheyWere: with their findings; another table, or a restart, begins
// without.
func TestDiffsGoOnWhereTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, ctx := open(t, o), t.Context()
		first := newDiff()
		at, err := db.Diffs().Begin(ctx, first, false)
		if err != nil {
			t.Fatal(err)
		}
		at.Position, at.Progress.Read, at.Progress.Ahead = "n:17", 17, map[string]int64{"status": 2}
		var findings []diff.Finding
		var keys []string
		for i := range 1200 {
			keys = append(keys, fmt.Sprintf("%04d", i))
			findings = append(findings, diff.Finding{Kind: diff.Missing, Key: keys[i]})
		}
		findings = append(findings, diff.Finding{Kind: diff.Differing, Key: "نورة", Fields: []string{"email", "locale"}}, diff.Finding{Kind: diff.Differing, Key: "نورة", Fields: []string{"email"}})
		was := at.Revision
		at.Revision = newID()
		for range 2 { // again it changes nothing
			if err := db.Diffs().Save(ctx, was, at, findings); err != nil {
				t.Fatal(err)
			}
		}
		stale := at
		stale.Revision = newID()
		if err := db.Diffs().Save(ctx, was, stale, nil); !errors.Is(err, transfer.ErrOvertaken) {
			t.Errorf("from an old revision: %v", err)
		}
		counts, err := db.Diffs().Count(ctx, at.ID)
		if err != nil || counts[diff.Missing] != 1200 || counts[diff.Differing] != 1 || len(counts) != 2 {
			t.Errorf("counted %v, %v", counts, err)
		}
		if got := foundOf(t, db, at, diff.Missing); !slices.Equal(got, keys) {
			t.Errorf("found %d", len(got))
		}
		if some, err := db.Diffs().Findings(ctx, at.ID, diff.Differing, "", 10); err != nil || len(some) != 1 || some[0].Key != "نورة" || len(some[0].Fields) == 0 {
			t.Errorf("found %v, %v", some, err)
		}
		if err := db.Diffs().Withdraw(ctx, at.ID, diff.Missing, keys[:1197]); err != nil {
			t.Fatal(err)
		}
		if got, err := db.Diffs().Found(ctx, at.ID, diff.Missing, []string{keys[0], keys[1198], "else"}); err != nil || len(got) != 1 || !got[keys[1198]] {
			t.Errorf("found %v, %v", got, err)
		}

		again := newDiff()
		goesOn, err := db.Diffs().Begin(ctx, again, false)
		if err != nil || goesOn.Position != "n:17" || goesOn.Progress.Read != 17 || goesOn.Progress.Ahead["status"] != 2 || goesOn.Revision != again.Revision || !goesOn.StartedAt.Equal(first.StartedAt) {
			t.Errorf("it goes on with %+v, %v", goesOn, err)
		}
		if got := foundOf(t, db, at, diff.Missing); !slices.Equal(got, keys[1197:]) {
			t.Errorf("found %v", got)
		}
		for name, begin := range map[string]func() (diff.Diff, error){
			"another table": func() (diff.Diff, error) {
				d := newDiff()
				d.Fingerprint = [32]byte{3}
				return db.Diffs().Begin(ctx, d, false)
			},
			"a restart": func() (diff.Diff, error) {
				d := newDiff()
				d.Fingerprint = [32]byte{3}
				return db.Diffs().Begin(ctx, d, true)
			},
		} {
			d, err := begin()
			if err != nil || d.Position != "" || d.Progress.Read != 0 || len(foundOf(t, db, d, diff.Missing)) > 0 {
				t.Errorf("%s begins with %+v, %v", name, d, err)
			}
			was, d.Revision, d.Phase = d.Revision, newID(), diff.Done
			if err := db.Diffs().Save(ctx, was, d, []diff.Finding{{Kind: diff.Missing, Key: "x"}}); err != nil {
				t.Fatal(err)
			}
		}
		ended, err := db.Diffs().Begin(ctx, newDiff(), false)
		if err != nil || ended.Phase != diff.Table || len(foundOf(t, db, ended, diff.Missing)) > 0 {
			t.Errorf("after its end it begins with %+v, %v", ended, err)
		}
	})
}

// TestPeopleOfACaller come whole, in their order, and without others'.
func TestPeopleOfACaller(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, ctx := open(t, o), t.Context()
		all := map[string]registration.Registration{}
		var keys []string
		for i := range 25 {
			key := fmt.Sprint(100 - i)
			all[key] = create(t, db, person(func(r *registration.Registration) {
				r.Account.ExternalID, r.Account.EmailVerifiedAt = key, now().Add(-time.Hour)
			}))
			keys = append(keys, key)
		}
		slices.Sort(keys)
		var keyless []registration.ID
		for range 5 {
			keyless = append(keyless, create(t, db, person(func(r *registration.Registration) { r.Account.ExternalID = "" })).Account.ID)
		}
		create(t, db, person(func(r *registration.Registration) { r.Account.Caller, r.Account.ExternalID = "erp", "100" }))

		people, err := db.Diffs().People(ctx, "portal", append(slices.Clone(keys[:20]), "nobody"))
		if err != nil || len(people) != 20 {
			t.Fatal(len(people), err)
		}
		for key, p := range people {
			if r := all[key]; fmt.Sprintf("%+v", p) != fmt.Sprintf("%+v", transfer.Person{Account: r.Account, Profile: r.Profile}) {
				t.Errorf("got %+v, want %+v", p, r)
			}
		}
		if none, err := db.Diffs().People(ctx, "portal", nil); err != nil || len(none) != 0 {
			t.Error(none, err)
		}
		var ids, pages []string
		for last := ""; ; {
			some, err := db.Diffs().ExternalIDs(ctx, "portal", last, 7)
			if err != nil {
				t.Fatal(err)
			}
			page, err := db.People(nil).ByExternalID(ctx, "portal", last, 7)
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range some {
				ids, pages, last = append(ids, id), append(pages, page[i].Account.ExternalID), id
			}
			if len(some) < 7 {
				break
			}
		}
		if !slices.Equal(ids, keys) || !slices.Equal(pages, keys) {
			t.Errorf("got %v and %v", ids, pages)
		}
		var without, persons []registration.ID
		for last := (registration.ID{}); ; {
			some, err := db.Diffs().Keyless(ctx, "portal", last, 2)
			if err != nil {
				t.Fatal(err)
			}
			page, err := db.People(nil).WithoutExternalID(ctx, "portal", last, 2)
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range some {
				without, persons, last = append(without, id), append(persons, page[i].Account.ID), id
			}
			if len(some) < 2 {
				break
			}
		}
		if !slices.Equal(without, keyless) || !slices.Equal(persons, keyless) {
			t.Errorf("without: %v and %v", without, persons)
		}
		if n, err := db.People(nil).Count(ctx, "portal"); n != 30 || err != nil {
			t.Error(n, err)
		}
	})
}
