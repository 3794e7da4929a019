package main

import (
	"context"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/store"
	"registrar/internal/transfer"
	"registrar/internal/transfer/diff"
	"registrar/internal/transfer/source"
)

// repairRejects opens --rejects, before anything is compared. A repair that was
// interrupted has written to it already, and writes it anew.
func repairRejects(ctx context.Context, db *store.DB, d diff.Diff, m monolith, flags diffFlags) (*source.Rejects, error) {
	if flags.rejects == "" {
		return nil, nil //nolint:nilnil // none
	}
	before, err := importBefore(ctx, db, transfer.Import{ID: d.RepairID()}, false)
	if err != nil {
		return nil, err
	}
	return openRejects(absolute(flags.rejects), m, before)
}

// repair imports who is missing.
func repair(ctx context.Context, cmd *cobra.Command, c config.Config, db *store.DB, differ *diff.Differ, d diff.Diff, m monolith, rejects *source.Rejects) (transfer.Import, error) {
	importer, err := newImporter(c, db, m, importFlags{batch: transfer.DefaultBatch})
	if err != nil {
		return transfer.Import{}, err
	}
	if rejects != nil {
		importer.Rejects = rejects
	}
	show := showImport(cmd.ErrOrStderr(), nil)
	importer.Observer = transfer.Observer{Progress: show.progress, Waiting: show.waiting}
	defer show.end()
	return differ.Repair(ctx, d, importer)
}
