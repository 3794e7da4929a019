package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"registrar/internal/lease"
	"registrar/internal/registration"
)

// class is what an error of the database means for the transaction it is in.
type class int

const (
	internal    class = iota // a fault of ours; not to be repeated
	none                     // no error
	own                      // not the database's: an answer of the package's own code
	aborted                  // surely rolled back, or to be rolled back by us; may be repeated
	notReady                 // this server takes no statements now; at COMMIT the outcome is unknown
	unreachable              // no connection, or it broke; at COMMIT the outcome is unknown
	unknown                  // the server itself cannot tell the outcome
	interrupted              // the caller's context is over
	refused                  // overloaded, shutting down, read-only; may be repeated
	duplicate                // a key is there already
)

func (c class) retryable() bool {
	switch c {
	case aborted, notReady, unreachable, unknown, refused:
		return true
	default:
		return false
	}
}

// severed says that nothing can be known any more of a connection by its
// answers.
func (c class) severed() bool { return c == unreachable || c == notReady || c == unknown }

// failure is an error of the database without its text, which quotes values.
type failure struct {
	class class
	code  string // what the driver calls it
	index string // of a duplicate: the index's name
	cause error  // a context's error, or nil
}

func (f failure) Error() string { return f.code }

// Unwrap gives the context's error, if that was the cause.
func (f failure) Unwrap() error { return f.cause }

// mariadbClasses lists MariaDB's error numbers that mean more than a fault of ours.
var mariadbClasses = map[uint16]class{
	1020: aborted,     // ER_CHECKREAD: the row changed since it was read
	1205: aborted,     // ER_LOCK_WAIT_TIMEOUT: only the statement was rolled back
	1213: aborted,     // ER_LOCK_DEADLOCK, also Galera's certification failure, at COMMIT too
	1047: notReady,    // ER_UNKNOWN_COM_ERROR: the node is not in the primary component
	1180: unknown,     // ER_ERROR_DURING_COMMIT
	1927: unreachable, // ER_CONNECTION_KILLED
	1040: refused,     // ER_CON_COUNT_ERROR
	1021: refused,     // ER_DISK_FULL
	1026: refused,     // ER_ERROR_ON_WRITE
	1114: refused,     // ER_RECORD_FILE_FULL, also of a full disk
	1053: unreachable, // ER_SERVER_SHUTDOWN
	1203: refused,     // ER_TOO_MANY_USER_CONNECTIONS
	1290: refused,     // ER_OPTION_PREVENTS_STATEMENT: read-only
	1317: aborted,     // ER_QUERY_INTERRUPTED
	1836: refused,     // ER_READ_ONLY_MODE
	1969: aborted,     // ER_STATEMENT_TIMEOUT
	1062: duplicate,   // ER_DUP_ENTRY
}

// sqliteClasses lists SQLite's result codes that mean more than a fault of
// ours: the extended code first, else the primary one, its lower eight bits.
var sqliteClasses = map[int]class{
	sqlite3.SQLITE_BUSY:                  aborted,
	sqlite3.SQLITE_LOCKED:                aborted,
	sqlite3.SQLITE_INTERRUPT:             aborted,
	sqlite3.SQLITE_CANTOPEN:              refused,
	sqlite3.SQLITE_FULL:                  refused,
	sqlite3.SQLITE_READONLY:              refused,
	sqlite3.SQLITE_IOERR:                 unknown,
	sqlite3.SQLITE_CONSTRAINT_UNIQUE:     duplicate,
	sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: duplicate,
}

// The names of the indexes whose duplicates mean something to a caller.
const (
	primaryKey       = "PRIMARY"
	uniqueUsername   = "uq_accounts_username"
	uniqueEmail      = "uq_accounts_email"
	uniqueExternalID = "uq_accounts_external_id"
	uniqueSubject    = "uq_callers_certificate_subject"
)

// sqliteIndexes names what SQLite tells by its columns only.
var sqliteIndexes = map[string]string{
	"accounts.username_key":                      uniqueUsername,
	"accounts.email_key":                         uniqueEmail,
	"accounts.caller, accounts.external_id":      uniqueExternalID,
	"accounts.id":                                primaryKey,
	"profiles.account_id":                        primaryKey,
	"idempotency.caller, idempotency.request_id": primaryKey,
	"notifications.id":                           primaryKey,
	"outbox.notification_id":                     primaryKey,
	"leases.name":                                primaryKey,
	"inbox_messages.id":                          primaryKey,
	"callers.name":                               primaryKey,
	"callers.certificate_subject":                uniqueSubject,
	"caller_secrets.caller, caller_secrets.hash": primaryKey,
	"caller_nonces.caller, caller_nonces.nonce":  primaryKey,
	"caller_usage.caller":                        primaryKey,
	"codes.account_id, codes.channel":            primaryKey,
	"code_quotas.recipient":                      primaryKey,
	"password_allowances.subject":                primaryKey,
	"password_attempts.id":                       primaryKey,
}

