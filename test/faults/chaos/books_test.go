package chaos_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// node is a database node, asked by itself.
type node interface {
	Query(ctx context.Context, sql string) (string, error)
}

// books are all that one database node has of a round.
type books struct {
	accounts    map[string][]accountRow // by username
	profiles    map[string]int          // by account id
	requests    map[string][]requestRow // by request id
	codes       map[string]int          // by account id and channel
	notices     []noticeRow
	attempts    map[string]int // those in doubt, by notification
	outbox      map[string]int // by notification; of all rounds
	orphans     map[string]int // by what they are; of all rounds
	accountByID map[string]accountRow
}

type accountRow struct {
	id, username, email, mobile, status, registeredAt string
	verified                                          [2]string // when, by channel; 0 for not yet
}

type requestRow struct{ account, registeredAt string }

// noticeRow is a notification of the ledger.
type noticeRow struct {
	id, account, kind, channel, to, state, reason string
	ambiguous                                     int
}

func (n noticeRow) open() bool {
	return n.state == "QUEUED" || n.state == "CLAIMED" || n.state == "SENDING"
}

// booksSQL reads all of a round, after everything that any node had committed
// when it was asked. Nothing of it goes by the unique keys, which are a thing to
// be checked. Each row begins with what it is.
const booksSQL = `SET SESSION wsrep_sync_wait = 1;
SELECT 'account', LOWER(HEX(id)), username, email, mobile, status, registered_at, email_verified_at, mobile_verified_at FROM accounts WHERE username LIKE '%[1]s%%' ORDER BY id;
SELECT 'profile', LOWER(HEX(p.account_id)), p.first_name, p.last_name, p.locale FROM profiles p JOIN accounts a ON a.id = p.account_id WHERE a.username LIKE '%[1]s%%' ORDER BY p.account_id;
SELECT 'request', request_id, LOWER(HEX(account_id)), registered_at FROM idempotency WHERE request_id LIKE '%[1]s%%' ORDER BY request_id;
SELECT 'code', LOWER(HEX(c.account_id)), c.channel, LOWER(HEX(c.revision)) FROM codes c JOIN accounts a ON a.id = c.account_id WHERE a.username LIKE '%[1]s%%' ORDER BY c.account_id, c.channel;
SELECT 'notice', LOWER(HEX(n.id)), LOWER(HEX(n.account_id)), n.kind, n.channel, n.recipient, n.state, n.ambiguous, CONCAT('.', n.reason) FROM notifications n JOIN accounts a ON a.id = n.account_id WHERE a.username LIKE '%[1]s%%' ORDER BY n.id;
SELECT 'attempt', LOWER(HEX(t.notification_id)), t.attempt, t.state FROM notification_attempts t JOIN notifications n ON n.id = t.notification_id JOIN accounts a ON a.id = n.account_id
	WHERE a.username LIKE '%[1]s%%' AND t.state IN ('SENDING', 'UNKNOWN') ORDER BY t.notification_id, t.attempt;
SELECT 'outbox', LOWER(HEX(notification_id)) FROM outbox ORDER BY notification_id;
SELECT 'orphan', 'a profile without its account', COUNT(*) FROM profiles p LEFT JOIN accounts a ON a.id = p.account_id WHERE a.id IS NULL;
SELECT 'orphan', 'an account without its profile', COUNT(*) FROM accounts a LEFT JOIN profiles p ON p.account_id = a.id WHERE p.account_id IS NULL;
SELECT 'orphan', 'a record of a request without its account', COUNT(*) FROM idempotency i LEFT JOIN accounts a ON a.id = i.account_id WHERE a.id IS NULL;
SELECT 'orphan', 'a code without its account', COUNT(*) FROM codes c LEFT JOIN accounts a ON a.id = c.account_id WHERE a.id IS NULL;
SELECT 'orphan', 'a notification without its account', COUNT(*) FROM notifications n LEFT JOIN accounts a ON a.id = n.account_id WHERE a.id IS NULL;
SELECT 'orphan', 'an outbox row without its notification', COUNT(*) FROM outbox o LEFT JOIN notifications n ON n.id = o.notification_id WHERE n.id IS NULL;
`

// readBooks reads what a node has of a round, and gives its text too, by which
// nodes are compared.
func readBooks(ctx context.Context, n node, database string, round int) (*books, string, error) {
	out, err := n.Query(ctx, "USE `"+database+"`; "+fmt.Sprintf(booksSQL, prefix(round)))
	if err != nil {
		return nil, "", err
	}
	b, err := parseBooks(out)
	return b, out, err
}

// widths are the columns of each kind of row.
var widths = map[string]int{"account": 9, "profile": 5, "request": 4, "code": 4, "notice": 9, "attempt": 4, "outbox": 2, "orphan": 3}

func parseBooks(out string) (*books, error) {
	b := &books{
		accounts: map[string][]accountRow{}, profiles: map[string]int{}, requests: map[string][]requestRow{}, codes: map[string]int{},
		attempts: map[string]int{}, outbox: map[string]int{}, orphans: map[string]int{}, accountByID: map[string]accountRow{},
	}
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != widths[f[0]] {
			return nil, fmt.Errorf("a row of %d columns: %q", len(f), line)
		}
		switch f[0] {
		case "account":
			row := accountRow{dashed(f[1]), f[2], f[3], f[4], f[5], f[6], [2]string{f[7], f[8]}}
			b.accounts[row.username] = append(b.accounts[row.username], row)
			b.accountByID[row.id] = row
		case "profile":
			b.profiles[dashed(f[1])]++
		case "request":
			b.requests[f[1]] = append(b.requests[f[1]], requestRow{dashed(f[2]), f[3]})
		case "code":
			b.codes[dashed(f[1])+" "+f[2]]++
		case "notice":
			doubts, err := strconv.Atoi(f[7])
			if err != nil {
				return nil, err
			}
			b.notices = append(b.notices, noticeRow{dashed(f[1]), dashed(f[2]), f[3], f[4], f[5], f[6], f[8][1:], doubts})
		case "attempt":
			b.attempts[dashed(f[1])]++
		case "outbox":
			b.outbox[dashed(f[1])]++
		case "orphan":
			n, err := strconv.Atoi(f[2])
			if err != nil {
				return nil, err
			}
			b.orphans[f[1]] = n
		}
	}
	return b, nil
}

// dashed is an id as it is told to callers and in messages.
func dashed(h string) string {
	if len(h) != 32 {
		return h
	}
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
