package store

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

// Accounts implements campaign.Store.
func (s *Campaigns) Accounts(ctx context.Context, channel registration.Channel, after registration.ID, limit int) ([]campaign.Candidate, error) {
	var rows []struct {
		ID               uuid   `db:"id"`
		Email            string `db:"email"`
		EmailKey         string `db:"email_key"`
		Mobile           string `db:"mobile"`
		Status           string `db:"status"`
		RegisteredAt     int64  `db:"registered_at"`
		EmailVerifiedAt  int64  `db:"email_verified_at"`
		MobileVerifiedAt int64  `db:"mobile_verified_at"`
		Locale           string `db:"locale"`
		Consent          int64  `db:"marketing_consent"`
	}
	err := s.db.view(ctx, "candidates", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT a.id, a.email, a.email_key, a.mobile, a.status, a.registered_at, a.email_verified_at, a.mobile_verified_at, p.locale, p.marketing_consent
			FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE a.id > ? ORDER BY a.id LIMIT ?`, after[:], limit)
	})
	if err != nil {
		return nil, err
	}
	candidates := make([]campaign.Candidate, len(rows))
	for i, r := range rows {
		c := campaign.Candidate{
			AccountID: registration.ID(r.ID), Status: registration.Status(r.Status), RegisteredAt: timeOf(r.RegisteredAt), Locale: r.Locale,
			Consent: r.Consent != 0, Mobile: registration.Mobile(r.Mobile),
		}
		if channel == registration.EmailChannel {
			c.Recipient, c.Key, c.Verified = r.Email, r.EmailKey, r.EmailVerifiedAt != 0
		} else {
			c.Recipient, c.Key, c.Verified = r.Mobile, r.Mobile, r.MobileVerifiedAt != 0
		}
		candidates[i] = c
	}
	return candidates, nil
}

// historyPage bounds the list of one query.
const historyPage = 500

// Histories implements campaign.Store. What counts as recent is a campaign
// message that is waiting to be sent, however long, or that was sent, as far as
// is known, since then.
func (s *Campaigns) Histories(ctx context.Context, channel registration.Channel, candidates []*campaign.Candidate, since time.Time) error {
	for len(candidates) > 0 {
		page := candidates[:min(historyPage, len(candidates))]
		candidates = candidates[len(page):]
		err := s.db.view(ctx, "histories", func(ctx context.Context, conn *sqlx.Conn) error {
			if err := listed(ctx, conn, channel, page); err != nil || since.IsZero() {
				return err
			}
			return recent(ctx, conn, page, since)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func listed(ctx context.Context, conn *sqlx.Conn, channel registration.Channel, candidates []*campaign.Candidate) error {
	hashes := make([][]byte, len(candidates))
	for i, c := range candidates {
		hash := sha256.Sum256([]byte(c.Key))
		hashes[i] = hash[:]
	}
	query, args, err := sqlx.In(`SELECT DISTINCT recipient FROM suppressions WHERE channel = ? AND recipient IN (?)`, string(channel), hashes)
	if err != nil {
		return err
	}
	var found [][]byte
	if err := conn.SelectContext(ctx, &found, query, args...); err != nil {
		return err
	}
	known := make(map[string]bool, len(found))
	for _, hash := range found {
		known[string(hash)] = true
	}
	for i, c := range candidates {
		c.Suppressed = known[string(hashes[i])]
	}
	return nil
}

func recent(ctx context.Context, conn *sqlx.Conn, candidates []*campaign.Candidate, since time.Time) error {
	ids := make([][]byte, len(candidates))
	for i, c := range candidates {
		ids[i] = c.AccountID[:]
	}
	query, args, err := sqlx.In(`SELECT account_id, COUNT(*) AS n FROM notifications WHERE account_id IN (?) AND kind = 'CAMPAIGN' AND state NOT IN ('EXPIRED', 'FAILED')
		AND (updated_at > ? OR state IN ('QUEUED', 'CLAIMED', 'SENDING')) GROUP BY account_id`, ids, micros(since))
	if err != nil {
		return err
	}
	var rows []struct {
		AccountID uuid `db:"account_id"`
		N         int  `db:"n"`
	}
	if err := conn.SelectContext(ctx, &rows, query, args...); err != nil {
		return err
	}
	counts := make(map[uuid]int, len(rows))
	for _, r := range rows {
		counts[r.AccountID] = r.N
	}
	for _, c := range candidates {
		c.Recent = counts[uuid(c.AccountID)]
	}
	return nil
}
