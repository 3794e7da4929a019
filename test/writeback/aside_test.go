package writeback_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"registrar/test/harness"
)

// catchUp applies all events that there are by now, and gives what was said.
func (w *world) catchUp(t *testing.T) string {
	t.Helper()
	return w.php(t, strings.NewReader(w.registrar(t, "event", "tail", "--json", "--from", w.php(t, nil, "position"))), "apply")
}

// retry runs write-back.php retry: how it ended, and what it has said.
func (w *world) retry(t *testing.T) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "php", example+"write-back.php", "retry")
	cmd.Env = w.env
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), strings.TrimSpace(string(out))
}

func (w *world) mustLive(t *testing.T, p *person) {
	t.Helper()
	if err := w.live(t, p); err != nil {
		t.Fatal(err)
	}
}

func (w *world) erase(t *testing.T, p *person) {
	t.Helper()
	w.registrar(t, "person", "erase", "--registration", p.registration, "--yes")
}

// TestErasedAndRegisteredAgain: people are erased and register again, with the same
// address, id or both, while the write-back is behind. The events of the new
// registrations come before the erasure of the old ones: from Kafka some do.
func TestErasedAndRegisteredAgain(t *testing.T) {
	t.Parallel()
	// generations are the same people before and after.
	generations := func() (before, after []*person) {
		for i := range 12 {
			b, a := &person{n: i, verified: true}, &person{n: i, verified: i%2 == 0}
			if i%3 != 0 {
				b.externalID, a.externalID = fmt.Sprint(1000+i), fmt.Sprint(1000+i)
			}
			if i%3 == 2 {
				a.n = 100 + i // with another address
			}
			before, after = append(before, b), append(after, a)
		}
		return before, after
	}
	again := func(t *testing.T, w *world, before, after []*person) {
		t.Helper()
		for i := range before {
			w.erase(t, before[i])
			w.mustLive(t, after[i])
		}
	}
	settled := func(t *testing.T, w *world) {
		t.Helper()
		if n, out := w.retry(t); n != 0 || out != "" {
			t.Errorf("set aside are %s", out)
		}
	}
	t.Run("kafka", func(t *testing.T) {
		t.Parallel()
		_, queue := harness.Kafka(t)
		w := newWorld(t, queue)
		before, after := generations()
		for _, p := range before {
			w.mustLive(t, p)
		}
		stop := w.start(t)
		w.awaitTable(t, before)
		stop()
		again(t, w, before, after)
		w.start(t)
		w.awaitTable(t, after)
		settled(t, w)
	})
	t.Run("the erasures last", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "")
		before, after := generations()
		for _, p := range before {
			w.mustLive(t, p)
		}
		if out := w.catchUp(t); out != "" {
			t.Errorf("it says %s", out)
		}
		w.awaitTable(t, before)
		again(t, w, before, after)
		lines := strings.SplitAfter(strings.TrimSpace(w.registrar(t, "event", "tail", "--json", "--from", w.php(t, nil, "position"))), "\n")
		lines[len(lines)-1] += "\n"
		slices.SortStableFunc(lines, func(a, b string) int {
			return flag(strings.Contains(a, ".erased.")) - flag(strings.Contains(b, ".erased."))
		})
		for n := range 2 { // they may come again
			if out := w.php(t, strings.NewReader(strings.Join(lines, "")), "apply"); out != "" {
				t.Errorf("time %d: it says %s", n+1, out)
			}
			w.awaitTable(t, after)
		}
		settled(t, w)
	})
}

// TestARowInTheWay: what a person has to decide is told once, without an address,
// and everybody else's goes on.
func TestARowInTheWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, told, after string }{
		"an address of somebody whom Registrar does not know": {
			"UPDATE laravel.users SET email = 'person1@example.com' WHERE id = 7", "row 7 has its e-mail address, and belongs to no registration",
			"UPDATE laravel.users SET email = NULL WHERE id = 7",
		},
		"a value that does not fit": {
			"ALTER TABLE laravel.users ADD CONSTRAINT not_one CHECK (email <> 'person1@example.com')", "refuses it with error 4025",
			"ALTER TABLE laravel.users DROP CONSTRAINT not_one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			w.sql(t, test.before)
			one, two := &person{n: 1, externalID: "1001", verified: true}, &person{n: 2, externalID: "1002", verified: true}
			w.mustLive(t, one)
			w.mustLive(t, two)
			out := w.catchUp(t)
			if strings.Count(out, "is set aside") != 1 || !strings.Contains(out, one.registration) || !strings.Contains(out, test.told) || strings.Contains(out, "@") {
				t.Errorf("it says %s", out)
			}
			if got := w.sql(t, "SELECT id FROM laravel.users WHERE id IN (1001, 1002) AND email_verified_at IS NOT NULL"); got != "1002" {
				t.Errorf("there are %q", got)
			}
			if n, out := w.retry(t); n != 1 || !strings.Contains(out, one.registration) || !strings.Contains(out, test.told) {
				t.Errorf("%d: %s", n, out)
			}
			w.sql(t, test.after)
			if n, out := w.retry(t); n != 0 || out != "" {
				t.Errorf("%d: %s", n, out)
			}
			w.awaitTable(t, []*person{one, two})
		})
	}
}

