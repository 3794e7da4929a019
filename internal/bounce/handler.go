package bounce

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Ledger keeps what reports tell.
type Ledger interface {
	// Bounced judges a report by the notification that it names and notes the
	// verdict, which it gives: the notification's state and the suppression in
	// one. The errors are delivery.ErrUnmatched and delivery.ErrNotSettled, or
	// the database's.
	Bounced(ctx context.Context, report delivery.Report, now time.Time) (delivery.Verdict, error)
}

// Result is what a mail has led to.
type Result string

// The results.
const (
	Failed     Result = "failed"     // a notification has not arrived
	Delivered  Result = "delivered"  // a notification has arrived
	Complaint  Result = "complaint"  // a person wants no more
	Unchanged  Result = "unchanged"  // known already, or nothing final, such as a delay
	Unmatched  Result = "unmatched"  // of nothing that was sent to that recipient lately: forged, or somebody else's
	NoReport   Result = "no_report"  // an automatic answer, or a letter
	Unreadable Result = "unreadable" // a report whose form is broken
)

// Handler brings mail into the ledger, whichever way it came. Several goroutines
// may use it.
type Handler struct {
	Ledger  Ledger
	Now     func() time.Time
	Log     *slog.Logger
	Observe func(Result) // of each mail that was done with; it must not block
}

// handleTimeout bounds one mail.
const handleTimeout = 20 * time.Second

// Handle reads a mail and notes what it says. An error asks for the mail to be
// handled again later: the database's, or delivery.ErrNotSettled.
func (h *Handler) Handle(ctx context.Context, mail []byte) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, handleTimeout)
	defer cancel()
	report, err := Read(mail)
	if err != nil {
		result := NoReport
		if errors.Is(err, ErrUnreadable) {
			result = Unreadable
		}
		return h.done(ctx, report, result), nil
	}
	if report.NotificationID.IsZero() {
		return h.done(ctx, report, Unmatched), nil
	}
	verdict, err := h.Ledger.Bounced(ctx, report, h.Now())
	switch {
	case errors.Is(err, delivery.ErrUnmatched):
		return h.done(ctx, report, Unmatched), nil
	case err != nil:
		return "", err
	case verdict.Suppress == suppression.Complaint:
		return h.done(ctx, report, Complaint), nil
	case verdict.Reason != "":
		return h.done(ctx, report, Failed, "reason", verdict.Reason, "suppressed", verdict.Suppress != ""), nil
	case verdict.State == registration.Delivered:
		return h.done(ctx, report, Delivered), nil
	default:
		return h.done(ctx, report, Unchanged), nil
	}
}

// giveUp ends a mail that was to be handled again for too long.
func (h *Handler) giveUp(ctx context.Context) Result {
	return h.done(ctx, delivery.Report{}, Unmatched)
}

// done tells of a mail. Of mail that is not ours nothing is told but the count:
// anybody may send as much of it as they like.
func (h *Handler) done(ctx context.Context, report delivery.Report, result Result, more ...any) Result {
	h.Observe(result)
	level := slog.LevelDebug
	if result == Failed || result == Complaint {
		level = slog.LevelInfo
	}
	h.Log.Log(ctx, level, "mail came back", append([]any{"result", string(result), "notification", report.NotificationID.String()}, more...)...)
	return result
}