// accessDenied is error ER_ACCESS_DENIED_ERROR.
const accessDenied = 1045

// classifyMariaDB reads an error that came from MariaDB or the way to it.
func classifyMariaDB(err error) failure {
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		f := failure{class: mariadbClasses[e.Number], code: fmt.Sprintf("MariaDB error %d (%s)", e.Number, e.SQLState[:])}
		if e.Number == accessDenied {
			f.code += ": access denied, which is said too where the server takes TLS alone"
		}
		if f.class == duplicate {
			f.index = mariadbIndex(e.Message)
		}
		return f
	}
	return classifyConnection(err)
}

// mariadbIndex reads the index's name from the end of the text of error 1062:
// Duplicate entry 'VALUE' for key 'NAME'.
func mariadbIndex(text string) string {
	_, name, found := cutLast(text, " for key '")
	if !found {
		return ""
	}
	name = strings.TrimSuffix(name, "'")
	if _, bare, qualified := cutLast(name, "."); qualified {
		return bare
	}
	return name
}

// classifySQLite reads an error that came from SQLite.
func classifySQLite(err error) failure {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return classifyConnection(err)
	}
	f := failure{code: fmt.Sprintf("SQLite result %d", e.Code())}
	if f.class, ok = sqliteClasses[e.Code()]; !ok {
		f.class = sqliteClasses[e.Code()&0xff]
	}
	if f.class == duplicate {
		// constraint failed: UNIQUE constraint failed: TABLE.COLUMN, TABLE.COLUMN (CODE)
		_, columns, _ := cutLast(e.Error(), "constraint failed: ")
		columns, _, _ = cutLast(columns, " (")
		f.index = sqliteIndexes[columns]
	}
	return f
}

// classifyConnection reads what does not come from a database server.
func classifyConnection(err error) failure {
	var errno syscall.Errno
	var known failure
	var distrust *tls.CertificateVerificationError
	switch {
	case err == nil:
		return failure{class: none}
	case errors.As(err, new(answer)):
		return failure{class: own, code: "an answer"}
	case errors.As(err, &known):
		return known
	case errors.As(err, new(*registration.Error)), errors.Is(err, lease.ErrLost):
		return failure{class: own, code: err.Error()}
	case errors.Is(err, errAborted):
		return failure{class: aborted, code: errAborted.Error()}
	case errors.Is(err, errNotReady):
		return failure{class: notReady, code: errNotReady.Error()}
	case errors.As(err, &distrust):
		return failure{class: unreachable, code: "the server's certificate is not accepted: " + distrust.Err.Error()}
	case errors.Is(err, mysql.ErrNoTLS):
		return failure{class: unreachable, code: "the server has no TLS"}
	case errors.As(err, &errno):
		return failure{class: unreachable, code: "no connection: " + errno.Error()}
	case errors.As(err, new(*net.OpError)): // before the context's: a dial that takes too long says it is that
		return failure{class: unreachable, code: "no connection"}
	case errors.Is(err, context.Canceled):
		return failure{class: interrupted, code: "cancelled" + reason(err), cause: context.Canceled}
	case errors.Is(err, context.DeadlineExceeded):
		return failure{class: interrupted, code: "deadline exceeded" + reason(err), cause: context.DeadlineExceeded}
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return failure{class: unreachable, code: "connection lost"}
	default:
		return failure{class: internal, code: fmt.Sprintf("error of type %T", err)}
	}
}

// answer is an error that is none of the database's: what work has found, or
// what somebody else's code in it says. It is told as it is.
type answer struct{ error }

func (a answer) Unwrap() error { return a.error }

// ended is the end of a context while a failure was being retried.
type ended struct {
	error
	last error
}

func (e ended) Unwrap() error { return e.error }

// reason is what was being retried when the context ended.
func reason(err error) string {
	if e, ok := errors.AsType[ended](err); ok {
		return " after " + e.last.Error()
	}
	return ""
}

var (
	// errAborted asks for the whole transaction to be run again.
	errAborted = errors.New("rows changed in between")
	// errNotReady is what a node that is not synced is left for.
	errNotReady = errors.New("no node of the cluster takes writes")
)

// told makes of an error what leaves the package: an answer of its own code as
// it is, UNAVAILABLE for what may be tried again later, else a fault without
// the driver's text.
func (db *DB) told(ctx context.Context, op string, err error) error {
	f := db.dialect.classify(err)
	switch {
	case f.class == own:
		if a, ok := errors.AsType[answer](err); ok {
			return a.error
		}
		return err
	case f.class.retryable(), f.class == interrupted, ctx.Err() != nil:
		return registration.WrapError(registration.Unavailable, registration.ErrUnavailable.Message, fmt.Errorf("store: %s: %w", op, f))
	default:
		return fmt.Errorf("store: %s: %w", op, f)
	}
}

// cutLast is strings.Cut at the last separator.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
