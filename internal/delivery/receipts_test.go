package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"registrar/internal/delivery"
	"registrar/internal/registration"
)

// ledger knows some messages by their references.
type ledger struct {
	known map[string]registration.State
	err   error
}

func (l *ledger) Receive(_ context.Context, _, ref, _ string, told registration.State, _ string, _ time.Time) (before, after registration.State, err error) {
	if l.err != nil {
		return "", "", l.err
	}
	before, found := l.known[ref]
	if !found {
		return "", "", delivery.ErrUnknownReceipt
	}
	after = delivery.After(before, told)
	l.known[ref] = after
	return before, after, nil
}

type desk struct {
	*delivery.Receipts
	*ledger
	at      time.Time
	results []string
}

func newDesk() *desk {
	d := &desk{ledger: &ledger{known: map[string]registration.State{}}, at: time.Unix(1_800_000_000, 0)}
	d.Receipts = delivery.NewReceipts(d.ledger, func() time.Time { return d.at }, func(_, result string) { d.results = append(d.results, result) })
	return d
}

func (d *desk) expect(t *testing.T, ref string, want error, result string) {
	t.Helper()
	d.results = nil
	err := d.Receipt(t.Context(), "smsc", ref, "966512345678", registration.Delivered, "")
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: error %v, want %v", ref, err, want)
	}
	if got := fmt.Sprint(d.results); got != "["+result+"]" {
		t.Errorf("%s: results %s, want %s", ref, got, result)
	}
}

// TestReceiptBeforeItsMessage: the gateway is asked again until the message's
// record is there.
func TestReceiptBeforeItsMessage(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.expect(t, "a", delivery.ErrUnknownReceipt, delivery.Postponed)
	d.at = d.at.Add(delivery.Patience - time.Second)
	d.expect(t, "a", delivery.ErrUnknownReceipt, delivery.Postponed)
	d.known["a"] = registration.Accepted
	d.expect(t, "a", nil, delivery.Changed)
	d.expect(t, "a", nil, delivery.Unchanged)
}

// TestReceiptOfNothing is taken, and dropped, once it has been unknown for long
// enough, however seldom the gateway repeats it.
func TestReceiptOfNothing(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.expect(t, "a", delivery.ErrUnknownReceipt, delivery.Postponed)
	d.at = d.at.Add(delivery.Patience)
	d.expect(t, "a", nil, delivery.Dropped)
	d.expect(t, "b", delivery.ErrUnknownReceipt, delivery.Postponed)
	d.at = d.at.Add(20 * time.Hour)
	d.expect(t, "b", nil, delivery.Dropped)
}

// TestReusedReference: a receipt that has been unknown for long takes nothing of
// the patience with that of a later message of the same id.
func TestReusedReference(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.expect(t, "a", delivery.ErrUnknownReceipt, delivery.Postponed)
	d.at = d.at.Add(delivery.Patience)
	d.expect(t, "a", nil, delivery.Dropped)
	if err := d.Receipt(t.Context(), "smsc", "a", "966587654321", registration.Delivered, ""); !errors.Is(err, delivery.ErrUnknownReceipt) {
		t.Errorf("somebody else's: %v", err)
	}
}

// TestSameNumber: message centres write numbers in forms of their own.
func TestSameNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"+966512345678", "+966512345678", true},
		{"+966512345678", "966512345678", true},
		{"+966512345678", "00966512345678", true},
		{"+966512345678", "+966 51-234-5678", true},
		{"+966512345678", "512345678", true},
		{"+966512345678", "0512345678", true},
		{"+966512345678", "2345678", true},
		{"+966512345678", "345678", false},
		{"+966512345678", "966512345679", false},
		{"+966512345678", "966512345", false},
		{"+966512345678", "Registrar", false},
		{"+966512345678", "", false},
		{"+2905678", "2905678", true},
		{"+290567", "290567", true},
	} {
		if delivery.SameNumber(c.a, c.b) != c.want || delivery.SameNumber(c.b, c.a) != c.want {
			t.Errorf("%q and %q: want %v", c.a, c.b, c.want)
		}
	}
}

// TestFloodOfUnknownReceipts takes no more memory than for 10,000; a day later
// there is room again.
func TestFloodOfUnknownReceipts(t *testing.T) {
	t.Parallel()
	d := newDesk()
	for i := range 10_000 {
		d.expect(t, fmt.Sprint(i), delivery.ErrUnknownReceipt, delivery.Postponed)
	}
	d.expect(t, "one more", nil, delivery.Dropped)
	d.expect(t, "9999", delivery.ErrUnknownReceipt, delivery.Postponed)
	d.at = d.at.Add(24 * time.Hour)
	d.expect(t, "one more", delivery.ErrUnknownReceipt, delivery.Postponed)
}

// TestReceiptWithoutDatabase is to be repeated, for as long as it takes.
func TestReceiptWithoutDatabase(t *testing.T) {
	t.Parallel()
	d := newDesk()
	d.err = registration.ErrUnavailable
	for range 3 {
		d.expect(t, "a", registration.ErrUnavailable, "")
		d.at = d.at.Add(time.Hour)
	}
}
