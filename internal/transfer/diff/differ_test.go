package diff_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
)

const people = 1300 // more than are looked at together

// TestNothingDiffersAfterAnImport: whatever the store keeps in another spelling, and
// whatever the rules have changed.
func TestNothingDiffersAfterAnImport(t *testing.T) {
	w := newWorld(t, people)
	d, found := w.diff()
	w.want(found)
	if p := d.Progress; p.Read != people || p.Same != people || p.InStore != people || p.Rehashed != 0 || len(p.Ahead) > 0 {
		t.Errorf("progress %+v", p)
	}
}

// changes are what can be wrong with a row, and what is said of it.
var changes = []struct {
	field  string
	change func(row []string)
}{
	{"email", func(r []string) { r[email] = "else-" + r[id] + "@example.org" }},
	{"username", func(r []string) { r[username] = "else" + r[id] }},
	{"first_name", func(r []string) { r[name] = "Else" + r[name] }},
	{"last_name", func(r []string) { r[name] += " x" }},
	{"locale", func(r []string) { r[locale] = "fr" }},
	{"registered_at", func(r []string) { r[created] = "2020-01-01 00:00:00" }},
	{"password_hash", func(r []string) { r[hash] = "$2y$10$" + "a" + r[hash][8:] }},
}

// TestExactlyWhatWasChangedIsFound: rows that are changed, taken away and added, in
// any number and place.
func TestExactlyWhatWasChangedIsFound(t *testing.T) {
	w := newWorld(t, people)
	for _, k := range []int{1, 20, 300} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			w.t, w.table = t, rows(people)
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			r := rand.New(rand.NewPCG(seed, 1))
			var want []string
			changed := map[int]bool{}
			for _, i := range r.Perm(people)[:k] {
				changed[i] = true
			}
			var table [][]string
			for i, one := range w.table {
				switch plain := slices.Equal(one, row(i+1)); {
				case !changed[i]:
					table = append(table, one)
				case plain && r.IntN(3) > 0:
					c := changes[r.IntN(len(changes))]
					c.change(one)
					table = append(table, one)
					want = append(want, "differing "+one[id]+" "+c.field)
				default:
					want = append(want, "extra "+one[id])
				}
				if r.IntN(people) < k {
					table = append(table, row(people+1+i))
					want = append(want, fmt.Sprintf("missing %d", people+1+i))
				}
			}
			w.table = table
			w.write()
			_, found := w.diff()
			w.want(found, want...)
		})
	}
}

