package campaign

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// Service is what an operator does with campaigns.
type Service struct {
	Store Store
	NewID registration.IDSource
	Now   func() time.Time
	// ZonesOf is as the Feeder's.
	ZonesOf ZonesOf
}

// Create stores a new campaign, which nobody gets before Start. Errors: what
// Campaign.Check says, ErrExists.
func (s *Service) Create(ctx context.Context, c Campaign) (Campaign, error) {
	if err := c.Check(); err != nil {
		return c, err
	}
	var err error
	if c.ID, err = s.NewID(); err != nil {
		return c, err
	}
	c.State, c.CreatedAt = Created, s.now()
	return c, s.Store.Create(ctx, c)
}

// Start begins a campaign. Errors: ErrUnknown, a *StateError.
func (s *Service) Start(ctx context.Context, name string) (Campaign, error) {
	accounts, err := s.Store.CountAccounts(ctx)
	if err != nil {
		return Campaign{}, err
	}
	now := s.now()
	return s.Store.Change(ctx, name, func(c *Campaign) error { return c.Start(now, accounts) })
}

// Pause stops a campaign for a while. Errors: ErrUnknown, a *StateError.
func (s *Service) Pause(ctx context.Context, name string) (Campaign, error) {
	return s.Store.Change(ctx, name, (*Campaign).Pause)
}

// Resume ends a Pause. Errors: ErrUnknown, a *StateError.
func (s *Service) Resume(ctx context.Context, name string) (Campaign, error) {
	return s.Store.Change(ctx, name, (*Campaign).Resume)
}

// Cancel ends a campaign. Errors: ErrUnknown, a *StateError.
func (s *Service) Cancel(ctx context.Context, name string) (Campaign, error) {
	now := s.now()
	return s.Store.Change(ctx, name, func(c *Campaign) error { return c.Cancel(now) })
}

// Audience is who would get a campaign if it were started now.
type Audience struct {
	Accounts int // looked at
	Chosen   int
	Later    int // of these, those that would wait for the end of quiet hours
	Excluded map[Exclusion]int
}

const audiencePage = 1000

// Audience counts, and stores nothing. seen is told after each page how many
// accounts were looked at; it may be nil.
func (s *Service) Audience(ctx context.Context, c Campaign, seen func(accounts int)) (Audience, error) {
	now := s.now()
	a := Audience{Excluded: map[Exclusion]int{}}
	c.StartedAt, c.Deadline = now, now.Add(c.Life)
	feeder := Feeder{NewID: func() (registration.ID, error) { return registration.ID{}, nil }, ZonesOf: s.ZonesOf}
	for after := (registration.ID{}); ; {
		page, err := s.Store.Accounts(ctx, c.Channel, after, audiencePage)
		if err != nil {
			return a, err
		}
		why, err := judge(ctx, s.Store, c, page, now)
		if err != nil {
			return a, err
		}
		for i, candidate := range page {
			var m Message
			if why[i] == "" {
				m, why[i], _ = feeder.message(c, candidate, now)
			}
			switch {
			case why[i] != "":
				a.Excluded[why[i]]++
			default:
				a.Chosen++
				if !m.DueAt.IsZero() {
					a.Later++
				}
			}
		}
		a.Accounts += len(page)
		if seen != nil {
			seen(a.Accounts)
		}
		if len(page) < audiencePage {
			return a, nil
		}
		after = page[len(page)-1].AccountID
	}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }
