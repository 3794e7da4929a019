package campaign

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"registrar/internal/registration"
)

// State is where a campaign stands.
//
//	CREATED -> RUNNING -> DONE
//	           RUNNING <-> PAUSED (by RESUMING) -> CANCELLING -> CANCELLED
type State string

// The states.
const (
	Created    State = "CREATED"    // nobody gets it before it is started
	Running    State = "RUNNING"    // people are chosen and written to
	Paused     State = "PAUSED"     // nobody is chosen, and what is queued waits
	Resuming   State = "RESUMING"   // what has waited is being made due again
	Cancelling State = "CANCELLING" // what is queued is being dropped
	Cancelled  State = "CANCELLED"  // nothing more is sent
	Done       State = "DONE"       // everybody was chosen, and every notification is settled
)

// Stopped says whether nothing of a campaign in state s is to be sent now.
func (s State) Stopped() bool {
	return s == Created || s == Paused || s == Cancelling || s == Cancelled
}

// Ended says whether s is the last state of a campaign.
func (s State) Ended() bool { return s == Cancelled || s == Done }

// Campaign is one message to many people.
type Campaign struct {
	ID       registration.ID
	Name     string // unique; see CheckName
	Channel  registration.Channel
	Template string // the name of its template; see CheckName
	Segment  Segment
	Quiet    QuietHours
	Cap      FrequencyCap
	Life     time.Duration // after its start nothing more is sent; MinLife to MaxLife

	State     State
	Position  registration.ID // the last account that was looked at; zero for none
	Swept     registration.ID // the last notification that a sweep came to; zero for none
	Accounts  int             // how many there were at its start
	LookedAt  int             // accounts
	Chosen    int             // accounts: as many notifications were queued
	Excluded  map[Exclusion]int
	CreatedAt time.Time
	StartedAt time.Time // zero before it was started
	FedAt     time.Time // when every account was looked at; zero before
	EndedAt   time.Time // zero before Ended
	Deadline  time.Time // StartedAt plus Life; zero before its start
	Revision  int64     // grows with each change
}

// The bounds of Life.
const (
	MinLife = time.Minute
	MaxLife = 90 * 24 * time.Hour
)

// Errors of a Store and of the changes of state.
var (
	ErrUnknown   = errors.New("campaign: there is none of that name")
	ErrExists    = errors.New("campaign: there is one of that name")
	ErrOvertaken = errors.New("campaign: it was changed by another") // look again
)

// StateError says that a campaign cannot be brought from a state to another.
type StateError struct {
	Name string
	Is   State
	Verb string // what was asked for: "started"
}

func (e *StateError) Error() string {
	return fmt.Sprintf("campaign: %s is %s and cannot be %s", e.Name, e.Is, e.Verb)
}

var name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// CheckName says whether a campaign or a template may be called s: 1 to 64
// small letters, digits, "-" and "_", the first one a letter or a digit.
func CheckName(s string) error {
	if !name.MatchString(s) {
		return errors.New("a name has 1 to 64 small letters, digits, - and _, and begins with a letter or a digit")
	}
	return nil
}

// Check says what is wrong with a new campaign.
func (c Campaign) Check() error {
	var wrong []error
	check := func(what string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", what, err))
		}
	}
	check("name", CheckName(c.Name))
	check("template", CheckName(c.Template))
	if c.Channel != registration.EmailChannel && c.Channel != registration.SMSChannel {
		check("channel", errors.New("is neither e-mail nor SMS"))
	}
	check("segment", c.Segment.Check())
	check("quiet hours", c.Quiet.Check())
	check("frequency cap", c.Cap.Check())
	if c.Life < MinLife || c.Life > MaxLife {
		check("deadline", fmt.Errorf("must be %s to %s after the start", MinLife, MaxLife))
	}
	return errors.Join(wrong...)
}

// Start begins it. Each of these changes is nothing where it is done already.
// Their error is a *StateError.
func (c *Campaign) Start(now time.Time, accounts int) error {
	switch c.State {
	case Running:
	case Created:
		c.State, c.StartedAt, c.Deadline, c.Accounts = Running, now, now.Add(c.Life), accounts
	default:
		return &StateError{c.Name, c.State, "started"}
	}
	return nil
}

// Pause stops it, what is queued too, until Resume.
func (c *Campaign) Pause() error {
	switch c.State {
	case Paused:
	case Running, Resuming:
		c.State = Paused
	default:
		return &StateError{c.Name, c.State, "paused"}
	}
	return nil
}

// Resume lets it go on after Pause.
func (c *Campaign) Resume() error {
	switch c.State {
	case Running, Resuming:
	case Paused:
		c.State, c.Swept = Resuming, registration.ID{}
	default:
		return &StateError{c.Name, c.State, "resumed"}
	}
	return nil
}

// Cancel ends it for good, and drops what is queued.
func (c *Campaign) Cancel(now time.Time) error {
	switch c.State {
	case Cancelling, Cancelled:
	case Created:
		c.State, c.EndedAt = Cancelled, now
	case Running, Paused, Resuming:
		c.State, c.Swept = Cancelling, registration.ID{}
	default:
		return &StateError{c.Name, c.State, "cancelled"}
	}
	return nil
}
