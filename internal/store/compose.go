package store

import (
	"context"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// person is what texts, and the decision to send them, need of somebody.
type person struct {
	ID        uuid   `db:"id"`
	Username  string `db:"username"`
	Mobile    string `db:"mobile"`
	FirstName string `db:"first_name"`
	LastName  string `db:"last_name"`
	Consent   int64  `db:"marketing_consent"`
}

// people gives those whom entries are for. One who is missing was erased: an
// account is there before its first notification.
func (t *tx) people(ctx context.Context, entries []entry) (map[uuid]person, error) {
	if len(entries) == 0 {
		return nil, nil //nolint:nilnil // a map that is read
	}
	accounts := make([]uuid, len(entries))
	for i, e := range entries {
		accounts[i] = e.AccountID
	}
	var rows []person
	err := t.query(ctx, &rows, `SELECT a.id, a.username, a.mobile, p.first_name, p.last_name, p.marketing_consent FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE a.id IN (?)`, accounts)
	if err != nil {
		return nil, err
	}
	people := make(map[uuid]person, len(rows))
	for _, p := range rows {
		people[p.ID] = p
	}
	return people, nil
}

// compose makes claims of entries: with what their texts need of the person,
// of the campaign and of the code, and why they are not to be sent.
func (t *tx) compose(ctx context.Context, entries []entry, people map[uuid]person, campaigns map[uuid]campaignBrief) ([]notify.Claim, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	owners, err := t.owners(ctx, entries)
	if err != nil {
		return nil, err
	}
	suppressed, err := t.suppressed(ctx, entries)
	if err != nil {
		return nil, err
	}
	claims := make([]notify.Claim, len(entries))
	for i, e := range entries {
		p := people[e.AccountID]
		claims[i] = notify.Claim{
			Attempt: notify.Attempt{NotificationID: registration.ID(e.ID), Number: e.Attempts}, Notification: e.notification(), Ambiguous: e.Ambiguous, Provider: e.Provider,
			Username: p.Username, FirstName: p.FirstName, LastName: p.LastName, Suppressed: string(suppressed[e.ID]),
		}
		if e.Kind == string(registration.AlreadyRegistered) {
			owners[e.ID].address(&claims[i])
		}
		if brief, ok := campaigns[e.ID]; ok {
			brief.describe(&claims[i], p.Mobile, p.Consent != 0)
		}
	}
	return claims, t.addCodes(ctx, claims)
}
