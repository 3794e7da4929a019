package store_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/audit"
	rightsof "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// cutTo removes the beginning of the chain by SQL and has it begin behind an entry.
func cutTo(t *testing.T, db *store.DB, h audit.Head) {
	t.Helper()
	write(t, db, `DELETE FROM audit_log WHERE sequence <= ?`, h.Sequence)
	write(t, db, `REPLACE INTO audit_checkpoints (name, sequence, hash, at) VALUES ('pruned', ?, ?, 0)`, h.Sequence, h.Hash[:])
}

// forge puts an entry by SQL where a server seals it, with no MAC.
func forge(t *testing.T, db *store.DB, action registration.Action, detail string) {
	t.Helper()
	id, writer := newID(), newID()
	write(t, db, `INSERT INTO audit_pending (id, at, action, outcome, caller, correlation_id, trace_parent, detail, writer, number) VALUES (?,?,?,'OK','','','',?,?,1)`,
		id[:], now().UnixMicro(), string(action), detail, writer[:])
}

// TestForgeriesBySQL of what a verification goes by beside the chain: where it
// was pruned, and whose external ids an erasure has removed.
func TestForgeriesBySQL(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		o.AuditKey = auditKey
		db := open(t, o)
		for range 12 {
			create(t, db, person(audited))
		}
		seal(t, db, 5)
		var heads []audit.Head
		for _, s := range entries(t, db, audit.Filter{}) {
			heads = append(heads, s.Head())
		}
		madeUp := heads[11]
		madeUp.Hash[0] ^= 1
		prune := func(h audit.Head) { forge(t, db, audit.Prune, audit.PruneDetail(h, "by=uid:0")) }
		for name, tt := range map[string]struct {
			do       func()
			settings audit.Settings
			at       int64
			kind     audit.Kind
		}{
			"all is gone":                       {func() { cutTo(t, db, madeUp) }, audit.Settings{}, 1, audit.Cut},
			"all is gone, with heads":           {func() { cutTo(t, db, madeUp) }, audit.Settings{Kept: heads[:9]}, 1, audit.Cut},
			"the beginning is gone":             {func() { cutTo(t, db, heads[6]) }, audit.Settings{Key: auditKey, KeyedFrom: 10}, 1, audit.Cut},
			"another pruning is told of":        {func() { cutTo(t, db, heads[6]); prune(heads[4]) }, audit.Settings{}, 6, audit.Cut},
			"one behind itself is told of":      {func() { cutTo(t, db, heads[6]); forge(t, db, audit.Prune, "through=999") }, audit.Settings{}, 1, audit.Cut},
			"another hash is told of":           {func() { cutTo(t, db, madeUp); prune(heads[11]) }, audit.Settings{}, 12, audit.Edited},
			"it is told of by no holder of key": {func() { cutTo(t, db, heads[6]); prune(heads[6]) }, audit.Settings{Key: auditKey}, 1, audit.Cut},
			"an external id is gone": {func() {
				write(t, db, `UPDATE audit_log SET external_id = NULL, external_salt = NULL WHERE sequence = 3`)
			}, audit.Settings{Kept: heads, Key: auditKey, KeyedFrom: 1}, 3, audit.Edited},
			"all external ids are gone": {func() { write(t, db, `UPDATE audit_log SET external_id = NULL, external_salt = NULL`) }, audit.Settings{}, 1, audit.Edited},
		} {
			for _, sealed := range []bool{false, true} {
				log, checkpoints, waiting := copyTable(t, db, "audit_log"), copyTable(t, db, "audit_checkpoints"), copyTable(t, db, "audit_pending")
				tt.do()
				if sealed {
					seal(t, db, 100)
				}
				if broken, report := verifyAudit(t, db, tt.settings); broken == nil || broken.Sequence != tt.at || broken.Kind != tt.kind {
					t.Errorf("%s, sealed %t: %v, %+v", name, sealed, broken, report)
				}
				log()
				checkpoints()
				waiting()
			}
		}
		if broken, _ := verifyAudit(t, db, audit.Settings{Kept: heads, Key: auditKey, KeyedFrom: 1}); broken != nil {
			t.Errorf("put back: %v", broken)
		}
	})
}

// TestAForgedPruning that a server has sealed is in no way another than one that
// an operator made, where there is no key; heads that were kept leave a doubt.
func TestAForgedPruning(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		for range 12 {
			create(t, db, person(audited))
		}
		seal(t, db, 5)
		var heads []audit.Head
		for _, s := range entries(t, db, audit.Filter{}) {
			heads = append(heads, s.Head())
		}
		cutTo(t, db, heads[6])
		forge(t, db, audit.Prune, audit.PruneDetail(heads[6], "by=uid:0"))
		seal(t, db, 5)
		for _, tt := range []struct {
			kept  []audit.Head
			doubt bool
		}{{nil, false}, {heads[:5], true}, {heads, true}, {heads[8:], false}} {
			if broken, report := verifyAudit(t, db, audit.Settings{Kept: tt.kept}); broken != nil || (report.Doubt != "") != tt.doubt {
				t.Errorf("%d heads: %v, %+v", len(tt.kept), broken, report)
			}
		}
	})
}

