package bounce_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"registrar/internal/bounce"
	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

// TestHandle: every mail by what the ledger says of it.
func TestHandle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file    string
		verdict delivery.Verdict
		err     error
		want    bounce.Result
		asked   int
	}{
		{"postfix.eml", gone, nil, bounce.Failed, 1},
		{"postfix.eml", delivery.Verdict{State: registration.Failed}, nil, bounce.Unchanged, 1},
		{"postfix-delayed.eml", delivery.Verdict{State: registration.Accepted}, nil, bounce.Unchanged, 1},
		{"postfix.eml", delivery.Verdict{State: registration.Delivered}, nil, bounce.Delivered, 1},
		{"complaint.eml", delivery.Verdict{State: registration.Accepted, Suppress: suppression.Complaint}, nil, bounce.Complaint, 1},
		{"postfix.eml", delivery.Verdict{}, delivery.ErrUnmatched, bounce.Unmatched, 1},
		{"vacation.eml", gone, nil, bounce.NoReport, 0},
		{"postfix.eml", delivery.Verdict{}, delivery.ErrNotSettled, "", 1},
		{"postfix.eml", delivery.Verdict{}, registration.ErrUnavailable, "", 1},
	} {
		l := &ledger{verdict: c.verdict, err: c.err}
		h := newHandler(l)
		got, err := h.Handle(t.Context(), golden(t, c.file))
		if got != c.want || (c.want == "") != (err != nil) || c.want == "" && !errors.Is(err, c.err) {
			t.Errorf("%s with %+v, %v: %q, %v; want %q", c.file, c.verdict, c.err, got, err, c.want)
		}
		if l.reports != c.asked || h.seen() != string(c.want) {
			t.Errorf("%s: asked %d times, counted %q", c.file, l.reports, h.seen())
		}
	}
	l := &ledger{verdict: gone}
	if got, err := newHandler(l).Handle(t.Context(), []byte(report(oneFailed, "Subject: x\n"))); got != bounce.Unmatched || err != nil || l.reports != 0 {
		t.Errorf("a report on a message that is not ours: %q, %v, asked %d times", got, err, l.reports)
	}
	if got, err := newHandler(l).Handle(t.Context(), []byte("Content-Type: multipart/report\n\n")); got != bounce.Unreadable || err != nil || l.reports != 0 {
		t.Errorf("a broken report: %q, %v, asked %d times", got, err, l.reports)
	}
}

// TestHandleTellsNoAddress: nothing of the mail but our own id and a status code
// is in the log.
func TestHandleTellsNoAddress(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newHandler(&ledger{verdict: gone})
	h.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, name := range []string{"postfix.eml", "exim.eml", "complaint.eml", "vacation.eml"} {
		if _, err := h.Handle(t.Context(), golden(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	if text := log.String(); strings.Contains(text, "@") || strings.Contains(text, "amina") || !strings.Contains(text, notification) || !strings.Contains(text, "BOUNCE 5.1.1") {
		t.Errorf("the log says\n%s", text)
	}
}
