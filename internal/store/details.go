package store

import (
	"context"
	"errors"

	"github.com/jmoiron/sqlx"

	"registrar/internal/registration"
)

// detailsRow is an account with its profile, without the password's hash.
type detailsRow struct {
	ID               uuid    `db:"id"`
	Caller           string  `db:"caller"`
	ExternalID       *string `db:"external_id"`
	Username         string  `db:"username"`
	UsernameKey      string  `db:"username_key"`
	Email            string  `db:"email"`
	EmailKey         string  `db:"email_key"`
	Mobile           string  `db:"mobile"`
	Status           string  `db:"status"`
	RegisteredAt     int64   `db:"registered_at"`
	FirstName        string  `db:"first_name"`
	LastName         string  `db:"last_name"`
	Locale           string  `db:"locale"`
	MarketingConsent int64   `db:"marketing_consent"`
	EmailVerifiedAt  int64   `db:"email_verified_at"`
	MobileVerifiedAt int64   `db:"mobile_verified_at"`
}

const detailsColumns = `a.id, a.caller, a.external_id, a.username, a.username_key, a.email, a.email_key, a.mobile, a.status, a.registered_at,
	a.email_verified_at, a.mobile_verified_at, p.first_name, p.last_name, p.locale, p.marketing_consent`

const selectDetails = `SELECT ` + detailsColumns + ` FROM accounts a JOIN profiles p ON p.account_id = a.id WHERE `

// notificationRow is what the ledger tells of a notification.
type notificationRow struct {
	ID          uuid   `db:"id"`
	AccountID   uuid   `db:"account_id"`
	Kind        string `db:"kind"`
	Channel     string `db:"channel"`
	Recipient   string `db:"recipient"`
	Locale      string `db:"locale"`
	TraceParent string `db:"trace_parent"`
	State       string `db:"state"`
	Attempts    int    `db:"attempts"`
	Deadline    int64  `db:"deadline"`
	CreatedAt   int64  `db:"created_at"`
	UpdatedAt   int64  `db:"updated_at"`
}

const notificationColumns = `id, account_id, kind, channel, recipient, locale, trace_parent, state, attempts, deadline, created_at, updated_at`

func (r notificationRow) notification() registration.Notification {
	return registration.Notification{
		ID: registration.ID(r.ID), AccountID: registration.ID(r.AccountID), Kind: registration.Kind(r.Kind), Channel: registration.Channel(r.Channel),
		Recipient: r.Recipient, Locale: r.Locale, CreatedAt: timeOf(r.CreatedAt), Deadline: timeOf(r.Deadline), TraceParent: r.TraceParent,
		State: registration.State(r.State), Attempts: r.Attempts, UpdatedAt: timeOf(r.UpdatedAt),
	}
}

var errNoKey = errors.New("store: details: no key is given")

// Details implements registration.Store. On a cluster it sees what any node
// has acknowledged before.
func (a *Accounts) Details(ctx context.Context, key registration.Key) (registration.Details, error) {
	condition, args, err := keyCondition(key)
	if err != nil {
		return registration.Details{}, err
	}
	var (
		row           detailsRow
		notifications []notificationRow
	)
	err = a.db.view(ctx, "details", func(ctx context.Context, conn *sqlx.Conn) error {
		if err := conn.GetContext(ctx, &row, selectDetails+condition, args...); err != nil {
			return found(err)
		}
		notifications = nil
		return conn.SelectContext(ctx, &notifications, `SELECT `+notificationColumns+` FROM notifications WHERE account_id = ? ORDER BY created_at, id`, row.ID)
	})
	if err != nil {
		return registration.Details{}, err
	}
	return row.details(notifications), nil
}

func keyCondition(key registration.Key) (condition string, args []any, err error) {
	switch {
	case !key.ID.IsZero():
		return "a.id = ?", []any{key.ID[:]}, nil
	case key.Username != "":
		return "a.username_key = ?", []any{key.Username}, nil
	case key.Email != "":
		return "a.email_key = ?", []any{key.Email}, nil
	case key.ExternalID != "":
		return "a.caller = ? AND a.external_id = ?", []any{key.Caller, key.ExternalID}, nil
	default:
		return "", nil, errNoKey
	}
}

func (row detailsRow) details(notifications []notificationRow) registration.Details {
	d := registration.Details{
		Account: registration.Account{
			ID: registration.ID(row.ID), Caller: row.Caller,
			Username: registration.Username{Text: row.Username, Key: row.UsernameKey}, Email: registration.Email{Text: row.Email, Key: row.EmailKey},
			Mobile: registration.Mobile(row.Mobile), Status: registration.Status(row.Status), RegisteredAt: timeOf(row.RegisteredAt),
			EmailVerifiedAt: timeOf(row.EmailVerifiedAt), MobileVerifiedAt: timeOf(row.MobileVerifiedAt),
		},
		Profile: registration.Profile{FirstName: row.FirstName, LastName: row.LastName, Locale: row.Locale, MarketingConsent: row.MarketingConsent != 0},
	}
	if row.ExternalID != nil {
		d.Account.ExternalID = *row.ExternalID
	}
	for _, n := range notifications {
		d.Notifications = append(d.Notifications, n.notification())
	}
	return d
}
