package store_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/registration"
	"registrar/internal/store"
)

// chance makes statements of the groups' own, and those of work, fail now and
// then: instead of being run, or after it.
func chance(seed uint64) func(statement string) *fault {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(statement string) *fault {
		word, _, _ := strings.Cut(statement, " ")
		odds := map[string]int{"COMMIT": 10, "SAVEPOINT": 60, "RELEASE": 60, "ROLLBACK": 20, "INSERT": 200, "BEGIN": 100}[word]
		if odds == 0 || random.IntN(odds) != 0 {
			return nil
		}
		f := &fault{err: io.ErrUnexpectedEOF}
		switch word {
		case "SAVEPOINT", "RELEASE", "ROLLBACK": // others are told at once, also after a COMMIT whose outcome is unknown
			if random.IntN(2) == 0 {
				f.err = errors.New("nobody knows this one")
			}
		}
		f.run = random.IntN(2) == 0
		return f
	}
}

// client does random things in transactions and remembers what it was told.
type client struct {
	db      *store.DB
	random  *rand.Rand
	name    string
	there   map[string]bool // the rows that were acknowledged
	missing map[string]bool // rows of what was told to have failed
	taken   map[string]bool // names that it was told somebody else has
	unsure  []string        // what else it was told
}

// do is one transaction.
func (c *client) do(t *testing.T, n int) {
	own := fmt.Sprintf("own %s %d", c.name, n) // a row that no other transaction has
	rows := []string{own}
	for range 1 + c.random.IntN(4) {
		rows = append(rows, fmt.Sprint("key ", c.random.IntN(300)))
	}
	ending := c.random.IntN(8)
	var put []string
	var occupied string
	err := c.db.Transact(t.Context(), func(run func(string, ...any) error, again bool) error {
		if again {
			if done, err := c.has(run, own); done || err != nil {
				return err
			}
		}
		put, occupied = nil, ""
		for i, row := range rows {
			verb := "INSERT"
			if ending == 0 && i == len(rows)-1 {
				verb = "INSERT OR ROLLBACK"
			}
			err := run(verb+` INTO leases (name, owner, fence, expires_at, writes) VALUES (?, '', 0, 0, 0)`, row)
			switch {
			case err == nil:
				put = append(put, row)
			case !c.db.Duplicate(err):
				return err
			case slices.Contains(put, row) || ending == 1: // goes on without it
				if verb != "INSERT" {
					return registration.ErrNotFound
				}
			default:
				occupied = row
				return registration.ErrUsernameTaken
			}
		}
		if ending == 2 {
			return registration.ErrNotFound
		}
		return nil
	})
	switch {
	case err == nil:
		for _, row := range put {
			c.there[row] = true
		}
		return
	case errors.Is(err, registration.ErrUsernameTaken):
		c.taken[occupied] = true
	case errors.Is(err, registration.ErrUnavailable):
		c.unsure = append(c.unsure, err.Error())
	}
	c.missing[own] = true
}

// has says, inside a transaction, whether a row is there.
func (c *client) has(run func(string, ...any) error, row string) (bool, error) {
	err := run(`INSERT INTO leases (name, owner, fence, expires_at, writes) VALUES (?, '', 0, 0, 0)`, row)
	if c.db.Duplicate(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, run(`DELETE FROM leases WHERE name = ?`, row)
}

// TestGroupsByChance: many clients, whose transactions fail, meet on names and
// abort each other, while the database fails now and then: in the end there is
// what was acknowledged, all of it and nothing else, and whoever was told that
// a name is taken was told the truth.
func TestGroupsByChance(t *testing.T) {
	for range 6 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			db, i := sharing(t)
			db.GroupTime(5 * time.Millisecond)
			i.set(chance(seed))
			var running sync.WaitGroup
			clients := make([]*client, 12)
			for n := range clients {
				c := &client{db: db, random: rand.New(rand.NewPCG(seed, uint64(n))), name: fmt.Sprint(n),
					there: make(map[string]bool), missing: make(map[string]bool), taken: make(map[string]bool)}
				clients[n] = c
				running.Go(func() {
					for n := range 40 {
						c.do(t, n)
					}
				})
			}
			running.Wait()
			if i.times("SAVEPOINT") < 50 {
				t.Errorf("only %d shared a transaction", i.times("SAVEPOINT"))
			}
			i.set(nil)
			acknowledged := make(map[string]bool)
			for _, c := range clients {
				for row := range c.there {
					if acknowledged[row] {
						t.Errorf("%s was acknowledged twice", row)
					}
					acknowledged[row] = true
				}
				for _, text := range c.unsure {
					t.Error(text)
				}
			}
			got := names(t, db)
			if want := slices.Sorted(maps.Keys(acknowledged)); !slices.Equal(got, want) {
				t.Errorf("%d rows are there, %d were acknowledged", len(got), len(want))
			}
			for _, c := range clients {
				for row := range c.taken {
					if !acknowledged[row] {
						t.Errorf("%s was told to be taken and nobody has it", row)
					}
				}
				for row := range c.missing {
					if acknowledged[row] {
						t.Errorf("%s failed and is there", row)
					}
				}
			}
		})
	}
}
