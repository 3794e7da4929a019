package recovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// check waits until nothing is to be sent any more, and holds what was
// acknowledged against each node and against what came.
func (r *recovery) check(t *testing.T, acked []acknowledged) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		open, err := r.Galera.Nodes[0].Query(ctx, "SET SESSION wsrep_sync_wait = 1; SELECT COUNT(*) FROM registrar.outbox")
		if err == nil && open != "0" {
			err = fmt.Errorf("%s notifications are not settled", open)
		}
		return err
	})
	for _, n := range r.Galera.Nodes {
		there := accounts(t, n)
		missing(t, n.About().Name, there, acked)
		if len(there) != len(acked) {
			t.Errorf("%s has %d accounts, want %d", n.About().Name, len(there), len(acked))
		}
	}
	came := r.mailed(t)
	for _, a := range acked {
		if came[a.Email] == 0 {
			t.Errorf("%s got nothing", a.Email)
		}
	}
	again, err := r.Galera.Nodes[0].Query(t.Context(), "SELECT recipient FROM registrar.notifications WHERE ambiguous > 0")
	if err != nil {
		t.Fatal(err)
	}
	doubtful := map[string]bool{}
	for address := range strings.FieldsSeq(again) {
		doubtful[address] = true
	}
	for address, n := range came {
		if n > 1 && !doubtful[address] {
			t.Errorf("%s got %d messages, and the ledger knows of no doubt", address, n)
		}
	}
	t.Logf("%d registrations were acknowledged, and are there on all nodes; %d messages were in doubt", len(acked), len(doubtful))
}

// accounts are those that a node has, after all that was committed before: the
// id by the user name. None may be half there.
func accounts(t *testing.T, node *devstack.MariaDB) map[string]string {
	t.Helper()
	out, err := node.Query(t.Context(), `SET SESSION wsrep_sync_wait = 1;
		SELECT a.username, LOWER(HEX(a.id)), COUNT(DISTINCT i.request_id), COUNT(DISTINCT p.account_id), COUNT(DISTINCT n.id) FROM registrar.accounts a
		LEFT JOIN registrar.idempotency i ON i.account_id = a.id LEFT JOIN registrar.profiles p ON p.account_id = a.id LEFT JOIN registrar.notifications n ON n.account_id = a.id
		GROUP BY a.id`)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]string{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 5 {
			t.Fatalf("a row of %d columns: %s", len(f), line)
		}
		if there[f[0]] != "" {
			t.Errorf("%s: %s is there twice", node.About().Name, f[0])
		}
		there[f[0]] = f[1]
		if f[2] != "1" || f[3] != "1" || f[4] != "1" {
			t.Errorf("%s: %s has %s requests, %s profiles and %s notifications", node.About().Name, f[0], f[2], f[3], f[4])
		}
	}
	return there
}

// missing wants all of those who were acknowledged to be there.
func missing(t *testing.T, where string, there map[string]string, acked []acknowledged) {
	t.Helper()
	n := 0
	for _, a := range acked {
		if there[a.Username] != strings.ReplaceAll(a.id, "-", "") {
			n++
		}
	}
	if n > 0 {
		t.Errorf("%s: %d of %d registrations that were acknowledged are not there", where, n, len(acked))
	}
}