// TestBlankedEntries: however many entries lose their external id by an erasure,
// sealed or not, the chain is whole while the rest is sealed, some at a time, and
// when it is pruned; the same by SQL is found beside them.
func TestBlankedEntries(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		o.AuditKey = auditKey
		db := open(t, o)
		s, r := rights(t, db), create(t, db, person(func(r *registration.Registration) { r.Account.ExternalID = "crm-" + newID().String() }, audited))
		old := now().Add(-time.Hour)
		tries := func(n int, later byte) {
			for range n {
				e := entryOf(r.Account, registration.AuditVerifyContact)
				e.At, e.ID[0] = old, e.ID[0]+later // by a clock that is ahead
				if err := db.Audit().Append(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
		}
		tries(20, 0)
		create(t, db, person(audited))
		seal(t, db, 100)
		tries(20, 1)
		_, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}})
		if err != nil {
			t.Fatal(err)
		}
		settings := audit.Settings{Key: auditKey, KeyedFrom: 1}
		taken, held, err := db.Leases().Acquire(t.Context(), "audit-sealer", "test", time.Now(), time.Minute)
		if err != nil || !held {
			t.Fatal(held, err)
		}
		for n := 1; n > 0; {
			if broken, report := verifyAudit(t, db, settings); broken != nil || report.Erased < 21 {
				t.Fatalf("%v, %+v", broken, report)
			}
			if n, _, err = db.Audit().Seal(t.Context(), taken, 3); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Leases().Release(t.Context(), taken); err != nil {
			t.Fatal(err)
		}
		blanks := entries(t, db, audit.Filter{AccountID: r.Account.ID, Action: audit.Blank})
		if len(blanks) != 3 || blanks[0].Sequence != 44 || blanks[0].Caller != r.Account.Caller || !strings.HasPrefix(blanks[0].Detail, "by=uid:0 erased=") {
			t.Errorf("told by %+v", blanks)
		}
		if broken, report := verifyAudit(t, db, settings); broken != nil || report.Missing != 0 || report.Erased != 41 {
			t.Errorf("all sealed: %v, %+v", broken, report)
		}
		write(t, db, `UPDATE audit_log SET external_id = NULL, external_salt = NULL WHERE sequence = 22`)
		if broken, report := verifyAudit(t, db, settings); broken == nil || broken.Sequence != 22 || report.Blanked != 1 {
			t.Errorf("by SQL: %v, %+v", broken, report)
		}
		for _, through := range []int64{22, 30, 45} {
			all := entries(t, db, audit.Filter{})
			last := all[slices.IndexFunc(all, func(s audit.Sealed) bool { return s.Sequence == through })].Head()
			entry := audit.Entry{ID: newID(), At: now(), Action: audit.Prune, Outcome: registration.AuditOK, Detail: audit.PruneDetail(last, "by=uid:0")}
			if err := db.Audit().Prune(t.Context(), through, now(), entry, func(int) {}); err != nil {
				t.Fatal(err)
			}
			seal(t, db, 100)
			if broken, report := verifyAudit(t, db, settings); broken != nil || report.From != last {
				t.Errorf("pruned through %d: %v, %+v", through, broken, report)
			}
		}
	})
}

// TestErasingBesideASealer: whatever of a person is sealed at that moment, the
// chain is whole, also to who verifies it meanwhile, and no number is missing.
func TestErasingBesideASealer(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s := rights(t, db)
		ctx, stop := context.WithCancel(t.Context())
		var erasing, beside sync.WaitGroup
		for range 3 {
			erasing.Go(func() {
				for range 8 {
					r := alone(func(r *registration.Registration) { r.Account.ExternalID = "crm-" + newID().String() }, audited)
					if _, err := db.Accounts().Create(ctx, r); err != nil {
						t.Error(err)
					}
					for range 3 {
						if err := db.Audit().Append(ctx, entryOf(r.Account, registration.AuditVerifyContact)); err != nil {
							t.Error(err)
						}
					}
					if _, err := s.Erase(ctx, rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		taken, held, err := db.Leases().Acquire(ctx, "audit-sealer", "test", time.Now(), time.Minute)
		if err != nil || !held {
			t.Fatal(held, err)
		}
		beside.Go(func() {
			for ctx.Err() == nil {
				if _, _, err := db.Audit().Seal(ctx, taken, 3); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
		beside.Go(func() {
			for ctx.Err() == nil {
				if broken, report, err := audit.Verify(ctx, db.Audit(), audit.Settings{}, nil); (err != nil || broken != nil) && ctx.Err() == nil {
					t.Error(err, broken, report)
				}
			}
		})
		erasing.Wait()
		stop()
		beside.Wait()
		if err := db.Leases().Release(t.Context(), taken); err != nil {
			t.Fatal(err)
		}
		seal(t, db, 100)
		if broken, report := verifyAudit(t, db, audit.Settings{}); broken != nil || report.Erased != 24*4 || report.Missing != 0 {
			t.Errorf("%v, %+v", broken, report)
		}
	})
}
