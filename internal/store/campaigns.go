package store

import (
	"context"
	"database/sql"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"registrar/internal/campaign"
	"registrar/internal/registration"
)

// Campaigns implements campaign.FeederStore.
//
// A campaign's row changes only by UPDATEs that name the revision they expect,
// and each of them makes it grow: of two that go on from one revision, one
// changes nothing.
type Campaigns struct{ db *DB }

// Campaigns gives the marketing campaigns.
func (db *DB) Campaigns() *Campaigns { return &Campaigns{db} }

type campaignRow struct {
	ID           uuid   `db:"id"`
	Name         string `db:"name"`
	Channel      string `db:"channel"`
	Template     string `db:"template"`
	Segment      string `db:"segment"`
	QuietHours   string `db:"quiet_hours"`
	FrequencyCap string `db:"frequency_cap"`
	Life         int64  `db:"life"`
	State        string `db:"state"`
	Position     []byte `db:"position"`
	Swept        []byte `db:"swept"`
	Accounts     int    `db:"accounts"`
	LookedAt     int    `db:"looked_at"`
	Chosen       int    `db:"chosen"`
	Excluded     string `db:"excluded"`
	CreatedAt    int64  `db:"created_at"`
	StartedAt    int64  `db:"started_at"`
	FedAt        int64  `db:"fed_at"`
	EndedAt      int64  `db:"ended_at"`
	Deadline     int64  `db:"deadline"`
	Revision     int64  `db:"revision"`
}

const selectCampaigns = `SELECT id, name, channel, template, segment, quiet_hours, frequency_cap, life, state, position, swept, accounts, looked_at, chosen, excluded,
	created_at, started_at, fed_at, ended_at, deadline, revision FROM campaigns `

func (r campaignRow) campaign() (campaign.Campaign, error) {
	c := campaign.Campaign{
		ID: registration.ID(r.ID), Name: r.Name, Channel: registration.Channel(r.Channel), Template: r.Template,
		Life: time.Duration(r.Life) * time.Microsecond, State: campaign.State(r.State), Accounts: r.Accounts, LookedAt: r.LookedAt, Chosen: r.Chosen,
		CreatedAt: timeOf(r.CreatedAt), StartedAt: timeOf(r.StartedAt), FedAt: timeOf(r.FedAt), EndedAt: timeOf(r.EndedAt), Deadline: timeOf(r.Deadline),
		Revision: r.Revision,
	}
	copy(c.Position[:], r.Position)
	copy(c.Swept[:], r.Swept)
	err := errors.Join(c.Segment.UnmarshalText([]byte(r.Segment)), c.Quiet.UnmarshalText([]byte(r.QuietHours)),
		c.Cap.UnmarshalText([]byte(r.FrequencyCap)), json.Unmarshal([]byte(r.Excluded), &c.Excluded))
	if err != nil {
		err = fmt.Errorf("store: campaign %s: %w", r.Name, err)
	}
	return c, err
}

