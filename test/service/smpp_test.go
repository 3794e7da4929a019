package service_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// TestSMPP: a code goes to a message centre that throttles at first, and
// what its receipt tells is in the ledger.
func TestSMPP(t *testing.T) {
	t.Parallel()
	centre, err := devstack.StartSMSC(t.Context(), t.TempDir(), devstack.SMSCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(centre.Kill)
	if err := centre.Behave(t.Context(), devstack.SMSCBehaviour{Receipts: "delivered", HexadecimalIDs: true, Fail: 1, FailStatus: 0x58}); err != nil {
		t.Fatal(err)
	}
	s := harness.New(t, "--config", harness.Config(t, fmt.Sprintf(`
sms:
  driver: smpp
  smpp: {host: %s, port: %d, system_id: %s, password: %s, source: Example, receipt_id: hex-to-dec, timeout: 5s}
`, centre.Host, centre.Port, centre.SystemID, centre.Password)))
	s.Start(t)
	if _, err := s.Register(t.Context(), amina); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		d, err := s.Lookup(ctx, "username", "amina")
		if err != nil {
			return err
		}
		found := ""
		for _, n := range d.Notifications {
			if n.Channel == "SMS" {
				found += n.State
			}
		}
		if found != "DELIVERED" {
			return fmt.Errorf("the SMS is %q", found)
		}
		return nil
	})
	came, err := centre.Submits()
	if err != nil {
		t.Fatal(err)
	}
	if len(came) != 2 || came[0].Status != 0x58 || came[1].Status != 0 || came[0].Text != came[1].Text {
		t.Fatalf("%+v", came)
	}
	if m := came[1]; m.Source != "Example" || m.Priority != 2 || m.Registered != 1 || m.UDH != "" || !strings.HasSuffix(m.Validity, "000R") || m.Validity > "000000001500000R" {
		t.Errorf("%+v", m)
	}
	if binds, err := centre.Events("bind"); err != nil || len(binds) != 3 {
		t.Errorf("%d binds, %v: each lane has its own", len(binds), err)
	}
	if err := s.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	if goodbyes, err := centre.Events("unbind"); err != nil || len(goodbyes) != 3 {
		t.Errorf("%d goodbyes, %v", len(goodbyes), err)
	}
}
