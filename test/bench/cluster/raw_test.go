package cluster_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/registration"
	"registrar/internal/store"
)

// raw registers people by what one would write by hand: a transaction for each,
// with a statement for each table, and nothing else. It checks, looks up and
// repeats nothing.
type raw struct{ *sql.DB }

// openRaw connects with the service's driver, its settings that change how
// statements are sent, and as many connections.
func openRaw(b *testing.B, o store.Options) raw {
	b.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", o.Addresses[0], o.User, o.Password, o.Database
	c.Collation, c.ClientFoundRows, c.InterpolateParams = "utf8mb4_bin", true, true
	c.Params = map[string]string{"tx_isolation": "'READ-COMMITTED'"}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		b.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(o.MaxConnections)
	db.SetMaxIdleConns(o.MaxConnections)
	b.Cleanup(func() { _ = db.Close() })
	return raw{db}
}

// secret is as large as what the service makes; what it is does not matter here.
func secret(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

const (
	sealedCode = 51     // octets
	hashed     = 12_345 // a recipient, for its place in a queue
)

func (db raw) register(ctx context.Context, r registration.Request) error {
	var ids [6]registration.ID
	for i := range ids {
		var err error
		if ids[i], err = newID(); err != nil {
			return err
		}
	}
	account, event, code1, code2, note1, note2 := ids[0][:], ids[1][:], ids[2][:], ids[3][:], ids[4][:], ids[5][:]
	now := time.Now().UnixMicro()
	life, soon := now+int64(10*time.Minute/time.Microsecond), now+int64(time.Minute/time.Microsecond)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, s := range []struct {
		text   string
		values []any
	}{
		{
			`INSERT INTO idempotency (caller, request_id, fingerprint, account_id, status, locale, registered_at) VALUES (?,?,?,?,?,?,?)`,
			[]any{"", r.RequestID, secret(32), account, "PENDING_VERIFICATION", r.Locale, now},
		},
		{
			`INSERT INTO accounts (id, caller, external_id, username, username_key, email, email_key, mobile, password_hash, status, registered_at, email_verified_at, mobile_verified_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			[]any{account, "", nil, r.Username, r.Username, r.Email, r.Email, r.MobileNumber, string(preparedHash), "PENDING_VERIFICATION", now, 0, 0},
		},
		{
			`INSERT INTO profiles (account_id, first_name, last_name, locale, marketing_consent) VALUES (?,?,?,?,?)`,
			[]any{account, r.FirstName, r.LastName, r.Locale, 0},
		},
		{
			`INSERT INTO events (id, position, type, subject, happened_at, trace_parent, data) VALUES (?,?,?,?,?,?,?)`,
			[]any{event, now, "registrar.registration.created.v1", account, now, r.TraceParent, fmt.Sprintf(`{"registrationId":"%s","status":"PENDING_VERIFICATION"}`, ids[0])},
		},
		{
			`INSERT INTO code_quotas (recipient, day, used) VALUES (?,?,?),(?,?,?)`,
			[]any{secret(32), now / 86_400_000_000, 1, secret(32), now / 86_400_000_000, 1},
		},
		{
			`INSERT INTO codes (issue, mac, sealed, attempts, issued_at, expires_at, resend_at, used_at, revision, account_id, channel) VALUES (?,?,?,?,?,?,?,?,?,?,?),(?,?,?,?,?,?,?,?,?,?,?)`,
			[]any{
				code1, secret(32), secret(sealedCode), 0, now, life, soon, 0, code1, account, "EMAIL",
				code2, secret(32), secret(sealedCode), 0, now, life, soon, 0, code2, account, "SMS",
			},
		},
		{
			`INSERT INTO notifications (id, account_id, kind, channel, recipient, locale, trace_parent, state, attempts, ambiguous, owner, lease_until, provider, provider_ref, reason, next_attempt_at, deadline, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?),(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
			[]any{
				note1, account, "VERIFICATION_CODE", "EMAIL", r.Email, r.Locale, r.TraceParent, "QUEUED", 0, 0, "", 0, "", "", "", 0, life, now, now,
				note2, account, "VERIFICATION_CODE", "SMS", r.MobileNumber, r.Locale, r.TraceParent, "QUEUED", 0, 0, "", 0, "", "", "", 0, life, now, now,
			},
		},
		{
			`INSERT INTO outbox (notification_id, lane, recipient, deadline, trace_parent, due_at, publications, created_at) VALUES (?,?,?,?,?,?,?,?),(?,?,?,?,?,?,?,?)`,
			[]any{
				note1, "email.otp", hashed, life, r.TraceParent, now + 1_000_000, 0, now,
				note2, "sms.otp", hashed, life, r.TraceParent, now + 1_000_000, 0, now,
			},
		},
	} {
		if _, err := tx.ExecContext(ctx, s.text, s.values...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// size is how many octets the values of a database's rows have, by table.
func (db raw) size(b *testing.B, database string) (sizes map[string]int) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), `SELECT table_name, GROUP_CONCAT(CONCAT('COALESCE(LENGTH(', column_name, '), 0)') SEPARATOR ' + ')
		FROM information_schema.columns WHERE table_schema = ? AND table_name IN ('idempotency', 'accounts', 'profiles', 'events', 'code_quotas', 'codes', 'notifications', 'outbox') GROUP BY table_name`, database)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	lengths := map[string]string{}
	for rows.Next() {
		var table, length string
		if err := rows.Scan(&table, &length); err != nil {
			b.Fatal(err)
		}
		lengths[table] = length
	}
	if err := rows.Err(); err != nil || len(lengths) != 8 {
		b.Fatalf("%d tables, %v", len(lengths), err)
	}
	sizes = map[string]int{}
	for table, length := range lengths {
		var octets int
		if err := db.QueryRowContext(b.Context(), fmt.Sprintf("SELECT COALESCE(SUM(%s), 0) FROM %s.%s", length, database, table)).Scan(&octets); err != nil {
			b.Fatal(err)
		}
		sizes[table] = octets
	}
	return sizes
}
