package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// chaosTime is how long notifiers are disturbed: $CHAOS, else not long.
func chaosTime(t *testing.T) time.Duration {
	t.Helper()
	s := os.Getenv("CHAOS")
	if s == "" {
		return 15 * time.Second
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		t.Fatalf("CHAOS=%q is not a duration", s)
	}
	return d
}

// notification is what the ledger says of one.
type notification struct {
	id, kind, channel, recipient, state string
	ambiguous                           int
	created                             time.Time
	reason                              string
}

// open says whether it is still to be sent.
func (n notification) open() bool {
	return n.state == "QUEUED" || n.state == "CLAIMED" || n.state == "SENDING"
}

// code says whether it is a one-time code's, and not news.
func (n notification) code() bool { return n.kind == "VERIFICATION_CODE" }

// settled waits until nothing in the ledger is open any more, and gives it.
func settled(t *testing.T, node *devstack.MariaDB) (all []notification) {
	t.Helper()
	harness.Eventually(t, 2*time.Minute, func(ctx context.Context) error {
		var err error
		if all, err = notifications(ctx, node); err != nil {
			return err
		}
		open, last := 0, notification{}
		for _, n := range all {
			if n.open() {
				open, last = open+1, n
			}
		}
		if open > 0 {
			return fmt.Errorf("%d of %d notifications are not settled, such as %+v", open, len(all), last)
		}
		return nil
	})
	return all
}

// notifications reads the whole ledger.
func notifications(ctx context.Context, node *devstack.MariaDB) ([]notification, error) {
	out, err := node.Query(ctx, `SELECT LOWER(HEX(id)), kind, channel, recipient, state, ambiguous, created_at, CONCAT('.', reason) FROM registrar.notifications`)
	if err != nil {
		return nil, err
	}
	var all []notification
	for line := range strings.Lines(out) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 8 {
			return nil, fmt.Errorf("a row of %d columns", len(f))
		}
		n, err := strconv.Atoi(f[5])
		if err != nil {
			return nil, err
		}
		created, err := strconv.ParseInt(f[6], 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, notification{dashed(f[0]), f[1], f[2], f[3], f[4], n, time.UnixMicro(created), f[7][1:]})
	}
	return all, nil
}

// dashed is an id as messages carry it.
func dashed(h string) string {
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// TestNotifiersUnderChaos: three notifiers share all lanes and are killed,
// paused beyond their leases and restarted at random, under load, with a mail
// server and an SMSC that fail now and then. Each notification must be at the
// sink, and twice only where the ledger knows of an attempt without an answer.
func TestNotifiersUnderChaos(t *testing.T) {
	node, database := harness.MariaDB(t)
	_, kafka := harness.Kafka(t)
	mails := startMailServer(t)
	smsc, err := devstack.StartSMSC(t.Context(), t.TempDir(), devstack.SMSCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(smsc.Stop)
	shared := harness.CheapHash + database + kafka + fmt.Sprintf(`
email:
  driver: smtp
  from: registrar@example.com
  smtp: {host: 127.0.0.1, port: %d, security: none, timeout: 2s}
sms:
  driver: smpp
  smpp: {host: 127.0.0.1, port: %d, system_id: %s, password: %s, source: Registrar, timeout: 2s}
`, mails.Port, smsc.Port, smsc.SystemID, smsc.Password)
	s := harness.New(t, "--config", harness.Config(t, shared+"notify: {lanes: [none]}\n"))
	s.Start(t)
	config := harness.Config(t, shared+"notify: {lease: 6s}\n")
	notifiers := make([]*harness.Service, 3)
	for i := range notifiers {
		notifiers[i] = harness.Notifier(t, "--config", config)
		notifiers[i].Start(t)
	}

	mails.setFaulty(true)
	if err := smsc.Behave(t.Context(), devstack.SMSCBehaviour{Throttle: 2, ThrottleOf: 50, DelayMS: 5, Receipts: "delivered", ReceiptAfterMS: 50}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), chaosTime(t))
	defer stop()
	var load sync.WaitGroup
	var next, registered, verified atomic.Int64
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				r := person(3*next.Add(1) + 1) // with a number
				r.Locale = "en"                // whose text can be searched as it travels
				receipt, err := s.Register(t.Context(), r)
				if err != nil {
					t.Errorf("register: %v", err)
					return
				}
				registered.Add(1)
				load.Go(func() {
					waiting, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					code := eventually(waiting, func() string { return mails.code(r.Email) })
					if _, err := s.Verify(t.Context(), receipt.RegistrationID, "EMAIL", code); err != nil {
						t.Errorf("verify: %v", err)
						return
					}
					verified.Add(1)
				})
				time.Sleep(rand.N(400 * time.Millisecond))
			}
		})
	}
	kills, pauses, restarts := 0, 0, 0
	for ctx.Err() == nil {
		time.Sleep(500*time.Millisecond + rand.N(time.Second))
		n := notifiers[rand.IntN(len(notifiers))]
		switch rand.IntN(4) {
		case 0, 1:
			kills++
			n.Kill()
			time.Sleep(rand.N(time.Second))
			n.Start(t)
		case 2: // longer than the lease, now and then
			pauses++
			if err := n.Process().Pause(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second + rand.N(7*time.Second))
			if err := n.Process().Resume(); err != nil {
				t.Fatal(err)
			}
		default:
			restarts++
			if err := n.Stop(20 * time.Second); err != nil {
				t.Errorf("a notifier did not end well: %v", err)
			}
			n.Start(t)
		}
	}
	load.Wait()
	mails.setFaulty(false)

	all := settled(t, node)
	submits, err := smsc.Submits()
	if err != nil {
		t.Fatal(err)
	}
	taken := mails.counts()
	for _, m := range submits {
		if m.Status == 0 {
			kind := "REGISTRATION_COMPLETED"
			if sixDigits.MatchString(m.Text) {
				kind = "VERIFICATION_CODE"
			}
			taken[strings.TrimPrefix(m.Destination, "+")+kind]++
		}
	}
	lost, twice, doubtful := 0, 0, 0
	states := map[string]int{}
	for _, n := range all {
		at := n.id
		if n.channel == "SMS" {
			at = strings.TrimPrefix(n.recipient, "+") + n.kind
		}
		states[strings.TrimSpace(n.state+" "+n.reason)]++
		if n.ambiguous > 0 {
			doubtful++
		}
		switch got := taken[at]; {
		case got == 0 && n.state != "EXPIRED" || n.state == "FAILED":
			lost++
			t.Errorf("%s by %s is %s and was sent %d times", n.kind, n.channel, n.state, got)
		case got > 1 && n.ambiguous == 0:
			t.Errorf("%s by %s was sent %d times, and the ledger knows of no doubt", n.kind, n.channel, got)
		case got > 1:
			twice++
		}
	}
	if want := int(2*registered.Load() + 2*verified.Load()); len(all) != want {
		t.Errorf("%d notifications, want %d", len(all), want)
	}
	t.Logf("%d kills, %d pauses, %d restarts; %d registered, %d verified; %d notifications: %v; %d with an attempt without an answer, %d of them sent more than once, %d lost",
		kills, pauses, restarts, registered.Load(), verified.Load(), len(all), states, doubtful, twice, lost)
}
