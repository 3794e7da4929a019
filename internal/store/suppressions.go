package store

import (
	"context"
	"strings"

	"github.com/jmoiron/sqlx"

	"registrar/internal/notify"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// Suppressions is the list of those to whom nothing is sent any more.
type Suppressions struct{ db *DB }

// Suppressions gives the suppression list.
func (db *DB) Suppressions() *Suppressions { return &Suppressions{db} }

const selectSuppressions = `SELECT channel, recipient, reason, detail, created_at FROM suppressions `

type suppressionRow struct {
	Channel   string `db:"channel"`
	Recipient []byte `db:"recipient"`
	Reason    string `db:"reason"`
	Detail    string `db:"detail"`
	CreatedAt int64  `db:"created_at"`
}

func (r suppressionRow) suppression() suppression.Suppression {
	s := suppression.Suppression{Channel: registration.Channel(r.Channel), Reason: suppression.Reason(r.Reason), Detail: r.Detail, CreatedAt: timeOf(r.CreatedAt)}
	copy(s.Recipient[:], r.Recipient)
	return s
}

func suppressionsOf(rows []suppressionRow) []suppression.Suppression {
	all := make([]suppression.Suppression, len(rows))
	for i, r := range rows {
		all[i] = r.suppression()
	}
	return all
}

// Add puts a reason on the list. Where the recipient has that reason already,
// it stays as it is, with its time.
func (s *Suppressions) Add(ctx context.Context, one suppression.Suppression) error {
	return s.db.transact(ctx, "add suppression", func(ctx context.Context, t *tx) error { return s.db.suppress(ctx, t, one) })
}

// suppress is Add in a transaction.
func (db *DB) suppress(ctx context.Context, t *tx, s suppression.Suppression) error {
	err := t.run(ctx, `INSERT INTO suppressions (channel, recipient, reason, detail, created_at) VALUES (?,?,?,?,?)`,
		string(s.Channel), s.Recipient[:], string(s.Reason), cut(s.Detail), micros(s.CreatedAt))
	if db.dialect.classify(err).class == duplicate {
		return nil
	}
	return err
}

// suppressRefused puts the recipient of a settled attempt on the list where a
// mail server has refused it, in the dialogue itself, as one that does not
// exist. reason is the ledger's: a class and the server's codes.
func (db *DB) suppressRefused(ctx context.Context, t *tx, e entry, reason string, now int64) error {
	words := strings.Fields(reason)
	if registration.Channel(e.Channel) != registration.EmailChannel || len(words) != 3 || words[0] != string(notify.Permanent) || !suppression.IsHardBounce(words[2]) {
		return nil
	}
	return db.suppress(ctx, t, suppression.Suppression{
		Channel: registration.EmailChannel, Recipient: suppression.RecipientOf(registration.EmailChannel, e.Recipient),
		Reason: suppression.HardBounce, Detail: words[2], CreatedAt: timeOf(now),
	})
}

// Remove takes a reason, or every one where reason is "", off the list. It
// gives how many there were.
func (s *Suppressions) Remove(ctx context.Context, channel registration.Channel, recipient suppression.Recipient, reason suppression.Reason) (int, error) {
	n := 0
	err := s.db.transact(ctx, "remove suppression", func(ctx context.Context, t *tx) error {
		removed, err := t.unsuppress(ctx, channel, recipient, reason)
		n = max(n, removed) // an earlier attempt may have removed them
		return err
	})
	return n, err
}

func (t *tx) unsuppress(ctx context.Context, channel registration.Channel, recipient suppression.Recipient, reason suppression.Reason) (int, error) {
	query, args := `DELETE FROM suppressions WHERE channel = ? AND recipient = ?`, []any{string(channel), recipient[:]}
	if reason != "" {
		query, args = query+` AND reason = ?`, append(args, string(reason))
	}
	return t.exec(ctx, query, args...)
}

// reached notes that a person has read what was sent to a recipient: it does
// not bounce. What the person or an operator has said stays.
func (t *tx) reached(ctx context.Context, channel registration.Channel, recipient string) error {
	_, err := t.unsuppress(ctx, channel, suppression.RecipientOf(channel, recipient), suppression.HardBounce)
	return err
}

// Find gives the reasons for which a recipient is on the list, the oldest first.
func (s *Suppressions) Find(ctx context.Context, channel registration.Channel, recipient suppression.Recipient) ([]suppression.Suppression, error) {
	var rows []suppressionRow
	err := s.db.view(ctx, "find suppression", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectSuppressions+`WHERE channel = ? AND recipient = ? ORDER BY created_at, reason`, string(channel), recipient[:])
	})
	return suppressionsOf(rows), err
}

// List gives at most limit of the list, in the order of channel, recipient and
// reason, from behind after on; the zero value is before all.
func (s *Suppressions) List(ctx context.Context, after suppression.Suppression, limit int) ([]suppression.Suppression, error) {
	var rows []suppressionRow
	channel, recipient, reason := string(after.Channel), after.Recipient[:], string(after.Reason)
	err := s.db.view(ctx, "list suppressions", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, selectSuppressions+`WHERE channel > ? OR channel = ? AND (recipient > ? OR recipient = ? AND reason > ?)
			ORDER BY channel, recipient, reason LIMIT ?`, channel, channel, recipient, recipient, reason, limit)
	})
	return suppressionsOf(rows), err
}

// suppressed gives, by notification, why nothing is to be sent.
func (t *tx) suppressed(ctx context.Context, entries []entry) (map[uuid]suppression.Reason, error) {
	hashes := make(map[string][][]byte) // by channel
	of := make([]suppression.Recipient, len(entries))
	for i, e := range entries {
		of[i] = suppression.RecipientOf(registration.Channel(e.Channel), e.Recipient)
		hashes[e.Channel] = append(hashes[e.Channel], of[i][:])
	}
	type recipient struct {
		channel string
		hash    suppression.Recipient
	}
	reasons := make(map[recipient][]suppression.Reason)
	for channel, list := range hashes {
		var rows []suppressionRow
		if err := t.query(ctx, &rows, selectSuppressions+`WHERE channel = ? AND recipient IN (?)`, channel, list); err != nil {
			return nil, err
		}
		for _, row := range rows {
			s := row.suppression()
			key := recipient{channel, s.Recipient}
			reasons[key] = append(reasons[key], s.Reason)
		}
	}
	held := make(map[uuid]suppression.Reason)
	for i, e := range entries {
		if reason := suppression.First(reasons[recipient{e.Channel, of[i]}], registration.Kind(e.Kind)); reason != "" {
			held[e.ID] = reason
		}
	}
	return held, nil
}

// cut keeps a status within its column.
func cut(s string) string {
	const most = 255
	runes := []rune(strings.ToValidUTF8(s, ""))
	return string(runes[:min(len(runes), most)])
}
