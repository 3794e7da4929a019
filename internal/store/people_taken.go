package store

import (
	"context"

	"github.com/jmoiron/sqlx"

	rights "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/transfer"
)

// takenKeys implements transfer.Keys by what the database was asked for, and by what
// is stored in its transaction.
type takenKeys struct {
	ask                               func(ctx context.Context, query string, args ...any) ([]string, error)
	username, email, external, erased map[string]bool
	looked                            map[string]bool // user names that the database was asked for
}

// Held implements transfer.Keys. A name that was made in the place of another one
// is asked for here.
func (k *takenKeys) Held(ctx context.Context, a registration.Account) (transfer.Held, error) {
	if !k.looked[a.Username.Key] {
		k.looked[a.Username.Key] = true
		if err := k.find(ctx, k.username, `SELECT username_key FROM accounts WHERE username_key = ?`, a.Username.Key); err != nil {
			return transfer.Held{}, err
		}
	}
	return transfer.Held{
		Taken:   transfer.Taken{Username: k.username[a.Username.Key], Email: a.Email.Text != "" && k.email[a.Email.Key]},
		Present: k.external[a.ExternalID],
		Erased:  k.erased[a.ExternalID],
	}, nil
}

// add notes the keys of somebody who is about to be stored.
func (k *takenKeys) add(a registration.Account) {
	k.username[a.Username.Key], k.external[a.ExternalID] = true, true
	if a.Email.Text != "" {
		k.email[a.Email.Key] = true
	}
}

// taken notes the key that the database says is there.
func (k *takenKeys) taken(a registration.Account, index string) (known bool) {
	switch index {
	case uniqueUsername:
		k.username[a.Username.Key] = true
	case uniqueEmail:
		k.email[a.Email.Key] = true
	case uniqueExternalID:
		k.external[a.ExternalID] = true
	default:
		return false
	}
	return true
}

// find asks for keys, and notes those that are there.
func (k *takenKeys) find(ctx context.Context, into map[string]bool, query string, args ...any) error {
	query, args, err := sqlx.In(query, args...)
	if err != nil {
		return err
	}
	found, err := k.ask(ctx, query, args...)
	for _, key := range found {
		into[key] = true
	}
	return err
}

// newTakenKeys knows of nothing that is taken. The statements are not kept prepared:
// there is one for each number of people.
func newTakenKeys(conn *sqlx.Conn, people []transfer.Candidate) *takenKeys {
	k := &takenKeys{
		ask: func(ctx context.Context, query string, args ...any) (found []string, err error) {
			err = conn.SelectContext(ctx, &found, query, args...)
			return found, err
		},
		username: map[string]bool{}, email: map[string]bool{}, external: map[string]bool{}, looked: map[string]bool{},
	}
	for _, c := range people {
		k.looked[c.Person.Account.Username.Key] = true
	}
	return k
}

// lookUp asks for all keys of some people, who are of one caller, and says whether
// any is taken.
func (k *takenKeys) lookUp(ctx context.Context, conn *sqlx.Conn, keys *rights.Keys, people []transfer.Candidate) (found bool, err error) {
	usernames, emails := make([]string, 0, len(people)), make([]string, 0, len(people))
	for _, c := range people {
		a := c.Person.Account
		usernames = append(usernames, a.Username.Key)
		if a.Email.Text != "" {
			emails = append(emails, a.Email.Key)
		}
	}
	caller, externals := externalIDs(people)
	for _, look := range []struct {
		into  map[string]bool
		query string
		args  []any
	}{
		{k.external, `SELECT external_id FROM accounts WHERE caller = ? AND external_id IN (?)`, []any{caller, externals}},
		{k.username, `SELECT username_key FROM accounts WHERE username_key IN (?)`, []any{usernames}},
	} {
		if err := k.find(ctx, look.into, look.query, look.args...); err != nil {
			return false, err
		}
	}
	if len(emails) > 0 {
		if err := k.find(ctx, k.email, `SELECT email_key FROM accounts WHERE email_key IN (?)`, emails); err != nil {
			return false, err
		}
	}
	// Behind the accounts: who was erased in between is in one of them.
	k.erased, err = erasedOf(ctx, conn, keys, people)
	return len(k.external)+len(k.username)+len(k.email)+len(k.erased) > 0, err
}

// externalIDs are those of people of one caller.
func externalIDs(people []transfer.Candidate) (caller string, all []string) {
	all = make([]string, len(people))
	for i, c := range people {
		all[i] = c.Person.Account.ExternalID
	}
	return people[0].Person.Account.Caller, all
}

// erasedOf says which external ids are of people who were erased. Mostly nobody was,
// and nothing else is asked then.
func erasedOf(ctx context.Context, conn *sqlx.Conn, keys *rights.Keys, people []transfer.Candidate) (map[string]bool, error) {
	var any int
	if err := conn.GetContext(ctx, &any, `SELECT COUNT(*) FROM (SELECT 1 FROM erasures LIMIT 1) AS present`); err != nil || any == 0 {
		return nil, err
	}
	caller, externals := externalIDs(people)
	return rights.Tombstones{Store: tombstonesOn{conn}, Keys: keys}.Erased(ctx, caller, externals)
}

// Look implements transfer.Looker.
func (p *People) Look(ctx context.Context, people []transfer.Candidate) (transfer.Keys, error) {
	var keys *takenKeys
	err := p.db.view(ctx, "taken keys", func(ctx context.Context, conn *sqlx.Conn) (err error) {
		keys = newTakenKeys(conn, people)
		_, err = keys.lookUp(ctx, conn, p.keys, people)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The connection is another's by now: what comes up later is asked for on its own.
	keys.ask = func(ctx context.Context, query string, args ...any) (found []string, err error) {
		err = p.db.view(ctx, "taken keys", func(ctx context.Context, conn *sqlx.Conn) error {
			found = nil
			return conn.SelectContext(ctx, &found, query, args...)
		})
		return found, err
	}
	return keys, nil
}
