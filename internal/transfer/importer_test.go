package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// TestImport: everybody whose row is right is there, everybody else is in the file
// of rejects with a reason, and the report says how many, by rule.
func TestImport(t *testing.T) {
	t.Parallel()
	db, m := openStore(t), usersMapping(t)
	rows := [][]string{row(1), row(2), row(3), row(4), row(5), row(6), row(7)}
	rows[1][3] = ""
	rows[2][3] = "PERSON1@example.com"
	rows[3][4] = "md5?"
	rows[4][2] = strings.Repeat("x", 40)
	rows[5] = rows[5][:3]
	path := writeCSV(t, rows)
	i := prepare(t, db, m, path)
	got, err := i.run(t.Context(), t, m, path, false)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != transfer.Done || got.Read != 7 || got.Stored != 4 || got.Refused != 3 || got.Present != 0 || got.EndedAt.IsZero() {
		t.Errorf("the import is %+v", got)
	}
	want := []transfer.Line{
		{Rule: transfer.EmailTaken, Action: transfer.Refuse, Count: transfer.Count{Rows: 1, Places: []string{"line 4"}}},
		{Rule: transfer.PasswordUnusable, Action: transfer.Refuse, Count: transfer.Count{Rows: 1, Places: []string{"line 5"}}},
		{Rule: transfer.RowUnreadable, Action: transfer.Refuse, Count: transfer.Count{Rows: 1, Places: []string{"line 7"}}},
		{Rule: transfer.EmailMissing, Action: transfer.Keep, Count: transfer.Count{Rows: 1, Places: []string{"line 3"}}},
		{Rule: transfer.NameTooLong, Action: transfer.Truncate, Count: transfer.Count{Rows: 1, Places: []string{"line 6"}}},
	}
	if lines := got.Tally.Lines(); !reflect.DeepEqual(lines, want) {
		t.Errorf("the report is %+v", lines)
	}
	rejected := i.rejected(t)
	for _, part := range []string{"import_reason\n", "PERSON1@example.com", "email_taken\n", "password_unusable: ", "row_unreadable: it has 3 fields and not 9\n"} {
		if !strings.Contains(rejected, part) {
			t.Errorf("%q is not in the rejects:\n%s", part, rejected)
		}
	}
	there := people(t, db, 10)
	if len(there) != 4 || there["2"].Account.Email.Text != "" || there["5"].Profile.FirstName != strings.Repeat("x", 30) || there["1"].Account.RegisteredAt.Year() != 2023 {
		t.Errorf("there are %+v", there)
	}
	stored, err := db.People(nil).Imports(t.Context())
	if err != nil || len(stored) != 1 || !reflect.DeepEqual(counts(stored[0]), counts(got)) {
		t.Errorf("stored is %+v, %v", stored, err)
	}

	// What was refused is mended, and imported like the source.
	mended := strings.Replace(strings.Replace(rejected, "PERSON1@example.com", "three@example.com", 1), "md5?", bcrypt, 1)
	if err := os.WriteFile(path, []byte(mended), 0o600); err != nil {
		t.Fatal(err)
	}
	again := prepare(t, db, m, path)
	got, err = again.run(t.Context(), t, m, path, false)
	if err != nil || got.Stored != 2 || got.Refused != 1 || len(people(t, db, 10)) != 6 {
		t.Errorf("mended it comes to %+v, %v", got, err)
	}
}

// TestReportCountsRows: a rule that applies to a row in two fields is one row.
func TestReportCountsRows(t *testing.T) {
	t.Parallel()
	db, m := openStore(t), usersMapping(t)
	rows := [][]string{row(1), row(2)}
	for _, r := range rows {
		r[2] = strings.Repeat("x", 40) + " " + strings.Repeat("y", 40)
	}
	path := writeCSV(t, rows)
	got, err := prepare(t, db, m, path).run(t.Context(), t, m, path, false)
	want := []transfer.Line{{Rule: transfer.NameTooLong, Action: transfer.Truncate, Count: transfer.Count{Rows: 2, Places: []string{"line 2", "line 3"}}}}
	if lines := got.Tally.Lines(); err != nil || !reflect.DeepEqual(lines, want) {
		t.Errorf("the report is %+v, %v", lines, err)
	}
}

// TestReasons: what is beside a reject is known from what a row has.
func TestReasons(t *testing.T) {
	t.Parallel()
	for text, is := range map[string]bool{
		"": false, "why": false, " John": false, "email": false, "emailtaken": false, "Erased": false,
		"email_taken": true, "email_taken; username_taken": true, "row_unreadable: it is longer": true,
		transfer.Finding{Rule: transfer.NameInvalid, Field: "first_name", Why: "x"}.String(): true,
	} {
		if got := transfer.IsReason(text); got != is {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestImportTwice: import(import(x)) = import(x), whatever x is.
func TestImportTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rules := [][]string{nil, {"email_taken: drop", "username_taken: external_id", "email_invalid: drop"}}[seed%2]
			db, m := openStore(t), usersMapping(t, rules...)
			const n = 150
			path := writeCSV(t, users(seed, n, 0.3))
			i := prepare(t, db, m, path)
			once, err := i.run(t.Context(), t, m, path, false)
			if err != nil {
				t.Fatal(err)
			}
			before := people(t, db, n)
			if int64(len(before)) != once.Stored || once.Stored < n/2 || once.Refused == 0 {
				t.Fatalf("the import is %+v, and there are %d", once, len(before))
			}
			twice, err := i.run(t.Context(), t, m, path, false)
			if err != nil {
				t.Fatal(err)
			}
			if after := people(t, db, n); !reflect.DeepEqual(after, before) {
				t.Errorf("of %d there are %d", len(before), len(after))
			}
			if twice.Stored != 0 || twice.Read != once.Read || twice.Present+twice.Refused != twice.Read {
				t.Errorf("the second import is %+v", twice)
			}
		})
	}
}

// TestInterrupted: stopped behind any batch and gone on with, an import comes to the
// same people, the same report and the same rejects as one that was not.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	const n = 240
	m := usersMapping(t, "username_taken: external_id")
	path := writeCSV(t, users(3, n, 0.2))
	undisturbed := openStore(t)
	whole := prepare(t, undisturbed, m, path)
	want, err := whole.run(t.Context(), t, m, path, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, every := range []int{1, 3} {
		t.Run(fmt.Sprint(every), func(t *testing.T) {
			t.Parallel()
			db := openStore(t)
			i := prepare(t, db, m, path)
			var got transfer.Import
			for stops := 0; ; stops++ {
				ctx, cancel := context.WithCancel(t.Context())
				left := every
				i.Observer.Progress = func(transfer.Import) {
					if left--; left == 0 {
						cancel()
					}
				}
				var err error
				got, err = i.run(ctx, t, m, path, false)
				cancel()
				if err == nil {
					if stops < 1 {
						t.Errorf("it was stopped %d times", stops)
					}
					break
				}
				if !errors.Is(err, transfer.ErrStopped) || stops > n {
					t.Fatal(err)
				}
			}
			if !reflect.DeepEqual(counts(got), counts(want)) {
				t.Errorf("the import is\n%+v, not\n%+v", counts(got), counts(want))
			}
			if !reflect.DeepEqual(people(t, db, n), people(t, undisturbed, n)) {
				t.Error("other people are there")
			}
			if i.rejected(t) != whole.rejected(t) {
				t.Error("the rejects differ")
			}
		})
	}
}

// TestRestart: begun anew, who is there stays as they are, and the rejects are
// written anew.
func TestRestart(t *testing.T) {
	t.Parallel()
	const n = 200
	db, m := openStore(t), usersMapping(t)
	path := writeCSV(t, users(5, n, 0.2))
	i := prepare(t, db, m, path)
	ctx, cancel := context.WithCancel(t.Context())
	i.Observer.Progress = func(transfer.Import) { cancel() }
	stopped, err := i.run(ctx, t, m, path, false)
	if !errors.Is(err, transfer.ErrStopped) || stopped.Stored == 0 || stopped.Read >= n {
		t.Fatalf("%+v, %v", stopped, err)
	}
	i.Observer.Progress = nil
	got, err := i.run(t.Context(), t, m, path, true)
	if err != nil || got.Read != n || got.Present < stopped.Stored || got.Stored+got.Present+got.Refused != n {
		t.Errorf("%+v, %v", got, err)
	}
	if lines := strings.Count(i.rejected(t), "\n"); int64(lines) != got.Refused+1 {
		t.Errorf("%d lines of rejects for %d refused rows", lines, got.Refused)
	}
}

