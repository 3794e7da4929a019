package shadow

import (
	"context"
	"slices"
	"strings"
	"time"

	"registrar/internal/registration"
)

// Comparison is a registration in shadow mode, as it is kept.
type Comparison struct {
	ID         registration.ID
	At         time.Time // UTC, to the microsecond
	Caller     string
	RequestID  string   // "" for none
	ExternalID string   // "" for none
	Ours       string   // registration.Registered, or the contract's code
	Theirs     string   // as the caller told it; "" for not told
	Refused    []string // what was wrong here, each as ELEMENT:RULE
}

// maxRefused bounds what is kept of one comparison's broken rules, in octets.
const maxRefused = 2048

func refusedOf(fields []registration.FieldError) (refused []string) {
	size := 0
	for _, f := range fields {
		one := f.Field + ":" + f.Rule
		if size += len(one) + len(","); size > maxRefused {
			break
		}
		refused = append(refused, one)
	}
	return refused
}

// Filter chooses comparisons. What is zero chooses all.
type Filter struct {
	Caller string
	Ours   string
	Theirs string
	Since  time.Time
	Before time.Time
	// Differing leaves out those that agree, and those of which the caller has
	// not told its outcome.
	Differing bool
}

// Tally is how many comparisons of a caller came to the same two outcomes.
type Tally struct {
	Caller string
	Ours   string
	Theirs string
	N      int
}

// Store keeps comparisons.
type Store interface {
	// Add stores c, unless one with its ID is there already. Errors: registration.ErrUnavailable.
	Add(ctx context.Context, c Comparison) (added bool, err error)
	// List gives at most limit of those that f chooses, the newest first. Errors:
	// registration.ErrUnavailable.
	List(ctx context.Context, f Filter, limit int) ([]Comparison, error)
	// Tally counts those that f chooses, by caller, ours and theirs. Errors:
	// registration.ErrUnavailable.
	Tally(ctx context.Context, f Filter) ([]Tally, error)
	// Forget drops what was compared before a time, in small transactions, and
	// gives how many. Errors: registration.ErrUnavailable.
	Forget(ctx context.Context, before time.Time) (int, error)
}

// Summary is a matrix of outcomes: a row for each of ours, a column for each of
// theirs.
type Summary struct {
	Ours   []string
	Theirs []string // "" for not told comes last
	counts map[[2]string]int

	Total    int
	Told     int // of which the caller has told its outcome
	Agreeing int // of those
}

// Summarize makes a Summary over all callers in tallies.
func Summarize(tallies []Tally) Summary {
	s := Summary{counts: make(map[[2]string]int)}
	for _, t := range tallies {
		if !slices.Contains(s.Ours, t.Ours) {
			s.Ours = append(s.Ours, t.Ours)
		}
		if !slices.Contains(s.Theirs, t.Theirs) {
			s.Theirs = append(s.Theirs, t.Theirs)
		}
		s.counts[[2]string{t.Ours, t.Theirs}] += t.N
		s.Total += t.N
		if t.Theirs != "" {
			s.Told += t.N
			if t.Ours == t.Theirs {
				s.Agreeing += t.N
			}
		}
	}
	slices.SortFunc(s.Ours, byRank)
	slices.SortFunc(s.Theirs, byRank)
	return s
}

// Count is how many came to these outcomes.
func (s Summary) Count(ours, theirs string) int { return s.counts[[2]string{ours, theirs}] }

// byRank puts REGISTERED first and what was not told last.
func byRank(a, b string) int {
	rank := func(s string) string {
		switch s {
		case registration.Registered:
			return "0"
		case "":
			return "2"
		default:
			return "1" + s
		}
	}
	return strings.Compare(rank(a), rank(b))
}
