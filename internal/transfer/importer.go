package transfer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"registrar/internal/registration"
)

// DefaultBatch is how many rows one transaction has at most.
const DefaultBatch = 1000

// patience is how long an import waits for a database that takes no writes.
const patience = 10 * time.Minute

// ErrStopped is an import that was asked to stop, and did so behind a batch. It
// can be gone on with.
var ErrStopped = errors.New("transfer: stopped")

// Reject is a row that was not stored.
type Reject struct {
	Row    Row
	Reason string // every rule that refused it, and why; nothing personal
}

// RejectFile keeps the rows that were not stored.
type RejectFile interface {
	// Append writes rejects behind the first size octets, dropping what is
	// behind those, and gives the new size once it is on the disk.
	Append(size int64, rejects []Reject) (int64, error)
}

// News is what others are told of those who are stored.
type News struct {
	// Notify: REGISTRATION_COMPLETED to each verified contact of an ACTIVE account.
	Notify bool
	// Life is how long a notification is worth sending.
	Life time.Duration
	// Events: registration.created, for other systems.
	Events bool
}

// Observer is told how an import goes on. Its functions must not block for long.
type Observer struct {
	Progress func(Import)
	// Waiting is told that the database does not take a batch, before it is tried again.
	Waiting func(err error)
}

// Importer brings a source's rows into a store.
type Importer struct {
	// Open gives the rows behind a position.
	Open     func(context.Context, Position) (Source, error)
	Mapper   Mapper
	Store    Store
	Rejects  RejectFile // nil for none: then rejects are only counted
	News     News
	NewID    registration.IDSource
	Now      func() time.Time
	Batch    int  // rows in one transaction, at most; 0 is DefaultBatch
	TellKeys bool // the source's keys are not personal: the report may name rows by them
	Observer Observer
}

// Run imports all rows, or goes on where it was interrupted unless restart is
// true. When ctx ends it stops behind the batch in hand, with ErrStopped. The
// Import is what is stored, also beside an error.
func (m *Importer) Run(ctx context.Context, first Import, restart bool) (Import, error) {
	var err error
	if first.Revision, err = m.NewID(); err != nil {
		return first, fmt.Errorf("transfer: %w", err)
	}
	first.State, first.StartedAt, first.UpdatedAt = Open, m.now(), m.now()
	at, err := m.Store.Begin(ctx, first, restart)
	if err != nil {
		return first, err
	}
	if m.Rejects != nil { // what an interrupted run has written beyond what counts
		if at.RejectsSize, err = m.Rejects.Append(at.RejectsSize, nil); err != nil {
			return at, err
		}
	}
	source, err := m.Open(ctx, at.Position)
	if err != nil && ctx.Err() != nil {
		err = ErrStopped
	}
	if err != nil {
		return at, err
	}
	at.Total = source.Total()
	r := &run{Importer: m, at: at, source: source, pace: pace{rows: m.batch(), most: m.batch()}}
	err = r.all(ctx)
	if closed := source.Close(); err == nil {
		err = closed
	}
	return r.at, err
}

func (m *Importer) batch() int {
	if m.Batch > 0 {
		return m.Batch
	}
	return DefaultBatch
}

func (m *Importer) now() time.Time { return m.Now().UTC().Truncate(time.Microsecond) }

// run is one Run.
type run struct {
	*Importer
	at      Import
	source  Source
	pace    pace
	pending []Candidate
}

func (r *run) all(ctx context.Context) error {
	p := startPipeline(ctx, r.source, r.candidates)
	defer p.stop()
	for {
		mapped, more, err := p.next()
		if ctx.Err() != nil {
			return ErrStopped
		}
		if err != nil {
			return err
		}
		r.pending = append(r.pending, mapped...)
		for n := r.ready(!more); n > 0 || !more; n = r.ready(!more) {
			last := !more && n == len(r.pending)
			if err := r.save(ctx, r.pending[:n], last); err != nil || last {
				return err
			}
			r.pending = append(r.pending[:0], r.pending[n:]...)
			if ctx.Err() != nil {
				return ErrStopped
			}
		}
	}
}

