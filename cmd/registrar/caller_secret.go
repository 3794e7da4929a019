package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/audit"
	"registrar/internal/caller"
	"registrar/internal/config"
)

// longestOverlap bounds how long an old secret holds beside its successor.
const longestOverlap = 365 * 24 * time.Hour

// digestHelp is what an operator must know before choosing digests.
const digestHelp = `A digest of WS-Security is made from the secret itself, so with --digest the
secret is kept, encrypted by callers.key (or callers.key_file; make one by
openssl rand -base64 32 and give it to every server): whoever has both that key
and the database can decrypt it. Without --digest only its hash is kept, which
nobody can turn back. The text of the secret is accepted either way, over TLS
or on loopback.`

func addCallerCommand() *cobra.Command {
	var (
		flags            policyFlags
		digest, noSecret bool
	)
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a caller and show its secret, once",
		Long: `Adds a caller and writes its secret to standard output. It is shown this once:
when it is lost, registrar caller rotate makes another one. Where there is no
database yet, one is made, as registrar serve does.

NAME is 1 to 64 of a-z, 0-9, '.', '_' and '-'.

` + digestHelp,
		Example: `  registrar caller add erp
  curl -u erp:SECRET -H 'Content-Type: text/xml' --data-binary @request.xml http://127.0.0.1:8080/registration

  registrar caller add backfill --operations Register --rate 50 --daily-quota 100000 --suppress-notifications
  registrar caller add legacy --digest
  registrar caller add mesh --certificate-subject 'CN=mesh,O=Acme' --no-secret`,
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := caller.ParseName(args[0])
			if err != nil {
				return err
			}
			now := time.Now()
			added := caller.Caller{Name: name, CreatedAt: now, UpdatedAt: now}
			if err := flags.apply(cmd.Flags(), &added); err != nil {
				return err
			}
			if noSecret && added.CertificateSubject == "" {
				return errors.New("--no-secret leaves the caller without any credential: give it --certificate-subject too")
			}
			return withCallersAnew(cmd, audit.CallerAdd, func(ctx context.Context, c config.Config, callers caller.Store) error {
				var text string
				if !noSecret {
					var secret caller.Secret
					if text, secret, err = newSecret(c, name, digest, now); err != nil {
						return err
					}
					added.Secrets = []caller.Secret{secret}
				}
				if err := callers.Add(ctx, added); err != nil {
					return advised(err, name)
				}
				if noSecret {
					return sayDone(cmd.OutOrStdout(), c, name, "added in "+databaseOf(c))
				}
				said := fmt.Sprintf("Caller %s is added in %s. %s\n", name, databaseOf(c), holds(c))
				return showSecret(cmd.OutOrStdout(), name, said, text, digest)
			})
		},
	}
	flags.add(cmd.Flags())
	cmd.Flags().BoolVar(&digest, "digest", false, "accept WS-Security digests too: the secret is kept, encrypted by callers.key")
	cmd.Flags().BoolVar(&noSecret, "no-secret", false, "make no secret: the caller has a client certificate alone")
	cmd.MarkFlagsMutuallyExclusive("digest", "no-secret")
	return cmd
}

