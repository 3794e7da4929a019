package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

const (
	chunkRows = 1000 // rows, or people, that are looked at together
	// noteEvery and notedMost are when a place is noted: what comes behind it is
	// done again after an interruption.
	noteEvery = 3 * time.Second
	notedMost = 500
	// checkedMost is how many external ids of the store are kept in memory while
	// the table is read for them: some 50 MiB.
	checkedMost = 500_000
)

// Mapper is transfer.Mapper, and knows a row's external id alone.
type Mapper interface {
	transfer.Mapper
	ExternalID(row transfer.Row) string
}

// Differ compares a source's rows with a store.
type Differ struct {
	Store Store
	// Open gives the rows behind a position.
	Open     func(context.Context, transfer.Position) (transfer.Source, error)
	Mapper   Mapper
	Comparer Comparer
	// Erased says which of a caller's external ids are of people who were erased.
	Erased   func(ctx context.Context, caller string, externalIDs []string) (map[string]bool, error)
	NewID    registration.IDSource
	Now      func() time.Time
	TellKeys bool // the source's keys are not personal: a row without an external id is named by them
	// Progress, if not nil, is told how far it is. It must not block for long.
	Progress func(Diff)
}

// Run compares all, or goes on where it was interrupted unless restart is true.
// When ctx ends, it ends with transfer.ErrStopped, and can be gone on with. Errors
// of Store and of the source are given as they are.
func (d *Differ) Run(ctx context.Context, first Diff, restart bool) (Diff, error) {
	var err error
	if first.Revision, err = d.NewID(); err != nil {
		return first, fmt.Errorf("diff: %w", err)
	}
	first.Phase, first.StartedAt, first.UpdatedAt = Table, d.now(), d.now()
	first.Progress.Table, first.Progress.Store = new(sums), new(sums)
	at, err := d.Store.Begin(ctx, first, restart)
	if err != nil {
		return first, err
	}
	r := &run{Differ: d, at: at, noted: time.Now()}
	for err == nil && r.at.Phase != Done {
		switch r.at.Phase {
		case Table:
			err = r.table(ctx)
		case Stored:
			err = r.stored(ctx)
		case Check:
			err = r.check(ctx)
		case Again:
			err = r.again(ctx)
		default:
			err = fmt.Errorf("diff: unknown phase %q", r.at.Phase)
		}
	}
	if err != nil && ctx.Err() != nil {
		err = transfer.ErrStopped
	}
	return r.at, err
}

func (d *Differ) now() time.Time { return d.Now().UTC().Truncate(time.Microsecond) }

// run is one Run.
type run struct {
	*Differ
	at      Diff
	pending []Finding
	noted   time.Time
}

// note keeps the place, when it is time to, and what was found up to there.
func (r *run) note(ctx context.Context, now bool) error {
	r.tell()
	if !now && len(r.pending) < notedMost && time.Since(r.noted) < noteEvery {
		return nil
	}
	was := r.at.Revision
	var err error
	if r.at.Revision, err = r.NewID(); err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	r.at.UpdatedAt = r.now()
	if err := r.Store.Save(ctx, was, r.at, r.pending); err != nil {
		return err
	}
	r.pending, r.noted = r.pending[:0], time.Now()
	return nil
}

func (r *run) tell() {
	if r.Progress != nil {
		r.Progress(r.at)
	}
}

// next begins a phase.
func (r *run) next(ctx context.Context, p Phase) error {
	r.at.Phase, r.at.Position = p, ""
	r.at.Progress.Done, r.at.Progress.Total = 0, 0
	if p == Done {
		r.at.EndedAt = r.now()
	}
	return r.note(ctx, true)
}

func (r *run) found(kind Kind, key string, fields ...string) {
	r.pending = append(r.pending, Finding{kind, key, fields})
}

// table looks up each row's person in the store.
func (r *run) table(ctx context.Context) (err error) {
	source, err := r.Open(ctx, transfer.Position(r.at.Position))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	r.at.Progress.Total = source.Total()
	r.at.Progress.Ahead = maps.Clone(r.at.Progress.Ahead)
	if r.at.Progress.Ahead == nil {
		r.at.Progress.Ahead = map[string]int64{}
	}
	for {
		rows, err := source.Next(ctx, chunkRows)
		if errors.Is(err, io.EOF) {
			return r.next(ctx, Stored)
		}
		if err != nil {
			return err
		}
		if err := r.rows(ctx, source.Unit(), rows); err != nil {
			return err
		}
		last := rows[len(rows)-1]
		r.at.Position, r.at.Progress.Done = string(last.After), last.Done
		r.at.Progress.Read += int64(len(rows))
		if err := r.note(ctx, false); err != nil {
			return err
		}
	}
}

// rows compares some rows.
func (r *run) rows(ctx context.Context, unit string, rows []transfer.Row) error {
	mapped := r.mapped(rows)
	var ids, absent []string
	for _, m := range mapped {
		if id := m.Person.Account.ExternalID; id != "" {
			ids = append(ids, id)
		}
	}
	people, err := r.Store.People(ctx, r.at.Caller, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, there := people[id]; !there {
			absent = append(absent, id)
		}
	}
	erased, err := r.erased(ctx, absent)
	if err != nil {
		return err
	}
	for i, m := range mapped {
		id := m.Person.Account.ExternalID
		stored, there := people[id]
		switch {
		case there:
			r.at.Progress.Table.add(id)
			r.both(m, stored)
		case erased[id]:
			r.found(Erased, id)
		case id == "":
			r.found(Refused, rows[i].Place(unit, r.TellKeys), rulesOf(m)...)
		case m.Refused():
			r.found(Refused, id, rulesOf(m)...)
		default:
			r.found(Missing, id)
		}
	}
	return nil
}

