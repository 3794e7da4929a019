package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"registrar/internal/audit"
	"registrar/internal/lease"
	"registrar/internal/registration"
	"registrar/internal/store"
)

var auditKey = bytes.Repeat([]byte{9}, audit.KeySize)

// audited is a registration with its entry.
func audited(r *registration.Registration) { r.Audit = entryOf(r.Account, registration.AuditRegister) }

func entryOf(a registration.Account, action registration.Action) audit.Entry {
	return audit.Entry{
		ID: newID(), At: now(), Action: action, Outcome: registration.AuditOK, Caller: a.Caller, AccountID: a.ID, ExternalID: a.ExternalID,
		CorrelationID: "0c6d3a4e-3d0f-4d51-9d1b-5d7f9b7c1a2e", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
}

// entries are all of the log, as each is told.
func entries(t testing.TB, db *store.DB, f audit.Filter) (all []audit.Sealed) {
	t.Helper()
	err := audit.Each(t.Context(), db.Audit(), f, func(s audit.Sealed) error {
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// seal puts all that waits into the chain.
func seal(t testing.TB, db *store.DB, limit int) {
	t.Helper()
	taken, held, err := db.Leases().Acquire(t.Context(), "audit-sealer", "test", time.Now(), time.Minute)
	if err != nil || !held {
		t.Fatal(held, err)
	}
	for n := 1; n > 0; {
		if n, _, err = db.Audit().Seal(t.Context(), taken, limit); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Leases().Release(t.Context(), taken); err != nil {
		t.Fatal(err)
	}
}

// verifyAudit verifies the chain as it is.
func verifyAudit(t testing.TB, db *store.DB, s audit.Settings) (*audit.Break, audit.Report) {
	t.Helper()
	broken, report, err := audit.Verify(t.Context(), db.Audit(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return broken, report
}

// TestEntriesComeBackAsTheyWere, before they are sealed and after.
func TestEntriesComeBackAsTheyWere(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		o.AuditKey = auditKey
		db, keys := open(t, o), codeKeys(t)
		r := pending(keys)
		audited(&r)
		create(t, db, r)
		tried := entryOf(r.Account, registration.AuditVerifyContact)
		tried.Outcome, tried.Detail = string(registration.CodeInvalid), "channel=EMAIL"
		err := db.Accounts().ChangeContact(t.Context(), r.Account.ID, registration.EmailChannel, newID(), func(c registration.Contact) (registration.ContactChange, error) {
			return registration.ContactChange{Code: c.Code, At: now(), Audit: tried}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		refused := audit.Entry{ID: newID(), At: now(), Action: registration.AuditRegister, Outcome: string(registration.EmailTaken)}
		if err := db.Accounts().Record(t.Context(), refused, nil); err != nil {
			t.Fatal(err)
		}
		exported := entryOf(r.Account, audit.Export)
		if err := db.Audit().Append(t.Context(), exported); err != nil {
			t.Fatal(err)
		}
		for _, sealed := range []bool{false, true} {
			if sealed {
				seal(t, db, 3)
			}
			all := entries(t, db, audit.Filter{})
			if len(all) != 4 {
				t.Fatalf("%d entries", len(all))
			}
			for i, want := range []audit.Entry{r.Audit, tried, refused, exported} {
				if got := all[i]; got.Entry != want || got.Number != int64(i+1) || got.Writer != all[0].Writer || (got.Sequence > 0) != sealed {
					t.Errorf("sealed %t: %+v, want %+v", sealed, got, want)
				}
			}
		}
		if broken, report := verifyAudit(t, db, audit.Settings{Key: auditKey, KeyedFrom: 1}); broken != nil || report.Entries != 4 || report.Missing != 0 {
			t.Errorf("%v, %+v", broken, report)
		}
		if n, oldest, err := db.Audit().Waiting(t.Context()); n != 0 || !oldest.IsZero() || err != nil {
			t.Errorf("%d wait since %v, %v", n, oldest, err)
		}
		for name, f := range map[string]audit.Filter{
			"account": {AccountID: r.Account.ID}, "external id": {Caller: r.Account.Caller, ExternalID: r.Account.ExternalID}, "since": {Since: r.Audit.At},
		} {
			if n := len(entries(t, db, f)); n < 3 {
				t.Errorf("%s: %d entries", name, n)
			}
		}
		for name, f := range map[string]audit.Filter{
			"action": {Action: audit.Export}, "outcome": {Outcome: string(registration.EmailTaken)}, "since and until": {Since: exported.At, Until: exported.At.Add(time.Microsecond), Action: audit.Export},
		} {
			if n := len(entries(t, db, f)); n != 1 {
				t.Errorf("%s: %d entries", name, n)
			}
		}
	})
}

// TestNoEntryWithoutItsRegistration: one that is refused leaves none, and no gap.
func TestNoEntryWithoutItsRegistration(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		r := create(t, db, person(audited))
		for _, change := range []func(*registration.Registration){
			func(other *registration.Registration) { other.Account.Email = r.Account.Email },
			func(other *registration.Registration) { other.RequestID = r.RequestID },
		} {
			if _, err := db.Accounts().Create(t.Context(), person(audited, change)); err == nil {
				t.Fatal("it was stored")
			}
		}
		if _, err := db.Accounts().Create(t.Context(), r); err != nil && !errors.Is(err, registration.ErrRequestIDReused) { // the same call again
			t.Fatal(err)
		}
		later := create(t, db, person(audited))
		seal(t, db, 100)
		all := entries(t, db, audit.Filter{})
		if len(all) != 2 || all[0].AccountID != r.Account.ID || all[1].AccountID != later.Account.ID {
			t.Fatalf("the entries are %+v", all)
		}
		if broken, report := verifyAudit(t, db, audit.Settings{}); broken != nil || report.Missing != 0 {
			t.Errorf("%v, %+v", broken, report)
		}
	})
}

// TestSealersBesideWriters: of several sealers, which lose their lease in the
// middle, each record is sealed once, and the chain is whole.
func TestSealersBesideWriters(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		var writing, sealing sync.WaitGroup
		const writers, each = 6, 25
		for range writers {
			writing.Go(func() {
				for range each {
					if _, err := db.Accounts().Create(t.Context(), person(audited)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		ctx, stop := context.WithCancel(t.Context())
		for i := range 3 {
			sealing.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					// A lease that has run out when it begins: whoever comes next takes it over.
					taken, held, err := db.Leases().Acquire(t.Context(), "audit-sealer", fmt.Sprint("sealer-", i), time.Now(), time.Millisecond)
					if err != nil {
						t.Error(err)
					}
					if !held {
						continue
					}
					if n%3 == 0 {
						time.Sleep(3 * time.Millisecond) // another has taken over by then
					}
					if _, _, err := db.Audit().Seal(t.Context(), taken, 7); err != nil && !errors.Is(err, lease.ErrLost) {
						t.Error(err)
					}
				}
			})
		}
		writing.Wait()
		time.Sleep(10 * time.Millisecond)
		stop()
		sealing.Wait()
		seal(t, db, 100)
		broken, report := verifyAudit(t, db, audit.Settings{})
		if broken != nil || report.Entries != writers*each || report.Missing != 0 {
			t.Fatalf("%v, %+v", broken, report)
		}
		ids := map[registration.ID]bool{}
		for _, e := range entries(t, db, audit.Filter{}) {
			ids[e.ID] = true
		}
		if len(ids) != writers*each {
			t.Errorf("%d entries", len(ids))
		}
	})
}

// TestSealingUnderALostLease changes nothing.
func TestSealingUnderALostLease(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		create(t, db, person(audited))
		at := time.Now()
		old, _, err := db.Leases().Acquire(t.Context(), "audit-sealer", "a", at, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, held, err := db.Leases().Acquire(t.Context(), "audit-sealer", "b", at.Add(2*time.Second), time.Minute); err != nil || !held {
			t.Fatal(held, err)
		}
		if _, _, err := db.Audit().Seal(t.Context(), old, 10); !errors.Is(err, lease.ErrLost) {
			t.Errorf("got %v", err)
		}
		if some, err := db.Audit().Any(t.Context()); !some || err != nil {
			t.Errorf("it was sealed: %t, %v", some, err)
		}
		if head, err := db.Audit().Head(t.Context()); head != (audit.Head{}) || err != nil {
			t.Errorf("the head is %v, %v", head, err)
		}
	})
}

// TestChangesBySQL of what is sealed show at their place.
func TestChangesBySQL(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for range 12 {
			create(t, db, person(audited))
		}
		seal(t, db, 5)
		for _, tt := range []struct {
			do   []string
			at   int64
			kind audit.Kind
		}{
			{[]string{`UPDATE audit_log SET outcome = 'EMAIL_TAKEN' WHERE sequence = 4`}, 4, audit.Edited},
			{[]string{`UPDATE audit_log SET external_id = 'other' WHERE sequence = 5`}, 5, audit.Edited},
			{[]string{`DELETE FROM audit_log WHERE sequence = 3`}, 3, audit.Cut},
			{[]string{`DELETE FROM audit_log WHERE sequence <= 2`}, 1, audit.Cut},
			{[]string{`UPDATE audit_log SET sequence = 100 WHERE sequence = 6`, `UPDATE audit_log SET sequence = 6 WHERE sequence = 7`, `UPDATE audit_log SET sequence = 7 WHERE sequence = 100`}, 6, audit.Reordered},
		} {
			copied := copyTable(t, db, "audit_log")
			for _, statement := range tt.do {
				write(t, db, statement)
			}
			if broken, _ := verifyAudit(t, db, audit.Settings{}); broken == nil || broken.Sequence != tt.at || broken.Kind != tt.kind {
				t.Errorf("%s: %v", tt.do, broken)
			}
			copied()
		}
		if broken, _ := verifyAudit(t, db, audit.Settings{}); broken != nil {
			t.Errorf("put back: %v", broken)
		}
	})
}

// copyTable remembers a table, and gives what puts it back.
func copyTable(t *testing.T, db *store.DB, table string) (back func()) {
	t.Helper()
	write(t, db, `CREATE TABLE `+table+`_copy AS SELECT * FROM `+table)
	return func() {
		write(t, db, `DELETE FROM `+table)
		write(t, db, `INSERT INTO `+table+` SELECT * FROM `+table+`_copy`)
		write(t, db, `DROP TABLE `+table+`_copy`)
	}
}

// write executes a statement, as whoever has the database may.
func write(t testing.TB, db *store.DB, statement string, args ...any) {
	t.Helper()
	err := db.Transact(t.Context(), func(run func(string, ...any) error, _ bool) error { return run(statement, args...) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestPruning leaves a chain that is whole from its checkpoint on, wherever it stops.
func TestPruning(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db, begin := open(t, o), now().Add(-48*time.Hour)
		const all, old = 1203, 1100
		var some []audit.Entry
		for i := range all {
			e := audit.Entry{ID: newID(), At: begin.Add(time.Duration(i) * time.Second), Action: registration.AuditRegister, Outcome: registration.AuditOK}
			if some = append(some, e); len(some) == 100 || i == all-1 {
				if err := db.Audit().Append(t.Context(), some...); err != nil {
					t.Fatal(err)
				}
				some = nil
			}
		}
		seal(t, db, 300)
		if after, err := db.Audit().Begins(t.Context(), begin.Add(audit.Disorder+500*time.Second)); err != nil || after < 499 || after > 500 {
			t.Errorf("a search by time begins behind %d, %v", after, err)
		}
		through, err := db.Audit().Prunable(t.Context(), begin.Add(old*time.Second))
		if err != nil || through.Sequence != old {
			t.Fatal(through, err)
		}
		entry := func() audit.Entry {
			return audit.Entry{ID: newID(), At: now(), Action: audit.Prune, Outcome: registration.AuditOK, Detail: audit.PruneDetail(through, "by=uid:0")}
		}
		// It dies after the first transaction.
		ctx, kill := context.WithCancel(t.Context())
		err = db.Audit().Prune(ctx, through.Sequence, now(), entry(), func(int) { kill() })
		if err == nil {
			t.Fatal("it was not stopped")
		}
		if broken, report := verifyAudit(t, db, audit.Settings{}); broken != nil || report.Entries >= all || report.Unvouched {
			t.Errorf("half: %v, %+v", broken, report)
		}
		removed := 0
		if err := db.Audit().Prune(t.Context(), through.Sequence, now(), entry(), func(n int) { removed += n }); err != nil || removed == 0 {
			t.Fatal(removed, err)
		}
		seal(t, db, 300)
		broken, report := verifyAudit(t, db, audit.Settings{Kept: []audit.Head{through}})
		if broken != nil || report.Entries != all-old+2 || report.Unvouched {
			t.Errorf("%v, %+v", broken, report)
		}
		copied := copyTable(t, db, "audit_log")
		write(t, db, `DELETE FROM audit_log WHERE sequence = 1101`)
		if broken, _ := verifyAudit(t, db, audit.Settings{}); broken == nil || broken.Kind != audit.Cut || broken.Sequence != old+1 {
			t.Errorf("one more is gone: %v", broken)
		}
		copied()
		// All that there is, while it is verified.
		if through, err = db.Audit().Prunable(t.Context(), now()); err != nil || through.Sequence != all+2 {
			t.Fatal(through, err)
		}
		pruned := false
		broken, report, err = audit.Verify(t.Context(), db.Audit(), audit.Settings{}, func(int) {
			if !pruned {
				pruned = true
				if err := db.Audit().Prune(t.Context(), through.Sequence, now(), entry(), func(int) {}); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil || broken != nil {
			t.Errorf("pruned beside it: %v, %v, %+v", err, broken, report)
		}
		for range 2 {
			if broken, report := verifyAudit(t, db, audit.Settings{Pruned: []audit.Head{through}, Kept: []audit.Head{{Sequence: 1}}}); broken != nil || report.Doubt != "" || report.From != through {
				t.Errorf("nothing is left: %v, %+v", broken, report)
			}
			seal(t, db, 300)
		}
	})
}

// TestEachIsToldOnce, also while it is sealed.
func TestEachIsToldOnce(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		var want []registration.ID
		for range 30 {
			r := create(t, db, person(audited))
			want = append(want, r.Audit.ID)
		}
		var got []registration.ID
		err := audit.Each(t.Context(), db.Audit(), audit.Filter{}, func(s audit.Sealed) error {
			if len(got) == 10 {
				seal(t, db, 100)
			}
			got = append(got, s.ID)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d of %d entries, %v", len(got), len(want), err)
		}
	})
}
