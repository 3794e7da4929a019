package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// counted is a source of numbers, and knows how far it was read.
type counted struct {
	total int64
	read  *atomic.Int64
}

func (c counted) Next(ctx context.Context, limit int) ([]transfer.Row, error) {
	if c.read.Load() >= c.total {
		return nil, io.EOF
	}
	var rows []transfer.Row
	for range min(int64(limit), c.total-c.read.Load()) {
		n := c.read.Add(1)
		rows = append(rows, transfer.Row{Number: n, After: transfer.Position(fmt.Sprint(n)), Done: n})
	}
	return rows, ctx.Err()
}

func (c counted) Total() int64 { return c.total }
func (counted) Unit() string   { return "row" }
func (counted) Close() error   { return nil }

// everybody is a mapper that takes every row.
type everybody struct{}

func (everybody) Map(r transfer.Row) transfer.Mapped {
	return transfer.Mapped{Person: transfer.Person{Account: registration.Account{ExternalID: fmt.Sprint(r.Number), RegisteredAt: time.Unix(1e9, 0)}}}
}

func (everybody) Yield(m transfer.Mapped, _ transfer.Taken) transfer.Mapped { return m }

// slow is a database that takes its time.
type slow struct {
	took  func(rows int) (time.Duration, error)
	sizes []int
}

func (*slow) Begin(_ context.Context, i transfer.Import, _ bool) (transfer.Import, error) {
	return i, nil
}

func (s *slow) Save(_ context.Context, b transfer.Batch) error {
	s.sizes = append(s.sizes, len(b.People))
	took, err := s.took(len(b.People))
	time.Sleep(took)
	if err != nil {
		return err
	}
	_, err = b.Settle(make([]transfer.Outcome, len(b.People)))
	return err
}

func importerOf(s transfer.Store, rows int64) (*transfer.Importer, *atomic.Int64) {
	var read atomic.Int64
	return &transfer.Importer{
		Open:   func(context.Context, transfer.Position) (transfer.Source, error) { return counted{rows, &read}, nil },
		Mapper: everybody{}, Store: s, NewID: newID, Now: time.Now, Batch: 1000,
	}, &read
}

// TestBatchesFollowTheDatabase: they shrink while it is slow, with pauses as long as
// a batch took, and grow again.
func TestBatchesFollowTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		busy := func() bool { return time.Since(begun) < 30*time.Second }
		s := &slow{took: func(rows int) (time.Duration, error) {
			if busy() {
				return time.Duration(rows) * 2 * time.Millisecond, nil
			}
			return 10 * time.Millisecond, nil
		}}
		i, _ := importerOf(s, 60_000)
		got, err := i.Run(t.Context(), transfer.Import{}, false)
		if err != nil || got.Stored != 60_000 {
			t.Fatalf("%+v, %v", got, err)
		}
		least, most := 1000, 0
		for n, size := range s.sizes {
			if n < len(s.sizes)-1 {
				least = min(least, size)
			}
			if n > 3 {
				most = max(most, size)
			}
		}
		if s.sizes[0] != 1000 || s.sizes[1] != 500 || s.sizes[2] != 250 || least < 50 || most != 1000 {
			t.Errorf("the batches were %v", s.sizes)
		}
	})
}

// TestADatabaseThatIsAway is waited for, some minutes, and the same batch is saved
// again.
func TestADatabaseThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := time.Now().Add(5 * time.Minute)
		s := &slow{took: func(int) (time.Duration, error) {
			if time.Now().Before(away) {
				return time.Second, registration.ErrUnavailable
			}
			return 0, nil
		}}
		i, _ := importerOf(s, 3000)
		waited := 0
		i.Observer.Waiting = func(error) { waited++ }
		if got, err := i.Run(t.Context(), transfer.Import{}, false); err != nil || got.Stored != 3000 || waited < 10 {
			t.Errorf("%+v, %v after %d times", got, err, waited)
		}
		away = time.Now().Add(time.Hour)
		i, _ = importerOf(s, 3000)
		begun := time.Now()
		if _, err := i.Run(t.Context(), transfer.Import{}, false); !errors.Is(err, registration.ErrUnavailable) || time.Since(begun) > 15*time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

// TestMemoryIsBounded: however slow the database is, only so many rows are read ahead.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var read *atomic.Int64
		saved, ahead := int64(0), int64(0)
		s := &slow{}
		s.took = func(rows int) (time.Duration, error) {
			time.Sleep(time.Minute) // all others come to where they can do nothing more
			synctest.Wait()
			ahead = max(ahead, read.Load()-saved)
			saved += int64(rows)
			return 0, nil
		}
		i, counter := importerOf(s, 100_000)
		read = counter
		ctx, cancel := context.WithCancel(t.Context())
		i.Observer.Progress = func(at transfer.Import) {
			if at.Read > 10_000 {
				cancel()
			}
		}
		if _, err := i.Run(ctx, transfer.Import{}, false); !errors.Is(err, transfer.ErrStopped) {
			t.Error(err)
		}
		if ahead > 20_000 {
			t.Errorf("%d rows were read ahead", ahead)
		}
	})
}