// ready says how many of the rows that wait make a batch; 0 for not yet.
func (r *run) ready(end bool) int {
	bytes := 0
	for i, c := range r.pending {
		if bytes += c.Row.size(); i == r.pace.rows || i > 0 && bytes > batchBytes {
			return i
		}
	}
	if end || len(r.pending) == r.pace.rows {
		return len(r.pending)
	}
	return 0
}

// save stores one batch, for as long as the database may take to come back.
func (r *run) save(ctx context.Context, rows []Candidate, last bool) error {
	revision, err := r.NewID()
	if err != nil {
		return fmt.Errorf("transfer: %w", err)
	}
	people := make([]Candidate, 0, len(rows))
	for _, c := range rows {
		if !c.Refused() {
			people = append(people, c)
		}
	}
	after := r.at
	b := Batch{
		Import: r.at, Revision: revision, People: people, Yield: r.Mapper.Yield, Compose: r.compose,
		Settle: func(outcomes []Outcome) (Import, error) {
			var err error
			after, err = r.settle(rows, outcomes, revision, last)
			return after, err
		},
	}
	// The batch in hand is stored also when somebody asks to stop.
	unhurried := context.WithoutCancel(ctx)
	began := r.Now()
	for pause, until := time.Second, began.Add(patience); ; pause = min(2*pause, 15*time.Second) {
		tried := r.Now()
		if err = r.Store.Save(unhurried, b); err == nil {
			r.at = after
			r.tell()
			return r.rest(ctx, r.pace.after(len(rows), r.Now().Sub(tried)))
		}
		if !errors.Is(err, registration.ErrUnavailable) || r.Now().After(until) {
			return err
		}
		if r.Observer.Waiting != nil {
			r.Observer.Waiting(err)
		}
		if err := r.rest(ctx, pause/2+rand.N(pause)); err != nil { //nolint:gosec // jitter
			return err
		}
	}
}

func (r *run) tell() {
	if r.Observer.Progress != nil {
		r.Observer.Progress(r.at)
	}
}

// rest waits; ErrStopped when ctx ends.
func (r *run) rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ErrStopped
	}
}

// settle makes what an import is behind a batch, and writes its rejects.
func (r *run) settle(rows []Candidate, outcomes []Outcome, revision registration.ID, last bool) (Import, error) {
	after := r.at
	after.Tally, after.Revision, after.UpdatedAt = r.at.Tally.clone(), revision, r.now()
	var rejects []Reject
	for _, c := range rows {
		o := Outcome{Mapped: c.Mapped, Status: StatusRefused}
		if !c.Refused() {
			o, outcomes = outcomes[0], outcomes[1:]
		}
		switch o.Status {
		case StatusStored:
			after.Stored++
		case StatusPresent:
			after.Present++
			continue // what is wrong with the row has changed nothing
		case StatusRefused:
			after.Refused++
			rejects = append(rejects, Reject{Row: c.Row, Reason: reason(o.Findings)})
		}
		after.Tally.add(o.Findings, o.Status == StatusStored, c.Row.Place(r.source.Unit(), r.TellKeys))
	}
	after.Read += int64(len(rows))
	if len(rows) > 0 {
		after.Position, after.Done = rows[len(rows)-1].Row.After, rows[len(rows)-1].Row.Done
	}
	if last {
		after.State, after.EndedAt = Done, after.UpdatedAt
	}
	if r.Rejects != nil {
		var err error
		if after.RejectsSize, err = r.Rejects.Append(r.at.RejectsSize, rejects); err != nil {
			return after, err
		}
	}
	return after, nil
}

// reason is why a row is refused.
func reason(findings []Finding) (text string) {
	for _, f := range findings {
		if f.Action == Refuse {
			if text != "" {
				text += "; "
			}
			text += f.String()
		}
	}
	return text
}
