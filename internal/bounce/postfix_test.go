package bounce_test

import (
	"bytes"
	"context"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/registration"
)

// TestReportOfPostfix: a real mail server takes two messages, cannot deliver
// one of them, and its report comes back by both ways.
func TestReportOfPostfix(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := devstack.StartPostfix(ctx, t.TempDir(), devstack.PostfixOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(10 * time.Second) })
	db := openStore(t)
	full, fine := db.register(t, devstack.PostfixFull), db.register(t, amina)
	postfix := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	for _, m := range []struct {
		id registration.ID
		to string
	}{{full, devstack.PostfixFull}, {fine, amina}} {
		text := "From: <registrar@example.org>\r\nTo: <" + m.to + ">\r\nMessage-ID: <" + m.id.String() + "@example.org>\r\nSubject: Welcome\r\n\r\nWelcome.\r\n"
		if got := send(t, postfix, "bounces@example.org", m.to, []byte(text)); !strings.HasSuffix(got, "250 2.0.0") {
			t.Fatalf("Postfix answered %s", got)
		}
		db.accept(t, m.id)
	}
	report, _, err := server.Await(ctx, func(h mail.Header) bool {
		return strings.HasPrefix(h.Get("Content-Type"), "multipart/report")
	})
	if err != nil {
		t.Fatal(err)
	}

	m := newMaildir(t, db.Bounces(), time.Hour)
	m.deliver(t, "1", report)
	m.pass(t, "cur/1:2,S")
	if m.seen() != "failed" {
		t.Errorf("results %q of\n%s", m.seen(), report)
	}
	db.expectBounced(t, full, devstack.PostfixFull, "BOUNCE 5.2.2", false)

	h := newHandler(db.Bounces())
	address, _ := serve(t, h)
	if got := send(t, address, "", "bounces@example.org", report); !strings.HasSuffix(got, "250 2.0.0") || h.seen() != "unchanged" {
		t.Errorf("by SMTP: %s, %s", got, h.seen())
	}
	// The same report, forged to be of the other message.
	forged := bytes.ReplaceAll(report, []byte(full.String()), []byte(fine.String()))
	if got := send(t, address, "", "bounces@example.org", forged); !strings.HasSuffix(got, "250 2.0.0") || h.seen() != "unchanged unmatched" {
		t.Errorf("the forged one: %s, %s", got, h.seen())
	}
	if n, err := db.History().Find(t.Context(), fine); err != nil || n.Notification.State != registration.Accepted {
		t.Errorf("the other message: %+v, %v", n, err)
	}
}
