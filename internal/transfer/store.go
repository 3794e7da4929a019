package transfer

import (
	"context"
	"errors"
	"time"

	"registrar/internal/registration"
)

// State is where an import is.
type State string

// The states.
const (
	Open State = "OPEN" // under way, or interrupted
	Done State = "DONE" // every row was seen
)

// Import is how far the import of one source is.
type Import struct {
	ID          [32]byte // of the caller and the source; see Identity
	Caller      string
	Source      string   // for a person
	Fingerprint [32]byte // of the mapping, the file and whom it tells: a position means nothing under another one
	State       State
	Position    Position // behind the last batch that is stored
	Read        int64    // rows, in all
	Stored      int64
	Present     int64 // rows whose external id was there already
	Refused     int64
	Done        int64 // of Total
	Total       int64 // in the source's unit; 0 where it is not known
	Tally       Tally
	Rejects     string // the file; "" for none
	RejectsSize int64  // in octets
	StartedAt   time.Time
	UpdatedAt   time.Time
	EndedAt     time.Time
	Revision    registration.ID // new with each change
}

// Errors of a Store, beside registration.ErrUnavailable.
var (
	// ErrOvertaken is an import that another process has changed meanwhile.
	ErrOvertaken = errors.New("transfer: another process runs the same import")
	// ErrChanged is an interrupted import whose mapping or file is not any more
	// what it was.
	ErrChanged = errors.New("transfer: the mapping or the file has changed since the import was interrupted")
)

// Candidate is somebody who is to be stored.
type Candidate struct {
	Mapped
	Row Row
}

// Status is what became of a row.
type Status int

// The statuses.
const (
	StatusStored  Status = iota
	StatusPresent        // the caller's external id was there already
	StatusRefused
)

// Outcome is what became of a Candidate, in the end.
type Outcome struct {
	Mapped
	Status Status
}

// Batch is what is stored in one transaction.
type Batch struct {
	Import   Import          // as it was left by the batch before
	Revision registration.ID // of Import from now on; of this batch alone
	People   []Candidate     // their Account.ID is set; none is refused
	// Yield is Mapper's.
	Yield func(Mapped, Taken) Mapped
	// Compose makes all that is stored of somebody who is not refused.
	Compose func(Mapped) (registration.Registration, error)
	// Settle is called once the outcomes are sure, for each of People in its
	// order, before COMMIT; what it gives is stored as the Import. It may be
	// called again: then what it did before was rolled back.
	Settle func([]Outcome) (Import, error)
}

// Store keeps people and imports.
type Store interface {
	// Begin gives the import as it was left, where it was interrupted and restart
	// is false, else begins it anew as it is given. Errors: ErrChanged.
	Begin(ctx context.Context, i Import, restart bool) (Import, error)
	// Save stores a batch: all whose caller and external id are not there yet,
	// in their order, and who are not refused; and what Settle gives. All in
	// one transaction, or nothing. A batch that was saved already, which may have
	// gone unnoticed, is not saved again: then Settle is not called. Errors:
	// ErrOvertaken, Settle's own, and registration.ErrUnavailable: then it is not
	// known whether the batch is there, and the same one may be saved again.
	Save(ctx context.Context, b Batch) error
}
