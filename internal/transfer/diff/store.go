package diff

import (
	"context"
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// Phase is where a comparison is.
type Phase string

// The phases, in their order.
const (
	Table  Phase = "TABLE"  // each row of the table is looked up in the store
	Stored Phase = "STORED" // the store's external ids are summed up
	Check  Phase = "CHECK"  // who is in the store alone is looked for
	Again  Phase = "AGAIN"  // who is missing is looked up once more
	Done   Phase = "DONE"
)

// Diff is how far the comparison of one table is.
type Diff struct {
	ID          [32]byte // of the caller and the source
	Caller      string
	Source      string   // for a person
	Fingerprint [32]byte // of the mapping and the file: a position means nothing under another one
	Phase       Phase
	Position    string // of the phase: the source's own, or the last external id
	Progress    Progress
	StartedAt   time.Time
	UpdatedAt   time.Time
	EndedAt     time.Time
	Revision    registration.ID // new with each change
}

// Progress is what a comparison has come to.
type Progress struct {
	Read     int64            // rows of the table
	Same     int64            // people who are in both and do not differ; those who are ahead included
	Rehashed int64            // of them, those whose hash is the service's own by now
	Ahead    map[string]int64 // of them, by field
	InStore  int64            // people in the store under the caller's name
	Done     int64            // of Total, in the source's unit
	Total    int64
	Table    *sums // of the external ids that are in both
	Store    *sums // of those in the store
}

// Store keeps people and comparisons.
type Store interface {
	// Begin gives the comparison as it was left, where it was interrupted with the
	// same Fingerprint and restart is false, else begins it anew as it is given,
	// without findings. Errors: registration.ErrUnavailable.
	Begin(ctx context.Context, d Diff, restart bool) (Diff, error)
	// Save keeps d in the place of what it was at revision was, and with it
	// findings, which take the place of those of the same kind and key. Errors:
	// transfer.ErrOvertaken, registration.ErrUnavailable.
	Save(ctx context.Context, was registration.ID, d Diff, findings []Finding) error
	// People gives those of a caller's people that have one of the external ids,
	// by it.
	People(ctx context.Context, caller string, externalIDs []string) (map[string]transfer.Person, error)
	// ExternalIDs gives a caller's external ids behind one, in their order.
	ExternalIDs(ctx context.Context, caller, after string, limit int) ([]string, error)
	// Keyless gives the ids behind one of a caller's people without an external id.
	Keyless(ctx context.Context, caller string, after registration.ID, limit int) ([]registration.ID, error)
	// Findings gives those of a kind behind a key, in the keys' order.
	Findings(ctx context.Context, diff [32]byte, kind Kind, after string, limit int) ([]Finding, error)
	// Found says which of the keys have a finding of a kind.
	Found(ctx context.Context, diff [32]byte, kind Kind, keys []string) (map[string]bool, error)
	// Count counts the findings.
	Count(ctx context.Context, diff [32]byte) (map[Kind]int64, error)
	// Withdraw removes the findings of a kind with these keys.
	Withdraw(ctx context.Context, diff [32]byte, kind Kind, keys []string) error
}
