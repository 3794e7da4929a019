package gateway_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/caller"
	"registrar/soap/wss"
)

// TestTheFirstCallerClosesTheDoor: from then on, and after Refresh at the
// latest, everybody has to say who calls; who is disabled is out.
func TestTheFirstCallerClosesTheDoor(t *testing.T) {
	t.Parallel()
	const refresh = 100 * time.Millisecond
	db := database(t)
	s := serve(t, db, parts{refresh: refresh})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.directory.Run(ctx) })
	defer running.Wait()
	defer stop()
	becomes := func(m message, want string) {
		t.Helper()
		told := ""
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(refresh / 4) {
			if _, told = s.send(t, m); told == want {
				return
			}
		}
		t.Fatalf("%q, not %q", told, want)
	}
	becomes(message{}, " open")
	erp := systems(t)[1]
	if err := db.Callers().Add(t.Context(), erp); err != nil {
		t.Fatal(err)
	}
	becomes(message{}, " no_credential")
	with := func(secret string) message { return message{peer: loopback, header: basic(erp.Name, secret)} }
	becomes(with("SEALED"), "sealed accepted")
	err := db.Callers().Change(t.Context(), erp.Name, func(c *caller.Caller) error {
		c.Secrets = []caller.Secret{{Hash: caller.HashSecret("NEXT"), CreatedAt: time.Now()}}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	becomes(with("NEXT"), "sealed accepted")
	becomes(with("SEALED"), "sealed unauthenticated")
	if err := db.Callers().Change(t.Context(), erp.Name, func(c *caller.Caller) error { c.Disabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	becomes(with("NEXT"), "sealed unauthenticated")
	becomes(message{}, " no_credential")
}

// TestAFloodDoesNotFillTheLog, and the log does as much for a name that there
// is as for one that there is not.
func TestAFloodDoesNotFillTheLog(t *testing.T) {
	t.Parallel()
	db := database(t, systems(t)...)
	s := serve(t, db, parts{})
	lines := func() int { return strings.Count(s.log.String(), "\n") }
	for i := range 2000 {
		s.send(t, message{peer: loopback, header: basic(fmt.Sprintf("name-%d", i), "WRONG")})
	}
	if n := lines(); n < 1 || n > 64 {
		t.Errorf("2000 names have left %d lines", n)
	}
	for _, name := range []string{"sealed", "no-such-name"} {
		s := serve(t, db, parts{})
		for range 50 {
			s.send(t, message{peer: loopback, header: basic(name, "WRONG")})
		}
		if log := s.log.String(); strings.Count(log, "\n") != 1 || strings.Contains(log, "no-such-name") || strings.Contains(log, "caller=sealed") != (name == "sealed") {
			t.Errorf("%s has left\n%s", name, log)
		}
	}
}

// TestAHeaderThatIsAFaultIsTold: counted by what it is, also while everybody is
// let in, and told in the log as other refusals are, without what it names.
func TestAHeaderThatIsAFaultIsTold(t *testing.T) {
	t.Parallel()
	const old = `<u:Created>2020-01-01T00:00:00Z</u:Created>`
	stamp := func(content string) string {
		return `<o:Security xmlns:o="` + wss.SecextSpace + `" xmlns:u="` + wss.UtilitySpace + `">` + content + `</o:Security>`
	}
	for name, test := range map[string]struct{ token, want string }{
		"a token that is too old":  {security("sealed", `<o:Password>SEALED</o:Password>`+old), " expired_credential"},
		"a Timestamp that is over": {stamp(`<u:Timestamp><u:Expires>2020-01-01T00:00:00Z</u:Expires></u:Timestamp>`), " expired_credential"},
		"a Timestamp of no time":   {stamp(`<u:Timestamp><u:Expires>yesterday</u:Expires></u:Timestamp>`), " unreadable_credential"},
		"a token without password": {security("no-such-name", ""), " unreadable_credential"},
		"another token":            {stamp(`<o:BinarySecurityToken>PLAIN</o:BinarySecurityToken>`), " unreadable_credential"},
	} {
		open, closed := serve(t, database(t), parts{}), serve(t, database(t, systems(t)...), parts{})
		for range 3 {
			for _, s := range []*service{open, closed} {
				if a, told := s.send(t, message{peer: loopback, token: test.token}); told != test.want || a.code() != "UNAUTHENTICATED" {
					t.Errorf("%s: %q %v", name, told, a)
				}
			}
		}
		if open.log.Len() != 0 {
			t.Errorf("%s: without callers the log is\n%s", name, open.log.String())
		}
		if log := closed.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "result="+test.want[1:]) || !strings.Contains(log, "operation=GetRegistration") ||
			strings.Contains(log, "no-such-name") || strings.Contains(log, "PLAIN") || strings.Contains(log, "SEALED") {
			t.Errorf("%s: the log is\n%s", name, log)
		}
	}
}