// nullID is an id in a column that has NULL for none.
func nullID(id registration.ID) []byte {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

// excludedText is the column of that name.
func excludedText(excluded map[campaign.Exclusion]int) (string, error) {
	if excluded == nil {
		excluded = map[campaign.Exclusion]int{}
	}
	text, err := json.Marshal(excluded)
	return string(text), err
}

// Create implements campaign.Store.
func (s *Campaigns) Create(ctx context.Context, c campaign.Campaign) error {
	var texts [3]string
	for i, column := range []encoding.TextMarshaler{c.Segment, c.Quiet, c.Cap} {
		text, err := column.MarshalText()
		if err != nil {
			return fmt.Errorf("store: create campaign: %w", err)
		}
		texts[i] = string(text)
	}
	return s.db.transact(ctx, "create campaign", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO campaigns (id, name, channel, template, segment, quiet_hours, frequency_cap, life, state, position, swept, accounts, looked_at, chosen, excluded,
			created_at, started_at, fed_at, ended_at, deadline, revision) VALUES (?,?,?,?,?,?,?,?,?,NULL,NULL,0,0,0,'{}',?,0,0,0,0,1)`,
			c.ID[:], c.Name, string(c.Channel), c.Template, texts[0], texts[1], texts[2], c.Life.Microseconds(), string(c.State), micros(c.CreatedAt))
		if s.db.dialect.classify(err).class != duplicate {
			return err
		}
		var id uuid
		if err := t.conn.GetContext(ctx, &id, `SELECT id FROM campaigns WHERE name = ?`, c.Name); err != nil {
			return err
		}
		if id != uuid(c.ID) {
			return answer{campaign.ErrExists}
		}
		return nil // by an attempt before, whose outcome was not known
	})
}

// Campaign implements campaign.Store.
func (s *Campaigns) Campaign(ctx context.Context, name string) (campaign.Campaign, error) {
	all, err := s.list(ctx, `WHERE name = ?`, name)
	if err == nil && len(all) == 0 {
		err = campaign.ErrUnknown
	}
	if err != nil {
		return campaign.Campaign{}, err
	}
	return all[0], nil
}

// Campaigns implements campaign.Store.
func (s *Campaigns) Campaigns(ctx context.Context) ([]campaign.Campaign, error) {
	return s.list(ctx, `ORDER BY created_at DESC, id DESC`)
}

// Open implements campaign.FeederStore.
func (s *Campaigns) Open(ctx context.Context) ([]campaign.Campaign, error) {
	return s.list(ctx, `WHERE state IN ('RUNNING', 'RESUMING', 'CANCELLING') ORDER BY started_at, id`)
}

func (s *Campaigns) list(ctx context.Context, where string, args ...any) ([]campaign.Campaign, error) {
	var rows []campaignRow
	err := s.db.view(ctx, "campaigns", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectCampaigns+where, args...)
	})
	if err != nil {
		return nil, err
	}
	all := make([]campaign.Campaign, len(rows))
	for i, r := range rows {
		if all[i], err = r.campaign(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Change implements campaign.Store.
func (s *Campaigns) Change(ctx context.Context, name string, change func(*campaign.Campaign) error) (campaign.Campaign, error) {
	var c campaign.Campaign
	err := s.db.transact(ctx, "change campaign", func(ctx context.Context, t *tx) error {
		var row campaignRow
		err := t.conn.GetContext(ctx, &row, selectCampaigns+`WHERE name = ?`+s.db.dialect.forUpdate, name)
		if errors.Is(err, sql.ErrNoRows) {
			return answer{campaign.ErrUnknown}
		}
		if err != nil {
			return err
		}
		if c, err = row.campaign(); err != nil {
			return answer{err}
		}
		if err := change(&c); err != nil {
			return answer{err}
		}
		if string(c.State) == row.State {
			return nil
		}
		c.Revision++
		n, err := t.exec(ctx, `UPDATE campaigns SET state = ?, swept = ?, accounts = ?, started_at = ?, ended_at = ?, deadline = ?, revision = ? WHERE id = ? AND revision = ?`,
			string(c.State), nullID(c.Swept), c.Accounts, micros(c.StartedAt), micros(c.EndedAt), micros(c.Deadline), c.Revision, row.ID, row.Revision)
		if err == nil && n != 1 {
			err = errAborted // cannot be while the row is locked
		}
		return err
	})
	return c, err
}

// Progress implements campaign.Store.
func (s *Campaigns) Progress(ctx context.Context, id registration.ID) (map[registration.State]int, error) {
	var rows []struct {
		State string `db:"state"`
		N     int    `db:"n"`
	}
	err := s.db.view(ctx, "progress", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, `SELECT state, COUNT(*) AS n FROM notifications WHERE campaign_id = ? GROUP BY state`, id[:])
	})
	if err != nil {
		return nil, err
	}
	counts := make(map[registration.State]int, len(rows))
	for _, r := range rows {
		counts[registration.State(r.State)] = r.N
	}
	return counts, nil
}

// CountAccounts implements campaign.Store.
func (s *Campaigns) CountAccounts(ctx context.Context) (int, error) {
	return s.count(ctx, `SELECT COUNT(*) FROM accounts`)
}

// Unsettled implements campaign.FeederStore: what is not settled has a row in
// the outbox.
func (s *Campaigns) Unsettled(ctx context.Context) (int, error) {
	return s.count(ctx, `SELECT COUNT(*) FROM outbox WHERE lane IN ('email.marketing', 'sms.marketing')`)
}

func (s *Campaigns) count(ctx context.Context, query string) (n int, err error) {
	err = s.db.view(ctx, "count", func(ctx context.Context, conn *sqlx.Conn) error { return conn.GetContext(ctx, &n, query) })
	return n, err
}