func rotateCallerCommand() *cobra.Command {
	var (
		overlap time.Duration
		digest  bool
	)
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Make a caller's next secret and show it, once",
		Long: `Makes another secret and writes it to standard output, this once. The one
before holds for --overlap more, so that the caller can change over while it
goes on calling; --overlap 0 ends it at once, as is right when it has leaked.

Digests stay accepted or not as they were unless --digest or --digest=false is
given. ` + digestHelp,
		Example: `  registrar caller rotate erp
  registrar caller rotate erp --overlap 0
  registrar caller rotate erp --overlap 168h --digest`,
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			if overlap < 0 || overlap > longestOverlap {
				return fmt.Errorf("--overlap must be 0 to %s", longestOverlap)
			}
			name := args[0]
			return withCallers(cmd, audit.CallerRotate, func(ctx context.Context, c config.Config, callers caller.Store) error {
				now := time.Now()
				var text string
				var sealed bool
				var had bool
				var before []caller.Secret // which still hold
				err := callers.Change(ctx, name, func(one *caller.Caller) error {
					sealed = digest
					if !cmd.Flags().Changed("digest") {
						sealed = len(one.Secrets) > 0 && one.Secrets[0].Sealed != nil
					}
					var secret caller.Secret
					var err error
					if text, secret, err = newSecret(c, name, sealed, now); err != nil {
						return err
					}
					had = hasSecret(*one, now)
					before = ending(one.Secrets, now, overlap)
					one.UpdatedAt = now
					one.Secrets = append([]caller.Secret{secret}, before...)
					return nil
				})
				if err != nil {
					return advised(err, name)
				}
				said := fmt.Sprintf("Caller %s has a secret. %s\n", name, holds(c))
				switch {
				case len(before) > 0:
					said = fmt.Sprintf("Caller %s has another secret. %s The one before holds until %s.\n", name, holds(c), stamp(before[0].ExpiresAt))
				case had:
					said = fmt.Sprintf("Caller %s has another secret. %s The one before does not hold any more.\n", name, holds(c))
				}
				return showSecret(cmd.OutOrStdout(), name, said, text, sealed)
			})
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the secret before holds; 0 ends it at once")
	cmd.Flags().BoolVar(&digest, "digest", false, "accept WS-Security digests too: the secret is kept, encrypted by callers.key")
	return cmd
}

// ending are secrets that end after overlap at the latest, without those that
// have.
func ending(secrets []caller.Secret, now time.Time, overlap time.Duration) []caller.Secret {
	end := now.Add(overlap)
	var left []caller.Secret
	for _, s := range secrets {
		if s.ExpiresAt.IsZero() || s.ExpiresAt.After(end) {
			s.ExpiresAt = end
		}
		if s.InForce(now) {
			left = append(left, s)
		}
	}
	return left
}

// hasSecret says whether a secret of the caller is accepted at now.
func hasSecret(c caller.Caller, now time.Time) bool {
	return slices.ContainsFunc(c.Secrets, func(s caller.Secret) bool { return s.InForce(now) })
}

// newSecret draws a secret, sealed where digests need its text.
func newSecret(c config.Config, name string, digest bool, now time.Time) (string, caller.Secret, error) {
	text, secret := caller.NewSecret(now)
	if !digest {
		return text, secret, nil
	}
	sealer, err := callerSealer(c)
	if err != nil {
		return "", caller.Secret{}, err
	}
	if sealer == nil {
		return "", caller.Secret{}, errors.New("digests need callers.key or callers.key_file: make a key by openssl rand -base64 32 and give it to every server; or go without digests (--digest=false)")
	}
	secret.Sealed = sealer.Seal(name, text)
	return text, secret, nil
}

// callerSealer seals and opens callers' secrets; nil where no key is configured.
func callerSealer(c config.Config) (*caller.Sealer, error) {
	if c.Callers.Key == "" {
		return nil, nil //nolint:nilnil // both are meant
	}
	key, err := base64.StdEncoding.DecodeString(c.Callers.Key.Reveal())
	if err != nil {
		return nil, errors.New("callers.key is not base64") // the configuration was checked
	}
	return caller.NewSealer(key)
}

// showSecret writes what was said of a caller, and its secret for the one time.
func showSecret(w io.Writer, name, said, text string, digest bool) error {
	kept := "only its hash is kept"
	if digest {
		kept = "its hash is kept, and itself under callers.key"
	}
	_, err := fmt.Fprintf(w, `%s
  secret  %s

It is shown this once: %s.
It is the password of HTTP Basic (curl -u NAME:SECRET) and of a WS-Security UsernameToken.
`, said, text, kept)
	if err != nil {
		return fmt.Errorf("caller %s has a new secret, but it was not shown: standard output cannot be written: %w; registrar caller rotate %s makes another one", name, err, name)
	}
	return nil
}
