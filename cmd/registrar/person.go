package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"registrar/internal/address"
	"registrar/internal/config"
	"registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func personCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "person",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Short: "Give a person all that is held of them, or erase it",
		Long: `Does what a person may ask for: a copy of all that is held of them, and to be
erased. Somebody is named by the registration's id, by a caller and its own id, by
user name or by e-mail address, in any spelling. Who asks is for you to find out.

Both are noted in the audit log.`,
		Example: `  registrar person export --email amina@example.com > amina.json
  registrar person erase --external-id portal 4711 --yes`,
	}
	for _, sub := range []*cobra.Command{exportPersonCommand(), erasePersonCommand()} {
		config.AddFlags(sub.Flags())
		cmd.AddCommand(sub)
	}
	return cmd
}

// whoFlags say who is meant.
type whoFlags struct {
	id, username, email, external string
}

func (f *whoFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.id, "registration", "", "`id` of the registration")
	fs.StringVar(&f.external, "external-id", "", "the `caller`, whose own id is the argument")
	fs.StringVar(&f.username, "username", "", "in any spelling")
	fs.StringVar(&f.email, "email", "", "in any spelling")
}

// key reads who is meant, as registrations are read.
func (f *whoFlags) key(fs *pflag.FlagSet, args []string) (key registration.Key, err error) {
	given := 0
	for _, name := range []string{"registration", "external-id", "username", "email"} {
		if fs.Changed(name) {
			given++
		}
	}
	if given != 1 || (len(args) > 0) != fs.Changed("external-id") {
		return key, errors.New("say who by one of: --registration ID, --external-id CALLER ID, --username NAME, --email ADDRESS")
	}
	switch {
	case fs.Changed("registration"):
		if key.ID, err = registration.ParseID(f.id); err != nil {
			err = errors.New("--registration is not an id, such as 01936f09-11aa-7c02-8f4e-2b6d0c9e7a55")
		}
	case fs.Changed("external-id"):
		key.Caller, key.ExternalID = f.external, args[0]
		if key.ExternalID == "" {
			err = errors.New("the caller's own id of the person is empty")
		}
	case fs.Changed("username"):
		username, wrong := registration.ParseUsername(f.username)
		if wrong != nil {
			return key, errors.New("--username is none that anybody can have")
		}
		key.Username = username.Key
	default:
		email, wrong := registration.ParseEmail(f.email, address.DomainToASCII)
		if wrong != nil {
			return key, errors.New("--email is not an e-mail address: write it like amina@example.com")
		}
		key.Email = email.Key
	}
	return key, err
}

// withPersons opens what exports and erases people.
func withPersons(cmd *cobra.Command, do func(context.Context, *person.Service) error) error {
	return withDatabase(cmd, func(ctx context.Context, c config.Config, db *store.DB) error {
		keys, err := tombstoneKeys(c)
		if err != nil {
			return err
		}
		return advisedOnPersons(do(ctx, &person.Service{
			Store: db.Persons(), Audit: db.Audit(), Keys: keys, NewID: newID, Now: time.Now, RecordEvents: c.RecordsEvents(), By: operator(),
		}))
	})
}

// tombstoneKeys are derived from the key of one-time codes, which all servers have.
func tombstoneKeys(c config.Config) (*person.Keys, error) {
	if c.Codes.Key == "" {
		if _, err := os.Stat(filepath.Join(c.DataDir, codeKeyFile)); err != nil {
			return nil, fmt.Errorf("there is no %s in %s: give the --data-dir (data_dir), or codes.key, that the service has", codeKeyFile, absolute(c.DataDir))
		}
	}
	secret, err := codeSecret(c)
	if err != nil {
		return nil, err
	}
	return person.NewKeys(secret)
}

// advisedOnPersons adds to an error what to do next.
func advisedOnPersons(err error) error {
	switch {
	case errors.Is(err, registration.ErrNotFound):
		return errors.New("there is nobody of that name: registrar audit list --since 0 tells whether they were erased")
	case errors.Is(err, registration.ErrUnavailable):
		return fmt.Errorf("%w; give the same command again: what was begun is finished", unreached(err))
	default:
		return err
	}
}

func erasePersonCommand() *cobra.Command {
	var who whoFlags
	var keepExternalID, keepOptOuts, yes bool
	cmd := &cobra.Command{
		Use:   "erase",
		Short: "Erase a person",
		Long: `Erases a person for good, also beside a service that runs: account, profile, codes,
records of requests, messages with their history and what waits in the outbox, the
local inbox, campaigns' choice of them, and events that nobody has read yet. Nothing
is sent to them from then on; a message that is being sent at the moment is waited
for. User name and address are free again. When the command is interrupted, give
any erase command again: it finishes what was begun first.

It reaches also the registrations that an enumeration-safe caller has made with the
person's address while that was taken.

What stays, and why:

  a tombstone    the registration's id, the caller and its own id for the person,
                 so that registrar import does not bring them back. With
                 --keep-external-id=false a keyed hash stands for that id, also
                 in the audit log
  the audit log  its entries name the registration and nobody
  opt-outs       that nothing, or no marketing, is to be sent to an address or a
                 number, as a hash: whoever has said so means it also when they
                 are registered again. --keep-opt-outs=false forgets them

Other systems are told by the event registrar.registration.erased, where events are
recorded. Out of reach are messages that were sent, what providers keep, backups,
and the database's own logs: docs/operations.md says how long those live.`,
		Example: `  registrar person erase --email amina@example.com --yes
  registrar person erase --external-id portal 4711 --keep-external-id=false --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := who.key(cmd.Flags(), args)
			switch {
			case err != nil:
				return err
			case !yes:
				return errors.New("nothing was erased: it cannot be taken back. Look at registrar person export first, then give --yes")
			}
			return withPersons(cmd, func(ctx context.Context, s *person.Service) error {
				e := person.Erasure{Key: key, KeepExternalID: keepExternalID, KeepOptOuts: keepOptOuts, Progress: eraseProgress(cmd)}
				erased, err := s.Erase(ctx, e)
				for _, id := range erased {
					if _, writeErr := fmt.Fprintf(cmd.OutOrStdout(), "Registration %s is erased.\n", id); writeErr != nil {
						err = errors.Join(err, writeErr)
					}
				}
				return err
			})
		},
	}
	who.add(cmd.Flags())
	cmd.Flags().BoolVar(&keepExternalID, "keep-external-id", true, "keep the caller's own id for the person in the tombstone and in the audit log")
	cmd.Flags().BoolVar(&keepOptOuts, "keep-opt-outs", true, "keep, as hashes, that nothing is to be sent to the address and number")
	cmd.Flags().BoolVar(&yes, "yes", false, "erase")
	return cmd
}

// eraseProgress tells of long erasures.
func eraseProgress(cmd *cobra.Command) func(notifications, held int) {
	waiting := false
	return func(_, held int) {
		if held > 0 && !waiting {
			waiting = true
			fmt.Fprintf(cmd.ErrOrStderr(), "%d messages are being sent at the moment; they are waited for\n", held)
		}
	}
}
