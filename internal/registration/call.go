package registration

import "time"

// Call is what is fixed of a call before it is tried for the first time, so
// that whoever does not learn what became of it can make it again, at another
// server too, and it is done once. The zero Call is for who does not.
type Call struct {
	// ID is of this call alone. It becomes the account's, that of the change of a
	// contact, or that of the event of a refusal.
	ID ID
	// At is when the call was made first. A time that is more than a minute
	// from the server's own is not believed.
	At time.Time
}

// maxSkew is how far a Call may be from the server's clock.
const maxSkew = time.Minute

// at is the time of a call that is being served now.
func (c Call) at(now time.Time) time.Time {
	if skew := now.Sub(c.At); c.At.IsZero() || skew > maxSkew || skew < -maxSkew {
		return now
	}
	return c.At
}
