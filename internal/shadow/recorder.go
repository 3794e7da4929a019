package shadow

import (
	"context"
	"log/slog"
	"slices"

	"registrar/internal/registration"
)

// Recorder implements registration.Comparer: it stores comparisons, and counts
// those that were not there.
type Recorder struct {
	Store Store
	// Compared is told of each, with labels of which there are few: see Label.
	// It must not block.
	Compared func(caller, ours, theirs string)
	Log      *slog.Logger
}

// Compare implements registration.Comparer.
func (r Recorder) Compare(ctx context.Context, c registration.Comparison) {
	added, err := r.Store.Add(ctx, Comparison{
		ID: c.ID, At: c.At, Caller: c.Caller, RequestID: c.RequestID, ExternalID: c.ExternalID,
		Ours: c.Ours, Theirs: c.Theirs, Refused: refusedOf(c.Refused),
	})
	switch {
	case err != nil:
		r.Log.WarnContext(ctx, "shadow: a comparison cannot be stored; it is lost", "caller", c.Caller, "error", err)
	case added:
		r.Compared(c.Caller, Label(c.Ours), Label(c.Theirs))
	}
}

// outcomes are all that a registration can come to and be compared.
var outcomes = []string{
	registration.Registered,
	string(registration.ValidationFailed), string(registration.PasswordRejected), string(registration.UsernameTaken),
	string(registration.EmailTaken), string(registration.ExternalIDTaken), string(registration.RequestIDReused),
}

// Label is an outcome as a metric's label: itself where registrations here can
// come to it, else OTHER, and NONE for not told. What callers may send has no end.
func Label(outcome string) string {
	switch {
	case outcome == "":
		return "NONE"
	case slices.Contains(outcomes, outcome):
		return outcome
	default:
		return "OTHER"
	}
}
