package store

import (
	"context"
	"errors"

	"github.com/jmoiron/sqlx"

	"registrar/internal/address"
	"registrar/internal/audit"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// selectAddressTaken counts, and does not stop at the first, so that it takes
// the same time for one and for none. It comes by both places of the index in
// which the address's key and the phantom's would be: whichever is written to,
// its page has just been read.
const selectAddressTaken = `SELECT (SELECT COUNT(*) FROM accounts WHERE email_key = ?) + (SELECT COUNT(*) FROM accounts WHERE email_key = ?)
	+ (SELECT COUNT(*) FROM accounts WHERE username_key = ?) AS n`

// choose gives what is to be stored: r, or where its address is taken the
// phantom that it brings. It is no check of uniqueness: the index is that, and
// whoever loses an address to somebody else after this look begins again, by
// lostAddress. So both ways are the same statements, one by one, in as many
// transactions.
func (t *tx) choose(ctx context.Context, r registration.Registration) (registration.Registration, error) {
	if r.Phantom == nil {
		return r, nil
	}
	own := r.Account.Email.Key // nobody's but as below
	if usernameIsAddress(r) {
		own = r.Account.Username.Key
	}
	var rows []struct {
		N int `db:"n"`
	}
	if err := t.query(ctx, &rows, selectAddressTaken, r.Account.Email.Key, r.Phantom.Account.Email.Key, own); err != nil {
		return r, err
	}
	if rows[0].N > 0 {
		return *r.Phantom, nil
	}
	return r, nil
}

// usernameIsAddress says whether the user name is the address, which is not told
// to be taken any more than the address is.
func usernameIsAddress(r registration.Registration) bool {
	return r.Phantom != nil && r.Phantom.Account.Username.Key != r.Account.Username.Key
}

// lostAddress says whether an index says of a registration that has a phantom
// that its address is taken.
func lostAddress(r registration.Registration, index string) bool {
	return r.Phantom != nil && (index == uniqueEmail || index == uniqueUsername && usernameIsAddress(r))
}

// keysOf are the keys under which r may be stored: its own, and those of its
// phantom. Without one they are the same.
func keysOf(r registration.Registration) (usernames, emails [2]string) {
	p := r
	if r.Phantom != nil {
		p = *r.Phantom
	}
	return [2]string{r.Account.Username.Key, p.Account.Username.Key}, [2]string{r.Account.Email.Key, p.Account.Email.Key}
}

var errRehearsed = errors.New("store: all went well and is taken back")

// Rehearse implements registration.Store. What it inserts keeps others from the
// same keys until it is taken back, a moment later; it is never committed, so a
// cluster's other nodes see nothing of it.
func (a *Accounts) Rehearse(ctx context.Context, r registration.Registration) error {
	err := a.db.transact(ctx, "rehearse", func(ctx context.Context, t *tx) error {
		_, err := t.insertRegistration(ctx, a.db.dialect, r, audit.Record{})
		if f := a.db.dialect.classify(err); f.class == duplicate {
			err = t.takenError(ctx, r, err, f.index)
		}
		if err == nil {
			err = answer{errRehearsed}
		}
		return err
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// owner is the person whose account has an address, and the address in the
// person's own spelling.
type owner struct {
	person
	Email    string `db:"email"`
	EmailKey string `db:"email_key"`
	Locale   string `db:"locale"`
}

// owners gives, by notification, the owners of the addresses that ALREADY_REGISTERED
// is about. One whose account is not there any more is missing.
func (t *tx) owners(ctx context.Context, entries []entry) (map[uuid]owner, error) {
	keys := make(map[string]string) // by recipient
	var asked []string
	for _, e := range entries {
		if e.Kind != string(registration.AlreadyRegistered) {
			continue
		}
		if email, wrong := registration.ParseEmail(e.Recipient, address.DomainToASCII); wrong == nil {
			keys[e.Recipient] = email.Key
			asked = append(asked, email.Key)
		}
	}
	if len(asked) == 0 {
		return nil, nil //nolint:nilnil // a map that is read
	}
	query, args, err := sqlx.In(`SELECT a.id, a.username, a.mobile, a.email, a.email_key, p.first_name, p.last_name, p.marketing_consent, p.locale
		FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE a.email_key IN (?)`, asked)
	if err != nil {
		return nil, err
	}
	var rows []owner
	if err := t.conn.SelectContext(ctx, &rows, query, args...); err != nil {
		return nil, err
	}
	byKey := make(map[string]owner, len(rows))
	for _, o := range rows {
		byKey[o.EmailKey] = o
	}
	owners := make(map[uuid]owner, len(rows))
	for _, e := range entries {
		if o, there := byKey[keys[e.Recipient]]; there && e.Kind == string(registration.AlreadyRegistered) {
			owners[e.ID] = o
		}
	}
	return owners, nil
}

// address makes a claim one that is written to the owner: to the address as the
// owner spells it, in the owner's language, and with nothing of what whoever has
// tried to register has typed.
func (o owner) address(c *notify.Claim) {
	c.Username, c.FirstName, c.LastName = o.Username, o.FirstName, o.LastName
	if email, wrong := registration.ParseEmail(o.Email, address.DomainToASCII); wrong == nil {
		c.Notification.Recipient, c.Notification.Locale = email.Mailbox, o.Locale
	}
}
