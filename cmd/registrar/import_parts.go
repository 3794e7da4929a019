package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/person"
	"registrar/internal/store"
	"registrar/internal/transfer"
)

// newImporter ties the parts together.
func newImporter(c config.Config, db *store.DB, m monolith, flags importFlags) (*transfer.Importer, error) {
	secret, err := codeSecret(c)
	if err != nil {
		return nil, err
	}
	keys, err := person.NewKeys(secret)
	if err != nil {
		return nil, err
	}
	people := db.People(keys)
	importer := &transfer.Importer{
		Open:     m.open,
		Mapper:   m.Mapper(mappingEnvironment(c)),
		Store:    people,
		News:     transfer.News{Notify: flags.notify != "", Life: c.Registration.NotificationLife, Events: flags.events},
		NewID:    newID,
		Now:      time.Now,
		Batch:    flags.batch,
		TellKeys: m.TellKeys(),
	}
	if flags.dryRun {
		importer.Store = transfer.NewRehearsal(people)
	}
	return importer, nil
}

// importBefore is what an interrupted import of the same source has come to; nil
// where there is none to go on with.
func importBefore(ctx context.Context, db *store.DB, first transfer.Import, anew bool) (*transfer.Import, error) {
	if anew {
		return nil, nil //nolint:nilnil // none
	}
	all, err := db.People(nil).Imports(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range all {
		if i.ID == first.ID && i.State == transfer.Open {
			return &i, nil
		}
	}
	return nil, nil //nolint:nilnil // none
}

// noteCaller says when nobody could ask for the people by their external ids yet.
func noteCaller(ctx context.Context, cmd *cobra.Command, db *store.DB, name string) error {
	all, err := db.Callers().Callers(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.Name == name {
			return nil
		}
	}
	if name == "" || len(all) == 0 {
		return nil
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "There is no caller %s yet, whose the external ids are: registrar caller add %s adds it.\n", name, name)
	return err
}
