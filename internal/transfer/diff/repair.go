package diff

import (
	"context"
	"crypto/sha256"

	"registrar/internal/transfer"
)

// RepairID is the Import's of a comparison's Repair.
func (d Diff) RepairID() [32]byte { return sha256.Sum256(append([]byte("repair\x00"), d.ID[:]...)) }

// Repair imports those who are Missing, by the importer's own rules, and withdraws
// what was found of them. Who is refused stays Missing. The Import is what the
// importer did.
func (d *Differ) Repair(ctx context.Context, at Diff, importer *transfer.Importer) (transfer.Import, error) {
	open := importer.Open
	missing := *importer
	missing.Open = func(ctx context.Context, position transfer.Position) (transfer.Source, error) {
		source, err := open(ctx, position)
		if err != nil {
			return nil, err
		}
		return &missingOnly{source, d, at.ID}, nil
	}
	first := transfer.Import{
		ID: at.RepairID(), Caller: at.Caller, Source: "what was missing of " + at.Source, Fingerprint: at.Fingerprint,
	}
	if f, named := importer.Rejects.(interface{ Path() string }); named {
		first.Rejects = f.Path()
	}
	// From the beginning: what an interrupted repair has stored is missing no more.
	done, err := missing.Run(ctx, first, true)
	if err != nil {
		return done, err
	}
	return done, d.Recheck(ctx, at)
}

// missingOnly are the rows of a source whose people are Missing.
type missingOnly struct {
	transfer.Source
	differ *Differ
	diff   [32]byte
}

// Next implements transfer.Source.
func (m *missingOnly) Next(ctx context.Context, limit int) ([]transfer.Row, error) {
	for {
		rows, err := m.Source.Next(ctx, limit)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(rows))
		for i, row := range rows {
			ids[i] = m.differ.Mapper.ExternalID(row)
		}
		missing, err := m.differ.Store.Found(ctx, m.diff, Missing, ids)
		if err != nil {
			return nil, err
		}
		var some []transfer.Row
		for i, row := range rows {
			if missing[ids[i]] {
				some = append(some, row)
			}
		}
		if len(some) > 0 {
			return some, nil
		}
	}
}
