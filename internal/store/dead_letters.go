package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	"registrar/internal/deadletter"
)

// DeadLetters implements deadletter.Decisions.
type DeadLetters struct{ db *DB }

// DeadLetters gives what was decided on letters.
func (db *DB) DeadLetters() *DeadLetters { return &DeadLetters{db} }

var _ deadletter.Decisions = (*DeadLetters)(nil)

// deadLetterBatch bounds what one statement names.
const deadLetterBatch = 250

// Verdicts implements deadletter.Decisions.
func (d *DeadLetters) Verdicts(ctx context.Context, marks []deadletter.Mark) (map[deadletter.Mark]deadletter.Verdict, error) {
	verdicts := map[deadletter.Mark]deadletter.Verdict{}
	for partition, offsets := range offsetsOf(marks) {
		for len(offsets) > 0 {
			n := min(deadLetterBatch, len(offsets))
			if err := d.read(ctx, partition, offsets[:n], verdicts); err != nil {
				return nil, err
			}
			offsets = offsets[n:]
		}
	}
	return verdicts, nil
}

// offsetsOf are the offsets by partition.
func offsetsOf(marks []deadletter.Mark) map[int][]int64 {
	offsets := map[int][]int64{}
	for _, m := range marks {
		offsets[m.Partition] = append(offsets[m.Partition], m.Offset)
	}
	return offsets
}

// read adds what was decided at the offsets, also on letters that lay there
// before others.
func (d *DeadLetters) read(ctx context.Context, partition int, offsets []int64, verdicts map[deadletter.Mark]deadletter.Verdict) error {
	query, args, err := sqlx.In(`SELECT topic_offset, written_at, decision, decided_at FROM dead_letters WHERE topic_partition = ? AND topic_offset IN (?)`, partition, offsets)
	if err != nil {
		return err
	}
	var rows []struct {
		Offset    int64  `db:"topic_offset"`
		WrittenAt int64  `db:"written_at"`
		Decision  string `db:"decision"`
		DecidedAt int64  `db:"decided_at"`
	}
	err = d.db.view(ctx, "verdicts", func(ctx context.Context, conn *sqlx.Conn) error {
		rows = nil
		return conn.SelectContext(ctx, &rows, query, args...)
	})
	for _, r := range rows {
		mark := deadletter.Mark{ID: deadletter.ID{Partition: partition, Offset: r.Offset}, WrittenAt: r.WrittenAt}
		verdicts[mark] = deadletter.Verdict{Decision: deadletter.Decision(r.Decision), At: timeOf(r.DecidedAt)}
	}
	return err
}

// Decide implements deadletter.Decisions.
func (d *DeadLetters) Decide(ctx context.Context, marks []deadletter.Mark, v deadletter.Verdict) error {
	for len(marks) > 0 {
		n := min(deadLetterBatch, len(marks))
		if err := d.decide(ctx, marks[:n], v); err != nil {
			return err
		}
		marks = marks[n:]
	}
	return nil
}

// decide takes away what was decided before.
func (d *DeadLetters) decide(ctx context.Context, marks []deadletter.Mark, v deadletter.Verdict) error {
	return d.db.transact(ctx, "decide", func(ctx context.Context, t *tx) error {
		values := make([]any, 0, 5*len(marks))
		for _, m := range marks {
			if _, err := t.exec(ctx, `DELETE FROM dead_letters WHERE topic_partition = ? AND topic_offset = ? AND written_at = ?`, m.Partition, m.Offset, m.WrittenAt); err != nil {
				return err
			}
			values = append(values, m.Partition, m.Offset, m.WrittenAt, string(v.Decision), micros(v.At))
		}
		return t.run(ctx, statement(`INSERT INTO dead_letters (topic_partition, topic_offset, written_at, decision, decided_at) VALUES `+tuples(len(marks), 5)), values...)
	})
}
