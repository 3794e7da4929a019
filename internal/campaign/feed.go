package campaign

import (
	"context"
	"time"

	"registrar/internal/registration"
)

// feed looks at the next accounts of a campaign, and queues a message for each
// that is to get it.
func (f *Feeder) feed(ctx context.Context, c Campaign) error {
	now := f.Now().UTC().Truncate(time.Microsecond)
	if !now.Before(c.Deadline) {
		_, err := f.store(ctx, c, Step{Position: c.Position, FedAt: now})
		return err
	}
	page, err := f.Store.Accounts(ctx, c.Channel, c.Position, f.Page)
	if err != nil {
		return err
	}
	why, err := judge(ctx, f.Store, c, page, now)
	if err != nil {
		return err
	}
	step := Step{Position: c.Position, Excluded: map[Exclusion]int{}}
	for i, candidate := range page {
		if len(step.Chosen) == f.Batch {
			if c, err = f.store(ctx, c, step); err != nil {
				return err
			}
			step = Step{Excluded: map[Exclusion]int{}}
		}
		step.Position = candidate.AccountID
		step.LookedAt++
		if why[i] == "" {
			var m Message
			if m, why[i], err = f.message(c, candidate, now); err != nil {
				return err
			}
			if why[i] == "" {
				step.Chosen = append(step.Chosen, m)
				continue
			}
		}
		step.Excluded[why[i]]++
	}
	if len(page) < f.Page {
		step.FedAt = now
	}
	_, err = f.store(ctx, c, step)
	return err
}

// judge says for each of a page of candidates why it does not get the campaign.
func judge(ctx context.Context, s Store, c Campaign, page []Candidate, now time.Time) ([]Exclusion, error) {
	why := make([]Exclusion, len(page))
	var rest []*Candidate
	for i := range page {
		if why[i] = c.excludes(page[i], now); why[i] == "" {
			rest = append(rest, &page[i])
		}
	}
	var since time.Time
	if c.Cap.Messages > 0 {
		since = now.Add(-c.Cap.Within)
	}
	if len(rest) == 0 {
		return why, nil
	}
	if err := s.Histories(ctx, c.Channel, rest, since); err != nil {
		return nil, err
	}
	for i := range page {
		if why[i] == "" {
			why[i] = c.restrains(page[i])
		}
	}
	return why, nil
}

// message makes the notification for a candidate, due when it is not quiet
// where the person is.
func (f *Feeder) message(c Campaign, candidate Candidate, now time.Time) (Message, Exclusion, error) {
	m := Message{}
	if due := c.Quiet.Until(now, zonesOf(f.ZonesOf, candidate.Mobile)); due.After(now) {
		if !due.Before(c.Deadline) {
			return m, QuietTillLater, nil
		}
		m.DueAt = due
	}
	id, err := f.NewID()
	if err != nil {
		return m, "", err
	}
	m.Notification = registration.Notification{
		ID: id, AccountID: candidate.AccountID, Kind: registration.CampaignMessage, Channel: c.Channel,
		Recipient: candidate.Recipient, Locale: candidate.Locale, CreatedAt: now, Deadline: c.Deadline, CampaignID: c.ID,
		State: registration.Queued, UpdatedAt: now,
	}
	return m, "", nil
}

func zonesOf(of ZonesOf, mobile registration.Mobile) []string {
	if mobile == "" || of == nil {
		return nil
	}
	return of(mobile)
}

// store stores a step and keeps account of the room that is left.
func (f *Feeder) store(ctx context.Context, c Campaign, s Step) (Campaign, error) {
	c, err := f.Store.Feed(ctx, f.lease.Lease(), c, s)
	if err == nil {
		f.room -= len(s.Chosen)
		if f.Fed != nil && len(s.Chosen) > 0 {
			f.Fed(len(s.Chosen))
		}
	}
	return c, err
}