// TestTheRowInTheWayGoes: with the erasure of the person that has it, what was set
// aside for it is done.
func TestTheRowInTheWayGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	one, two, three := &person{n: 1, externalID: "1001"}, &person{n: 2}, &person{n: 3, externalID: "1003"}
	w.mustLive(t, one)
	w.mustLive(t, three)
	w.catchUp(t)
	w.sql(t, "UPDATE laravel.users SET email = 'person2@example.com' WHERE id = 1001") // changed in the application alone
	w.mustLive(t, two)
	if out := w.catchUp(t); !strings.Contains(out, "row 1001 has its e-mail address, and belongs to the registration "+one.registration) {
		t.Errorf("it says %s", out)
	}
	w.erase(t, three)
	w.catchUp(t)
	if n, _ := w.retry(t); n != 1 {
		t.Error("it is done while the row is there")
	}
	w.erase(t, one)
	if out := w.catchUp(t); out != "" {
		t.Errorf("it says %s", out)
	}
	one.erased, three.erased = true, true
	w.awaitTable(t, []*person{one, two, three})
}

// TestErasedWhileSetAside: nothing is left of them, and no row of another's is lost.
func TestErasedWhileSetAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.sql(t, "UPDATE laravel.users SET email = 'person1@example.com' WHERE id = 7")
	one := &person{n: 1, externalID: "1001"}
	w.mustLive(t, one)
	w.catchUp(t)
	w.erase(t, one)
	w.catchUp(t)
	if n, out := w.retry(t); n != 0 || out != "" {
		t.Errorf("%d: %s", n, out)
	}
	if got := w.sql(t, "SELECT id FROM laravel.users WHERE email = 'person1@example.com'"); got != "7" {
		t.Errorf("the row is %q", got)
	}
}

// TestPeopleWithoutARow: whose events were over before the first was read is known
// by an export. Their rows are made when somebody says so.
func TestPeopleWithoutARow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	one, two := &person{n: 1, externalID: "1001"}, &person{n: 2}
	w.mustLive(t, one)
	w.mustLive(t, two)
	rows := []map[string]string{{"registration_id": one.registration, "external_id": one.externalID}, {"registration_id": two.registration}}
	var export bytes.Buffer
	for _, row := range rows {
		if err := json.NewEncoder(&export).Encode(row); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if out := w.php(t, bytes.NewReader(export.Bytes()), "learn"); !strings.Contains(out, "2 people of the export have no row") {
			t.Errorf("it says %s", out)
		}
	}
	if got := w.sql(t, "SELECT COUNT(*) FROM laravel.users"); got != "3" {
		t.Errorf("%s rows", got)
	}
	if n, out := w.retry(t); n != 0 || out != "" {
		t.Errorf("%d: %s", n, out)
	}
	w.awaitTable(t, []*person{one, two})
	if out := w.php(t, bytes.NewReader(export.Bytes()), "learn"); out != "" {
		t.Errorf("it says %s", out)
	}
	if out := w.catchUp(t); out != "" {
		t.Errorf("it says %s", out)
	}
	w.awaitTable(t, []*person{one, two})
}

// TestErasureOfWhoseRowIsAnothers: a registration that was never known here was
// erased, and its id is another one's by now. That row stays, and it is told.
func TestErasureOfWhoseRowIsAnothers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.sql(t, "INSERT INTO laravel.users (id, name, email, password) VALUES (1001, 'Before', 'before@example.com', '')")
	before, after := &person{n: 1, externalID: "1001"}, &person{n: 1, externalID: "1001", verified: true}
	w.mustLive(t, before)
	w.erase(t, before)
	w.mustLive(t, after)
	lines := strings.SplitAfter(w.registrar(t, "event", "tail", "--json"), "\n")
	slices.SortStableFunc(lines, func(a, b string) int {
		return flag(strings.Contains(a, ".erased.")) - flag(strings.Contains(b, ".erased."))
	})
	for n, want := range []int{1, 0} { // told once
		out := w.php(t, strings.NewReader(strings.Join(lines, "")), "apply")
		if strings.Count(out, "is that of "+after.registration+" now, and stays") != want {
			t.Errorf("time %d: it says %s", n+1, out)
		}
	}
	if got := w.sql(t, "SELECT name, email_verified_at IS NOT NULL FROM laravel.users WHERE id = 1001"); got != "Before\t1" {
		t.Errorf("the row is %q", got)
	}
}