func (r *run) erased(ctx context.Context, absent []string) (map[string]bool, error) {
	if len(absent) == 0 {
		return nil, nil
	}
	return r.Erased(ctx, r.at.Caller, absent)
}

// mapped maps rows on all cores.
func (r *run) mapped(rows []transfer.Row) []transfer.Mapped {
	mapped := make([]transfer.Mapped, len(rows))
	var all sync.WaitGroup
	part := (len(rows) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	for from := 0; from < len(rows); from += part {
		all.Go(func() {
			for i := from; i < min(from+part, len(rows)); i++ {
				mapped[i] = r.Mapper.Map(rows[i])
			}
		})
	}
	all.Wait()
	return mapped
}

// both compares somebody who is in the table and in the store.
func (r *run) both(m transfer.Mapped, stored transfer.Person) {
	id := m.Person.Account.ExternalID
	if m.Refused() {
		r.found(Differing, id, rulesOf(m)...)
		return
	}
	c := r.Comparer.Compare(m, stored)
	for _, f := range c.Ahead {
		r.at.Progress.Ahead[f]++
	}
	if len(c.Ahead) > 0 {
		r.found(Ahead, id, c.Ahead...)
	}
	if c.Rehashed {
		r.at.Progress.Rehashed++
	}
	if len(c.Differ) > 0 {
		r.found(Differing, id, c.Differ...)
		return
	}
	r.at.Progress.Same++
}

// rulesOf names the rules that refuse a row.
func rulesOf(m transfer.Mapped) (rules []string) {
	for _, f := range m.Findings {
		if f.Action == transfer.Refuse && !slices.Contains(rules, string(f.Rule)) {
			rules = append(rules, string(f.Rule))
		}
	}
	return rules
}

// stored sums up who is in the store.
func (r *run) stored(ctx context.Context) error {
	r.at.Progress.Total = r.at.Progress.Read
	for {
		ids, err := r.Store.ExternalIDs(ctx, r.at.Caller, r.at.Position, chunkRows)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r.at.Progress.Store.add(id)
		}
		r.at.Progress.InStore += int64(len(ids))
		r.at.Progress.Done = r.at.Progress.InStore
		if len(ids) < chunkRows {
			return r.next(ctx, Check)
		}
		r.at.Position = ids[len(ids)-1]
		if err := r.note(ctx, false); err != nil {
			return err
		}
	}
}

// check finds who is in the store alone: it is done whole or again.
func (r *run) check(ctx context.Context) error {
	if err := r.keyless(ctx); err != nil {
		return err
	}
	for _, group := range groups(r.at.Progress.Table, r.at.Progress.Store, checkedMost) {
		suspects, err := r.suspects(ctx, group)
		if err == nil {
			err = r.acquit(ctx, suspects)
		}
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(suspects)) {
			r.found(Extra, id)
			if err := r.note(ctx, false); err != nil {
				return err
			}
		}
	}
	return r.next(ctx, Again)
}

func (r *run) keyless(ctx context.Context) error {
	var last registration.ID
	for {
		ids, err := r.Store.Keyless(ctx, r.at.Caller, last, chunkRows)
		if err != nil {
			return err
		}
		for _, id := range ids {
			r.found(Keyless, id.String())
			last = id
		}
		if err := r.note(ctx, false); err != nil || len(ids) < chunkRows {
			return err
		}
	}
}

// suspects are the external ids of the store in some buckets.
func (r *run) suspects(ctx context.Context, group map[int]bool) (map[string]struct{}, error) {
	suspects := map[string]struct{}{}
	for last := ""; ; {
		ids, err := r.Store.ExternalIDs(ctx, r.at.Caller, last, chunkRows)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if bucket, _ := bucketOf(id); group[bucket] {
				suspects[id] = struct{}{}
			}
			last = id
		}
		if len(ids) < chunkRows {
			return suspects, nil
		}
	}
}

// acquit takes those out whom the table has.
func (r *run) acquit(ctx context.Context, suspects map[string]struct{}) (err error) {
	source, err := r.Open(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	r.at.Progress.Total = source.Total()
	for len(suspects) > 0 {
		rows, err := source.Next(ctx, chunkRows)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, row := range rows {
			delete(suspects, r.Mapper.ExternalID(row))
		}
		r.at.Progress.Done = rows[len(rows)-1].Done
		r.tell()
	}
	return nil
}

// again looks up once more who is missing.
func (r *run) again(ctx context.Context) error {
	if err := r.Recheck(ctx, r.at); err != nil {
		return err
	}
	return r.next(ctx, Done)
}

// Recheck withdraws what was found of people who are not missing any more.
func (d *Differ) Recheck(ctx context.Context, at Diff) error {
	for last := ""; ; {
		missing, err := d.Store.Findings(ctx, at.ID, Missing, last, chunkRows)
		if err != nil || len(missing) == 0 {
			return err
		}
		keys := make([]string, len(missing))
		for i, f := range missing {
			keys[i], last = f.Key, f.Key
		}
		people, err := d.Store.People(ctx, at.Caller, keys)
		if err != nil {
			return err
		}
		if len(people) > 0 {
			if err := d.Store.Withdraw(ctx, at.ID, Missing, slices.Collect(maps.Keys(people))); err != nil {
				return err
			}
		}
	}
}
