package store

import (
	"bytes"
	"context"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

// blankedRow is an entry of the audit log whose external id is erased.
type blankedRow struct {
	ID       uuid   `db:"id"`
	Sequence int64  `db:"sequence"` // 0 where it is not sealed
	Digest   []byte `db:"external_digest"`
}

// eraseExternalID takes a caller's key out of the entries of the audit log that
// have it, and gives them. What is found without an
// index is read first and not locked: calls go on writing there.
func (t *tx) eraseExternalID(ctx context.Context, a registration.Account) (blanked []blankedRow, err error) {
	const named = ` WHERE caller = ? AND external_id = ?`
	var sealed, waiting []blankedRow
	// In this order: what is sealed between the two is found twice, and not missed.
	if err := t.conn.SelectContext(ctx, &waiting, `SELECT id, 0 AS sequence, external_digest FROM audit_pending`+named, a.Caller, a.ExternalID); err != nil {
		return nil, err
	}
	if err := t.conn.SelectContext(ctx, &sealed, `SELECT id, sequence, external_digest FROM audit_log`+named, a.Caller, a.ExternalID); err != nil {
		return nil, err
	}
	var sequences, ids []any
	for _, r := range sealed {
		sequences = append(sequences, r.Sequence)
	}
	for _, r := range waiting {
		ids = append(ids, r.ID)
	}
	for _, of := range []struct {
		keys  []any
		erase string
	}{
		{sequences, `UPDATE audit_log SET external_id = NULL, external_salt = NULL WHERE sequence IN (?)`},
		{ids, `UPDATE audit_pending SET external_id = NULL, external_salt = NULL WHERE id IN (?)`},
	} {
		if len(of.keys) == 0 {
			continue
		}
		n, err := t.exec(ctx, of.erase, of.keys)
		if err != nil {
			return nil, err
		}
		if n != len(of.keys) {
			return nil, errAborted // it was sealed meanwhile, and is in the chain
		}
	}
	return append(sealed, waiting...), nil
}

// blankRecords makes the records that tell whose external ids an erasure has
// removed, in the place of those that an earlier attempt has made. Their ids are
// behind those of all of them: so they are sealed behind them, and pruned behind them.
func (db *DB) blankRecords(erasure audit.Entry, blanked []blankedRow, earlier []audit.Record) (records []audit.Record, err error) {
	last, digests := erasure.ID, make([][]byte, len(blanked))
	for i, r := range blanked {
		digests[i] = r.Digest
		if bytes.Compare(r.ID[:], last[:]) > 0 {
			last = registration.ID(r.ID)
		}
	}
	details := audit.BlankDetails(digests, erasure.Detail)
	for i := range max(len(details), len(earlier)) {
		var e audit.Entry
		var before audit.Record
		if i < len(details) {
			last = following(last)
			e = audit.Entry{ID: last, At: erasure.At, Action: audit.Blank, Outcome: registration.AuditOK, Caller: erasure.Caller, AccountID: erasure.AccountID, Detail: details[i]}
		}
		if i < len(earlier) {
			before = earlier[i]
		}
		r, err := db.recordFor(e, before)
		if err != nil {
			return nil, err
		}
		if i < len(details) {
			records = append(records, r)
		}
	}
	return records, nil
}

// following is the id behind another one.
func following(id registration.ID) registration.ID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id
}
