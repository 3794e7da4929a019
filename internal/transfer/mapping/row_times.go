package mapping

import (
	"time"

	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// clockTolerance is how far in the future a time may be.
const clockTolerance = 24 * time.Hour

func (r *row) times() {
	a := &r.Person.Account
	a.RegisteredAt = r.time(fieldRegisteredAt)
	if a.Email.Text != "" {
		a.EmailVerifiedAt = r.time(fieldEmailVerifiedAt)
	}
	if a.Mobile != "" {
		a.MobileVerifiedAt = r.time(fieldMobileVerifiedAt)
	}
}

// time gives a field's time, to the microsecond; zero for none.
func (r *row) time(field string) time.Time {
	v, ok := r.values[field]
	if !ok || v.null || v.text == "" {
		return time.Time{}
	}
	at := v.at
	if at.IsZero() {
		var err error
		if at, err = time.Parse(time.RFC3339, v.text); err != nil {
			r.note(transfer.ValueInvalid, field, "is not a time: see the transforms sql_time and unix_time")
			return time.Time{}
		}
	}
	if at.UnixMicro() <= 0 || at.After(r.env.Now().Add(clockTolerance)) {
		r.note(transfer.ValueInvalid, field, "is before 1970 or in the future")
		return time.Time{}
	}
	return at.UTC().Truncate(time.Microsecond)
}

// status is the mapping's, or follows from what is verified: who has no address to
// verify does not wait for it.
func (r *row) status() {
	a := &r.Person.Account
	text := r.text(fieldStatus)
	status, ok := statusOf(text)
	switch {
	case ok:
		a.Status = status
	case text != "":
		r.note(transfer.ValueInvalid, fieldStatus, wrongStatus)
	case a.Email.Text == "" || !a.EmailVerifiedAt.IsZero():
		a.Status = registration.Active
	default:
		a.Status = registration.PendingVerification
	}
}