// TestWhatHasGoneOnIsNoDifference: contacts that were verified here, accounts that
// became active, consent that was withdrawn, passwords that were hashed anew.
func TestWhatHasGoneOnIsNoDifference(t *testing.T) {
	w := newWorld(t, 40)
	ctx := t.Context()
	w.table[0][verified] = "" // the store's is verified
	w.table[1][consent] = "1"
	w.write()
	d, err := w.db.Accounts().Details(ctx, registration.Key{Caller: "monolith", ExternalID: "2"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Consents().Withdraw(ctx, d.Account.ID, registration.EmailChannel, time.Now()); err != nil {
		t.Fatal(err)
	}
	if d, err = w.db.Accounts().Details(ctx, registration.Key{Caller: "monolith", ExternalID: "3"}); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Passwords().Rehash(ctx, d.Account.ID, bcrypt10, ownHash); err != nil {
		t.Fatal(err)
	}
	got, found := w.diff()
	w.want(found, "ahead 1 email_verified_at", "ahead 2 marketing_consent")
	if p := got.Progress; p.Rehashed != 1 || p.Same != 40 || p.Ahead["marketing_consent"] != 1 {
		t.Errorf("progress %+v", p)
	}
	// The other way round each is a difference.
	w.table[3] = row(4)
	w.table[3][consent] = "0"
	w.table[4][hash] = ownHash // and the store has the monolith's
	w.write()
	_, found = w.diff()
	w.want(found, "ahead 1 email_verified_at", "ahead 2 marketing_consent", "differing 4 marketing_consent", "differing 5 password_hash")
}

// TestWhoIsOnOneSideAlone: the erased are told apart, and rows that no import would
// store are not taken for missing ones.
func TestWhoIsOnOneSideAlone(t *testing.T) {
	w := newWorld(t, 40)
	ctx := t.Context()
	rights := &person.Service{Store: w.db.Persons(), Keys: w.keys, Audit: w.db.Audit(), NewID: newID, Now: time.Now}
	for _, e := range []struct {
		id   string
		keep bool
	}{{"1", false}, {"2", true}} {
		if _, err := rights.Erase(ctx, person.Erasure{Key: registration.Key{Caller: "monolith", ExternalID: e.id}, KeepExternalID: e.keep}); err != nil {
			t.Fatal(err)
		}
	}
	live := registration.Registration{
		Account: registration.Account{
			ID: mustID(t), Caller: "monolith", Username: registration.Username{Text: "live", Key: "live"}, Email: registration.Email{Text: "live@example.com", Key: "live@example.com"},
			PasswordHash: ownHash, Status: registration.Active, RegisteredAt: time.Now(),
		},
		Profile: registration.Profile{Locale: "en"},
	}
	other := live
	other.Account.ID, other.Account.Caller, other.Account.ExternalID = mustID(t), "portal", "900"
	other.Account.Username.Key, other.Account.Email.Key = "other", "other@example.com"
	for _, r := range []registration.Registration{live, other} {
		if _, err := w.db.Accounts().Create(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	w.table[4][email] = "nonsense"      // in the store, and no import would take the row any more
	w.table = append(w.table, row(900)) // another caller's key is nobody's here
	broken := row(901)
	broken[hash] = "plain text"
	w.table = append(w.table, broken, []string{"", "x", "x", "", bcrypt10, "", "1", "", ""}, []string{"902", "too short"})
	w.write()
	_, found := w.diff()
	w.want(found, "erased 1", "erased 2", "keyless "+live.Account.ID.String(), "differing 5 email_invalid", "missing 900", "refused 901 password_unusable",
		"refused line 44 external_id_invalid,username_invalid", "refused line 45 row_unreadable")
}

// TestRepair imports who is missing by the import's own rules, and nobody else.
func TestRepair(t *testing.T) {
	w := newWorld(t, 200)
	for n := 201; n <= 260; n++ {
		w.table = append(w.table, row(n))
	}
	w.table[230][username] = "person1" // taken: made of the external id
	w.table[231][email] = "person2@example.com"
	w.table[0][locale] = "fr" // stays a difference
	w.write()
	d, _ := w.diff()
	w.table = append(w.table, row(261)) // came meanwhile
	w.write()
	i, err := w.differ().Repair(t.Context(), d, w.importer())
	if err != nil || i.Stored != 60 || i.Present != 0 || i.Refused != 0 {
		t.Fatalf("repaired %+v, %v", i, err)
	}
	w.want(w.findings(d), "differing 1 locale")
	_, found := w.diff()
	w.want(found, "differing 1 locale", "missing 261")
}

// TestRepairSaysWhatItCannot: who is refused by the store's content stays missing.
func TestRepairSaysWhatItCannot(t *testing.T) {
	w := newWorld(t, 8)
	w.m.Rules[transfer.UsernameTaken] = transfer.Refuse
	w.table = append(w.table, row(9), row(10))
	w.table[8][username] = "person1"
	w.write()
	d, _ := w.diff()
	i, err := w.differ().Repair(t.Context(), d, w.importer())
	if err != nil || i.Stored != 1 || i.Refused != 1 || i.Tally["username_taken/refuse"].Rows != 1 {
		t.Fatalf("repaired %+v, %v", i, err)
	}
	w.want(w.findings(d), "missing 9")
}

// dying is a Store that ends the process's life at one of its calls.
type dying struct {
	*store.Diffs
	life int
}

var errDied = errors.New("died")

func (s *dying) step() error {
	if s.life--; s.life < 0 {
		return errDied
	}
	return nil
}

func (s *dying) Save(ctx context.Context, was registration.ID, d diff.Diff, findings []diff.Finding) error {
	if err := s.step(); err != nil {
		return err
	}
	if err := s.Diffs.Save(ctx, was, d, findings); err != nil {
		return err
	}
	return s.step() // after it was saved, and before anybody knew
}

func (s *dying) ExternalIDs(ctx context.Context, caller, after string, limit int) ([]string, error) {
	if err := s.step(); err != nil {
		return nil, err
	}
	return s.Diffs.ExternalIDs(ctx, caller, after, limit)
}

func (s *dying) Withdraw(ctx context.Context, id [32]byte, kind diff.Kind, keys []string) error {
	if err := s.step(); err != nil {
		return err
	}
	return s.Diffs.Withdraw(ctx, id, kind, keys)
}

// TestInterruptedComparisonsGoOn: wherever one ended, the next run comes to the same
// as one that was not interrupted.
func TestInterruptedComparisonsGoOn(t *testing.T) {
	w := newWorld(t, people)
	for i := 0; i < people; i += 2 {
		w.table[i][name] = "Else where"
	}
	w.table = slices.Delete(w.table, 100, 140)
	w.write()
	d, want := w.diff()
	if len(want) < 600 {
		t.Fatalf("%d findings", len(want))
	}
	ends := 0
	for life := 0; ; life += 2 {
		differ := w.differ()
		differ.Store = &dying{w.db.Diffs(), life}
		_, err := differ.Run(t.Context(), w.first(), true)
		if err == nil {
			break
		}
		if !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		ends++
		again, found := w.diff()
		w.want(found, want...)
		if p, q := again.Progress, d.Progress; p.Read != q.Read || p.Same != q.Same || p.InStore != q.InStore {
			t.Errorf("after %d steps: %+v, want %+v", life, p, q)
		}
	}
	if ends < 5 {
		t.Errorf("it ended at %d places only", ends)
	}
}

// TestStoppedComparison: the end of its context is told as such.
func TestStoppedComparison(t *testing.T) {
	w := newWorld(t, 1500)
	ctx, cancel := context.WithCancel(t.Context())
	differ := w.differ()
	differ.Progress = func(d diff.Diff) { cancel() }
	if _, err := differ.Run(ctx, w.first(), false); !errors.Is(err, transfer.ErrStopped) {
		t.Errorf("got %v", err)
	}
	_, found := w.diff()
	w.want(found)
}

// TestTwoComparisonsOfOneTable: the one that was overtaken ends.
func TestTwoComparisonsOfOneTable(t *testing.T) {
	w := newWorld(t, 40)
	differ := w.differ()
	overtaken := false
	differ.Progress = func(diff.Diff) {
		if !overtaken {
			overtaken = true
			w.diff()
		}
	}
	if _, err := differ.Run(t.Context(), w.first(), false); !errors.Is(err, transfer.ErrOvertaken) {
		t.Errorf("got %v", err)
	}
}
