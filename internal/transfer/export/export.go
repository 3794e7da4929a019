package export

import (
	"context"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// People gives a caller's people, page by page.
type People interface {
	// Count counts them. Errors here and below: registration.ErrUnavailable.
	Count(ctx context.Context, caller string) (int64, error)
	// ByExternalID gives those behind an external id, in the order of theirs.
	ByExternalID(ctx context.Context, caller, after string, limit int) ([]transfer.Person, error)
	// WithoutExternalID gives those without one behind an id, in the order of theirs.
	WithoutExternalID(ctx context.Context, caller string, after registration.ID, limit int) ([]transfer.Person, error)
}

// Report is what was written.
type Report struct {
	Total   int64 // people of the caller when it began
	Seen    int64
	Written int64
	Keyless int64 // of them, those without an external id
	// Phantoms are left out: they were registered under the address of somebody
	// else, without being told so, and cannot be used.
	Phantoms int64
	Earlier  int64            // left out, since nothing happened to them since the time that was asked for
	NoHash   int64            // written without a password since they have none
	Hashes   map[string]int64 // written, by class
	Emptied  map[string]int64 // hashes that are written as "", by class
	Lost     map[string]int64 // rows that do not say something that somebody has, by field or rule
}

// Exporter writes a caller's people.
type Exporter struct {
	People People
	Caller string
	// Since leaves out those who were registered, and whose contacts were verified,
	// before it; zero for none.
	Since  time.Time
	Form   Form
	Hashes Hashes
	Writer Writer
	// Progress, if not nil, is told how far it is. It must not block for long.
	Progress func(Report)
}

// pageSize is how many people one SELECT brings.
const pageSize = 1000

// Run writes all. The Report is what was written, also beside an error; when ctx
// ends that is transfer.ErrStopped.
func (e *Exporter) Run(ctx context.Context) (Report, error) {
	r := Report{Hashes: map[string]int64{}, Emptied: map[string]int64{}, Lost: map[string]int64{}}
	err := e.all(ctx, &r)
	if err == nil {
		err = e.Writer.Flush()
	}
	if err != nil && ctx.Err() != nil {
		err = transfer.ErrStopped
	}
	return r, err
}

func (e *Exporter) all(ctx context.Context, r *Report) (err error) {
	if r.Total, err = e.People.Count(ctx, e.Caller); err != nil {
		return err
	}
	lastKey, lastID := "", registration.ID{}
	for _, next := range []func() ([]transfer.Person, error){
		func() ([]transfer.Person, error) { return e.People.ByExternalID(ctx, e.Caller, lastKey, pageSize) },
		func() ([]transfer.Person, error) { return e.People.WithoutExternalID(ctx, e.Caller, lastID, pageSize) },
	} {
		for more := true; more; {
			page, err := next()
			if err != nil {
				return err
			}
			for _, p := range page {
				lastKey, lastID = p.Account.ExternalID, p.Account.ID
				if err := e.write(p, r); err != nil {
					return err
				}
			}
			if more = len(page) == pageSize; e.Progress != nil {
				e.Progress(*r)
			}
		}
		lastID = registration.ID{}
	}
	return nil
}

// write writes one person.
func (e *Exporter) write(p transfer.Person, r *Report) error {
	r.Seen++
	a := &p.Account
	switch {
	case a.Phantom():
		r.Phantoms++
		return nil
	case a.RegisteredAt.Before(e.Since) && a.EmailVerifiedAt.Before(e.Since) && a.MobileVerifiedAt.Before(e.Since):
		r.Earlier++
		return nil
	}
	if a.PasswordHash == "" {
		r.NoHash++
	} else {
		text, class := e.Hashes.give(a.PasswordHash)
		if a.PasswordHash = text; text == "" {
			r.Emptied[class]++
		} else {
			r.Hashes[class]++
		}
	}
	if a.ExternalID == "" {
		r.Keyless++
	}
	row := e.Form.Row(p)
	for _, name := range e.Form.Lost(p, row) {
		r.Lost[name]++
	}
	r.Written++
	return e.Writer.Write(row)
}
