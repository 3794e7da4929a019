package store_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/lease"
	"registrar/internal/registration"
	"registrar/internal/store"
)

func TestWhatLeavesThePackage(t *testing.T) {
	const secret = "someone@example.org"
	const unavailable, fault, own = "unavailable", "fault", "own"
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	cases := map[string]struct {
		err  error
		want string
		text string // that the error must hold
	}{
		"deadlock":            {serverError(1213), unavailable, "MariaDB error 1213"},
		"lock wait":           {serverError(1205), unavailable, "1205"},
		"no quorum":           {serverError(1047), unavailable, "1047"},
		"during commit":       {serverError(1180), unavailable, "1180"},
		"connections":         {serverError(1040), unavailable, "1040"},
		"a full disk":         {serverError(1114), unavailable, "1114"},
		"a wrapped one":       {fmt.Errorf("%s: %w", secret, serverError(1213)), unavailable, "1213"},
		"too long":            {serverError(1406), fault, "MariaDB error 1406"},
		"syntax":              {serverError(1064), fault, "1064"},
		"a duplicate":         {serverError(1062), fault, "1062"},
		"access denied":       {serverError(1045), fault, "1045 (HY000): access denied"},
		"another certificate": {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, unavailable, "unknown authority"},
		"no TLS":              {mysql.ErrNoTLS, unavailable, "no TLS"},
		"refused":             {dial, unavailable, "connection refused"},
		"timed out":           {&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, unavailable, "no connection"},
		"invalid connection":  {mysql.ErrInvalidConn, unavailable, "connection lost"},
		"end of file":         {io.EOF, unavailable, "connection lost"},
		"cancelled":           {context.Canceled, unavailable, "cancelled"},
		"deadline":            {context.DeadlineExceeded, unavailable, "deadline exceeded"},
		"anything else":       {errors.New(secret), fault, "*errors.errorString"},
		"the domain's":        {registration.ErrNotFound, own, "NOT_FOUND"},
		"the lease's":         {lease.ErrLost, own, "lease"},
		"the domain's, twice": {fmt.Errorf("x: %w", registration.ErrEmailTaken), own, "EMAIL_TAKEN"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := store.Told(t.Context(), true, c.err)
			got := fault
			switch {
			case errors.Is(err, registration.ErrUnavailable):
				got = unavailable
			case errors.Is(err, c.err):
				got = own
			}
			if got != c.want || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), secret) {
				t.Errorf("is %s: %v", got, err)
			}
			if errors.As(err, new(*mysql.MySQLError)) {
				t.Error("the driver's error is still in it")
			}
		})
	}
}

func TestJudge(t *testing.T) {
	broken := errors.New("broken")
	cases := map[string]struct {
		status, settings map[string]string
		err              error
		ready            bool
	}{
		"synced":             {status: map[string]string{"wsrep_ready": "ON", "wsrep_local_state": "4"}, ready: true},
		"without wsrep":      {status: map[string]string{"wsrep_ready": "OFF"}, settings: map[string]string{"wsrep_on": "OFF"}, ready: true},
		"never had wsrep":    {ready: true},
		"without quorum":     {status: map[string]string{"wsrep_ready": "OFF", "wsrep_local_state": "0"}, settings: map[string]string{"wsrep_on": "ON"}},
		"donor":              {status: map[string]string{"wsrep_ready": "ON", "wsrep_local_state": "2"}, settings: map[string]string{"wsrep_on": "ON"}},
		"without a provider": {status: map[string]string{"wsrep_ready": "OFF"}, settings: map[string]string{"wsrep_on": "ON"}},
		"broken":             {err: broken},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := store.Judge(func(sql string) (map[string]string, error) {
				if strings.Contains(sql, "STATUS") {
					return c.status, c.err
				}
				return c.settings, c.err
			})
			if (err == nil) != c.ready || c.err != nil && !errors.Is(err, c.err) {
				t.Error(err)
			}
		})
	}
}

func FuzzIndexOfADuplicate(f *testing.F) {
	f.Add("someone@example.org", "uq_accounts_email")
	f.Add("x' for key 'PRIMARY", "uq_accounts_username")
	f.Add("'", "PRIMARY")
	f.Fuzz(func(t *testing.T, value, index string) {
		if strings.ContainsAny(index, "'.") { // no index of ours is called so
			return
		}
		if got := store.Index("Duplicate entry '" + value + "' for key '" + index + "'"); got != index {
			t.Errorf("got %q, want %q", got, index)
		}
		if got := store.Index("Duplicate entry '" + value + "' for key 'accounts." + index + "'"); got != index {
			t.Errorf("qualified: got %q, want %q", got, index)
		}
		_ = store.Index(value)
	})
}
