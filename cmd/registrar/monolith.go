package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/address"
	"registrar/internal/config"
	"registrar/internal/password"
	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

// monolithFlags say what import and diff read, and by which mapping.
type monolithFlags struct {
	mapping string
	path    string // of the file; "" for the mapping's database
}

// add adds --mapping; which says which one it is.
func (f *monolithFlags) add(fs *pflag.FlagSet, which string) {
	fs.StringVar(&f.mapping, "mapping", "", "`file` that says how rows become people, or the name of a shipped one: "+which)
}

func atMostOneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("at most one file can be imported at a time: %s", cmd.UseLine())
	}
	return nil
}

// name takes the FILE that is named behind the flags, if one is.
func (f *monolithFlags) name(args []string) {
	f.path = ""
	if len(args) == 1 {
		f.path = absolute(args[0])
	}
}

// check refuses to go without a mapping; which says which one it is to be.
func (f *monolithFlags) check(which string) error {
	if f.mapping == "" {
		return errors.New("--mapping is needed: " + which)
	}
	return nil
}

// monolith is a table or file of people, with the mapping that it is read by.
type monolith struct {
	*mapping.Mapping
	path string // of the file; "" for the mapping's database
}

func (f *monolithFlags) load() (monolith, error) {
	m, err := mapping.Load(f.mapping)
	if err != nil {
		return monolith{}, err
	}
	if f.path == "" && m.Source.Kind != mapping.Database {
		return monolith{}, fmt.Errorf("the mapping %s is for a file: name it behind the flags", f.mapping)
	}
	return monolith{m, f.path}, nil
}

// newImport is an import that nothing was done of yet.
func (m monolith) newImport(ctx context.Context) (transfer.Import, error) {
	file, err := source.Fingerprint(ctx, m.path)
	if ctx.Err() != nil {
		err = transfer.ErrStopped
	}
	if err != nil {
		return transfer.Import{}, err
	}
	sum := m.Sum()
	what := m.Source.Identity(m.path)
	return transfer.Import{
		ID: sha256.Sum256([]byte(m.Caller + "\x00" + what)), Caller: m.Caller, Source: what, Fingerprint: sha256.Sum256(append(sum[:], file[:]...)),
	}, nil
}

// open opens the source behind a position.
func (m monolith) open(ctx context.Context, at transfer.Position) (transfer.Source, error) {
	return source.Open(ctx, m.Source, m.path, m.Columns(), at)
}

// mappingEnvironment is what the service knows of addresses, numbers and hashes.
func mappingEnvironment(c config.Config) mapping.Environment {
	return mapping.Environment{
		DomainToASCII: address.DomainToASCII,
		ParseMobile:   address.Mobiles{Region: c.DefaultRegion}.Parse,
		DefaultLocale: c.DefaultLocale,
		CheckHash:     password.Importable,
		Now:           time.Now,
	}
}

// advisedStop adds to an error of a run that can be gone on with what to do next:
// onwards says where the same command goes on, other what another process does.
func advisedStop(err error, rows int64, onwards, other string) error {
	switch {
	case errors.Is(err, transfer.ErrStopped):
		return fmt.Errorf("stopped after %d rows%s, with --restart it begins anew", rows, onwards)
	case errors.Is(err, transfer.ErrOvertaken):
		return errors.New("another process " + other)
	default:
		return err
	}
}