// TestRehearsal: a dry run says what the import would come to, also for rows that
// are there and rows that want the same, and stores nothing.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rules := [][]string{nil, {"email_taken: drop", "username_taken: external_id", "username_invalid: external_id"}}[seed%2]
			db, m := openStore(t), usersMapping(t, rules...)
			const n = 150
			all := users(seed+100, n, 0.4)
			some := writeCSV(t, all[:60])
			if _, err := prepare(t, db, m, some).run(t.Context(), t, m, some, false); err != nil {
				t.Fatal(err)
			}
			before := people(t, db, n)
			path := writeCSV(t, all)
			dry := prepare(t, db, m, path)
			dry.Store = transfer.NewRehearsal(db.People(nil))
			would, err := dry.run(t.Context(), t, m, path, false)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(people(t, db, n), before) {
				t.Error("the rehearsal has stored something")
			}
			wet := prepare(t, db, m, path)
			got, err := wet.run(t.Context(), t, m, path, true)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(counts(would), counts(got)) {
				t.Errorf("it would be\n%+v, and is\n%+v", counts(would), counts(got))
			}
			if dry.rejected(t) != wet.rejected(t) {
				t.Error("the rejects differ")
			}
		})
	}
}

// TestNews: nobody is told of anything unless it is asked for, and then only those
// whose contact is verified.
func TestNews(t *testing.T) {
	t.Parallel()
	rows := [][]string{row(1), row(2), row(3)}
	rows[1][7] = ""                 // not verified
	rows[2][3], rows[2][7] = "", "" // no address
	m := usersMapping(t)
	path := writeCSV(t, rows)
	for _, test := range []struct {
		news         transfer.News
		told, events int
	}{
		{transfer.News{}, 0, 0},
		{transfer.News{Notify: true, Life: time.Hour}, 1, 0},
		{transfer.News{Events: true}, 0, 3},
	} {
		db := openStore(t)
		i := prepare(t, db, m, path)
		i.News = test.news
		if _, err := i.run(t.Context(), t, m, path, false); err != nil {
			t.Fatal(err)
		}
		told := maps.Collect(func(yield func(string, registration.Notification) bool) {
			for id, d := range people(t, db, 3) {
				for _, n := range d.Notifications {
					if !yield(id, n) {
						return
					}
				}
			}
		})
		if n := told["1"]; len(told) != test.told || test.told > 0 && (n.Recipient != "Person1@example.com" || n.Kind != registration.RegistrationCompleted || n.Locale != "ar" || n.State != registration.Queued) {
			t.Errorf("%+v: told are %+v", test.news, told)
		}
		queued, _, err := db.Outbox().Depth(t.Context())
		if err != nil || queued != test.told {
			t.Errorf("%+v: %d in the outbox, %v", test.news, queued, err)
		}
		events, err := db.Events().Waiting(t.Context(), 10)
		if err != nil || len(events) != test.events {
			t.Errorf("%+v: %d events, %v", test.news, len(events), err)
		}
	}
}

// TestIDsAreOfTheirTime: UUIDs of version 7, in the order of registration.
func TestIDsAreOfTheirTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	a, b, later := transfer.IDAt(at), transfer.IDAt(at), transfer.IDAt(at.Add(time.Millisecond))
	if a == b || a.String()[:13] != "018570a0-0c6e" && a.String()[14] != '7' || strings.IndexByte("89ab", a.String()[19]) < 0 || a.String() >= later.String() || a.String()[:13] != b.String()[:13] {
		t.Errorf("%s %s %s", a, b, later)
	}
	if ms := uint64(at.UnixMilli()); fmt.Sprintf("%012x", ms) != strings.ReplaceAll(a.String()[:13], "-", "") {
		t.Errorf("%s is not of %d", a, ms)
	}
}
