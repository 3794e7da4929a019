package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"registrar/internal/audit"
	"registrar/internal/campaign"
	"registrar/internal/channel/inbox"
	"registrar/internal/notify"
	rightsof "registrar/internal/person"
	"registrar/internal/registration"
	"registrar/internal/shadow"
	"registrar/internal/store"
	"registrar/internal/suppression"
)

// rights exports and erases in a database.
func rights(t testing.TB, db *store.DB) *rightsof.Service {
	t.Helper()
	keys, err := rightsof.NewKeys(make([]byte, rightsof.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return &rightsof.Service{
		Store: db.Persons(), Keys: keys, Audit: db.Audit(), NewID: func() (registration.ID, error) { return newID(), nil }, Now: time.Now,
		RecordEvents: true, By: "by=uid:0",
	}
}

// somebody is a person of whom there is something in every table.
func somebody(t *testing.T, db *store.DB) registration.Registration {
	t.Helper()
	ctx, at := t.Context(), now()
	r := pending(codeKeys(t))
	r.Account.Mobile, r.Profile.FirstName, r.Profile.LastName = "+966598765432", "Zubaydah", "Qahtani"
	r.Account.ExternalID = "crm-" + newID().String()
	for i := range r.Codes {
		if r.Codes[i].Code.Channel == registration.SMSChannel {
			r.Codes[i].Notification.Recipient = string(r.Account.Mobile)
		}
	}
	audited(&r)
	r.Events = []registration.Event{eventOf(r.Account, registration.EventRegistrationCreated, at)}
	create(t, db, r)
	refused := audit.Entry{ID: newID(), At: at, Action: registration.AuditRegister, Outcome: string(registration.ExternalIDTaken), Caller: r.Account.Caller, ExternalID: r.Account.ExternalID}
	if err := db.Accounts().Record(ctx, refused, nil); err != nil {
		t.Fatal(err)
	}
	shade := shadow.Comparison{ID: newID(), At: at, Caller: r.Account.Caller, RequestID: "shade-" + r.Account.ExternalID, ExternalID: r.Account.ExternalID, Ours: registration.Registered}
	if _, err := db.Shadow().Add(ctx, shade); err != nil {
		t.Fatal(err)
	}
	// A message that was sent, whose receipt is awaited, and which is in the inbox.
	n := r.Codes[0].Notification
	claims, err := db.Ledger().Claim(ctx, "owner", "smsc", []registration.ID{n.ID}, at, at.Add(time.Minute))
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	err = db.Ledger().Settle(ctx, "owner", []notify.Outcome{{Attempt: claims[0].Attempt, State: registration.Accepted, ProviderRef: "ref-1", ReceiptExpected: true}}, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Inbox().Put(ctx, inbox.Message{ID: n.ID, Channel: n.Channel, To: n.Recipient, Name: r.Profile.FirstName, Subject: "Hello " + r.Profile.FirstName, Text: "Hello", CreatedAt: at}); err != nil {
		t.Fatal(err)
	}
	for channel, contact := range map[registration.Channel]string{registration.EmailChannel: r.Account.Email.Text, registration.SMSChannel: string(r.Account.Mobile)} {
		for _, reason := range []suppression.Reason{suppression.HardBounce, suppression.Unsubscribed} {
			err := db.Suppressions().Add(ctx, suppression.Suppression{Channel: channel, Recipient: suppression.RecipientOf(channel, contact), Reason: reason, Detail: "5.1.1", CreatedAt: at})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

// campaignMessage queues one to somebody, as a campaign may do that has chosen
// them a moment before they are erased.
func campaignMessage(t *testing.T, db *store.DB, a registration.Account) registration.ID {
	t.Helper()
	at := now()
	c := campaign.Campaign{ID: newID(), Name: "c-" + newID().String(), Channel: registration.EmailChannel, Template: "spring", State: campaign.Created, CreatedAt: at, Life: time.Hour}
	if err := db.Campaigns().Create(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	id := newID()
	write(t, db, `INSERT INTO notifications (id, account_id, kind, channel, recipient, locale, trace_parent, state, attempts, ambiguous, owner, lease_until,
		provider, provider_ref, reason, next_attempt_at, deadline, created_at, updated_at, campaign_id) VALUES (?,?,?,?,?,'en','','QUEUED',0,0,'',0,'','','',0,?,?,?,?)`,
		id[:], a.ID[:], string(registration.CampaignMessage), "EMAIL", a.Email.Text, at.Add(time.Hour).UnixMicro(), at.UnixMicro(), at.UnixMicro(), c.ID[:])
	write(t, db, `INSERT INTO outbox (notification_id, lane, recipient, deadline, trace_parent, due_at, publications, created_at) VALUES (?,'email.marketing',1,?,'',?,0,?)`,
		id[:], at.Add(time.Hour).UnixMicro(), at.UnixMicro(), at.UnixMicro())
	return id
}

// dump is all that is in a database: a line for each row, with octets both as
// they are and in hexadecimal digits.
func dump(t testing.TB, db *store.DB) string {
	t.Helper()
	var tables []string
	err := db.Raw().SelectContext(t.Context(), &tables, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		err = db.Raw().SelectContext(t.Context(), &tables, `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()`)
	}
	if err != nil || len(tables) < 20 {
		t.Fatal(tables, err)
	}
	var b strings.Builder
	for _, table := range tables {
		rows, err := db.Raw().QueryxContext(t.Context(), `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, err := rows.SliceScan()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(&b, table)
			for _, v := range values {
				if octets, ok := v.([]byte); ok {
					fmt.Fprintf(&b, "|%s|%s", octets, hex.EncodeToString(octets))
				} else {
					fmt.Fprintf(&b, "|%v", v)
				}
			}
			fmt.Fprintln(&b)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// mustNotHold says which of the texts are in a dump.
func mustNotHold(t *testing.T, text string, secrets ...string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, s := range secrets {
		for line := range strings.Lines(text) {
			if strings.Contains(line, strings.ToLower(s)) || strings.Contains(line, hex.EncodeToString([]byte(s))) {
				t.Errorf("%q is still there: %s", s, line)
			}
		}
	}
}

// TestErasing leaves nothing of a person in the database but a tombstone, and
// others as they were.
func TestErasing(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		for _, keep := range []bool{true, false} {
			db := open(t, o)
			s, r := rights(t, db), somebody(t, db)
			other := create(t, db, person(audited))
			seal(t, db, 1) // some of the entries
			before := dump(t, db)
			for _, text := range []string{r.Account.Email.Text, string(r.Account.Mobile), "Zubaydah", r.Account.Username.Text, r.RequestID} {
				if !strings.Contains(before, text) {
					t.Fatalf("%q was never there", text)
				}
			}
			erased, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{Email: r.Account.Email.Key}, KeepExternalID: keep, KeepOptOuts: true})
			if err != nil || len(erased) != 1 || erased[0] != r.Account.ID {
				t.Fatal(erased, err)
			}
			after := dump(t, db)
			mustNotHold(t, after, r.Account.Email.Text, string(r.Account.Mobile), "598765432", "Zubaydah", "Qahtani", r.Account.Username.Text, r.RequestID, "shade-")
			if !keep {
				mustNotHold(t, after, r.Account.ExternalID)
			}
			if !strings.Contains(after, other.Account.Email.Text) {
				t.Error("somebody else is gone")
			}
			for _, table := range []string{"accounts", "profiles", "notifications", "outbox"} {
				if n := strings.Count(after, "\n"+table+"|"); n < 1 {
					t.Errorf("nothing is left in %s", table)
				}
			}
			// What the person has said themselves is kept, as a hash.
			list, err := db.Suppressions().Find(t.Context(), registration.EmailChannel, suppression.RecipientOf(registration.EmailChannel, r.Account.Email.Text))
			if err != nil || len(list) != 1 || list[0].Reason != suppression.Unsubscribed {
				t.Errorf("suppressed for %v, %v", list, err)
			}
			known, err := rightsof.Tombstones{Store: db.Erasures(), Keys: s.Keys}.Erased(t.Context(), r.Account.Caller, []string{"crm-1", r.Account.ExternalID})
			if err != nil || len(known) != 1 || !known[r.Account.ExternalID] {
				t.Errorf("erased are %v, %v", known, err)
			}
			if known, err := (rightsof.Tombstones{Store: db.Erasures(), Keys: s.Keys}).Erased(t.Context(), "other", []string{r.Account.ExternalID}); err != nil || len(known) != 0 {
				t.Errorf("of another caller: %v, %v", known, err)
			}
			all := waiting(t, db, 10)
			if last := all[len(all)-1]; last.Type != "registrar.registration.erased.v1" || last.Subject != r.Account.ID || strings.Contains(string(last.Data), r.Account.ExternalID) != keep {
				t.Errorf("the last event is %+v", last)
			}
			seal(t, db, 100)
			if broken, report := verifyAudit(t, db, audit.Settings{}); broken != nil || (report.Erased > 0) == keep {
				t.Errorf("the audit log: %v, %+v", broken, report)
			}
			if told := entries(t, db, audit.Filter{AccountID: r.Account.ID, Action: audit.Erase}); len(told) != 1 || told[0].Detail != "by=uid:0" {
				t.Errorf("the audit log says %+v", told)
			}
			// The keys are free again.
			again := alone(audited, func(n *registration.Registration) {
				n.Account.Username, n.Account.Email, n.Account.ExternalID, n.RequestID = r.Account.Username, r.Account.Email, r.Account.ExternalID, r.RequestID
			})
			create(t, db, again)
			if _, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}}); !errors.Is(err, registration.ErrNotFound) {
				t.Errorf("a second time: %v", err)
			}
			if _, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: again.Account.ID}}); err != nil { // for the next round
				t.Error(err)
			}
		}
	})
}

// alone is somebody to whom nothing is sent.
func alone(change ...func(*registration.Registration)) registration.Registration {
	return person(append(change, func(r *registration.Registration) { r.Notifications = nil })...)
}

// TestAnErasureThatDies, at whatever step, is finished by the next.
func TestAnErasureThatDies(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		for at := range 4 {
			db := open(t, o)
			s, r := rights(t, db), somebody(t, db)
			for range 3 {
				campaignMessage(t, db, r.Account)
			}
			dying := *s
			dying.Store = &mortal{Persons: db.Persons(), life: at}
			_, err := dying.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}, KeepExternalID: true, KeepOptOuts: true})
			if !errors.Is(err, errKilled) {
				t.Fatalf("killed at %d: %v", at, err)
			}
			erased, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}, KeepExternalID: true, KeepOptOuts: true})
			if at == 0 && err != nil || at > 0 && !errors.Is(err, registration.ErrNotFound) || len(erased) != 1 || erased[0] != r.Account.ID {
				t.Errorf("killed at %d: %v, %v", at, erased, err)
			}
			mustNotHold(t, dump(t, db), r.Account.Email.Text, string(r.Account.Mobile), "Zubaydah")
			if left, err := db.Erasures().Unfinished(t.Context()); err != nil || len(left) != 0 {
				t.Errorf("unfinished: %v, %v", left, err)
			}
		}
	})
}

var errKilled = errors.New("killed")

// mortal dies after so many steps that change something.
type mortal struct {
	*store.Persons
	life int
}

func (m *mortal) step() error {
	if m.life--; m.life < 0 {
		return errKilled
	}
	return nil
}

func (m *mortal) Bury(ctx context.Context, b rightsof.Burial) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.Persons.Bury(ctx, b)
}

func (m *mortal) EraseRest(ctx context.Context, account registration.ID, now time.Time, _ int) (erased, held int, err error) {
	if err := m.step(); err != nil {
		return 0, 0, err
	}
	return m.Persons.EraseRest(ctx, account, now, 2)
}

func (m *mortal) Finish(ctx context.Context, account registration.ID, now time.Time) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.Persons.Finish(ctx, account, now)
}

// TestErasingBesideANotifier: what it holds is left to it until it has settled
// it, or its lease has ended, and it ends cleanly; nothing is claimed any more.
func TestErasingBesideANotifier(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		for _, dies := range []bool{false, true} {
			db := open(t, o)
			s, r := rights(t, db), create(t, db, person(audited))
			sent, queued, at := r.Notifications[0], r.Notifications[1], time.Now()
			lease := 30 * time.Second
			if dies {
				lease = time.Second
			}
			claims, err := db.Ledger().Claim(t.Context(), "notifier", "smtp", []registration.ID{sent.ID}, at, at.Add(lease))
			if err != nil || len(claims) != 1 {
				t.Fatal(claims, err)
			}
			waited := make(chan struct{}, 1000)
			done := make(chan error, 1)
			go func() {
				_, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}, Progress: func(_, held int) {
					if held > 0 {
						select {
						case waited <- struct{}{}:
						default:
						}
					}
				}})
				done <- err
			}()
			<-waited
			<-waited // the rest is gone by then
			if claims, err := db.Ledger().Claim(t.Context(), "another", "", []registration.ID{sent.ID, queued.ID}, at, at.Add(time.Minute)); err != nil || len(claims) != 0 {
				t.Errorf("claimed %v, %v", claims, err)
			}
			if !dies {
				select {
				case err := <-done:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
				outcome := notify.Outcome{Attempt: claims[0].Attempt, State: registration.Failed, Reason: "PERMANENT 550 5.1.1"}
				if err := db.Ledger().Settle(t.Context(), "notifier", []notify.Outcome{outcome}, at); err != nil {
					t.Error(err)
				}
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if dies { // or is only late
				outcome := notify.Outcome{Attempt: claims[0].Attempt, State: registration.Accepted, ProviderRef: "late", ReceiptExpected: true}
				if err := db.Ledger().Settle(t.Context(), "notifier", []notify.Outcome{outcome}, time.Now()); err != nil {
					t.Error(err)
				}
				if held, err := db.Ledger().MarkSending(t.Context(), "notifier", "smtp", []notify.Attempt{claims[0].Attempt}, time.Now()); err != nil || len(held) != 0 {
					t.Errorf("it still holds %v, %v", held, err)
				}
			}
			mustNotHold(t, dump(t, db), r.Account.Email.Text, "late")
		}
	})
}

// TestWhatIsQueuedOfTheErased, as a campaign does that had chosen them before, is
// erased when it is claimed, and others' are not.
func TestWhatIsQueuedOfTheErased(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s, r, other := rights(t, db), create(t, db, person(audited)), create(t, db, person())
		if _, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{ID: r.Account.ID}}); err != nil {
			t.Fatal(err)
		}
		late, at := campaignMessage(t, db, r.Account), time.Now()
		claims, err := db.BulkLedger().Claim(t.Context(), "notifier", "", []registration.ID{late, other.Notifications[0].ID}, at, at.Add(time.Minute))
		if err != nil || len(claims) != 1 || claims[0].NotificationID != other.Notifications[0].ID {
			t.Errorf("claimed %v, %v", claims, err)
		}
		mustNotHold(t, dump(t, db), r.Account.Email.Text)
	})
}

// TestErasingUnderAnAddress reaches the registrations that were stored under it
// without their callers being told that it is taken.
func TestErasingUnderAnAddress(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s, r := rights(t, db), somebody(t, db)
		hidden := alone(func(p *registration.Registration) {
			p.Account.Email = registration.Email{Text: strings.ToUpper(r.Account.Email.Text), Key: registration.PhantomKeys + p.Account.ID.String()}
		})
		create(t, db, hidden)
		elsewhere := alone(func(p *registration.Registration) {
			p.Account.Email = registration.Email{Text: "somebody@example.net", Key: registration.PhantomKeys + p.Account.ID.String()}
		})
		create(t, db, elsewhere)
		erased, err := s.Erase(t.Context(), rightsof.Erasure{Key: registration.Key{Username: r.Account.Username.Key}})
		if err != nil || len(erased) != 2 || erased[1] != hidden.Account.ID {
			t.Fatal(erased, err)
		}
		after := dump(t, db)
		mustNotHold(t, after, r.Account.Email.Text)
		if !strings.Contains(after, "somebody@example.net") {
			t.Error("another address is gone")
		}
	})
}

// TestExport holds all that there is of a person, and is noted.
func TestExport(t *testing.T) {
	onEach(t, func(t *testing.T, o store.Options) {
		db := open(t, o)
		s, r := rights(t, db), somebody(t, db)
		campaignMessage(t, db, r.Account)
		create(t, db, person(audited))
		all, err := s.Export(t.Context(), registration.Key{Caller: r.Account.Caller, ExternalID: r.Account.ExternalID})
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		h := all[0]
		if h.Account.ID != r.Account.ID || h.Account.PasswordHash != "" || h.Profile.FirstName != "Zubaydah" || len(h.Requests) != 1 || h.Requests[0].ID != r.RequestID || len(h.Codes) != 2 {
			t.Errorf("the account is %+v", h.Holding)
		}
		if len(h.Notifications) != 3 || len(h.Suppressions) != 4 || len(h.Events) != 1 || len(h.Audit) != 2 {
			t.Errorf("%d notifications, %d suppressions, %d events, %d entries", len(h.Notifications), len(h.Suppressions), len(h.Events), len(h.Audit))
		}
		var attempts, inboxed, campaigns int
		for _, n := range h.Notifications {
			attempts += len(n.Attempts)
			if n.Inbox != nil {
				inboxed++
			}
			if n.Campaign != "" {
				campaigns++
			}
		}
		if attempts != 1 || inboxed != 1 || campaigns != 1 {
			t.Errorf("%d attempts, %d in the inbox, %d of campaigns", attempts, inboxed, campaigns)
		}
		if last := h.Audit[1]; last.Action != audit.Export || last.Detail != "by=uid:0" {
			t.Errorf("the audit log says %+v", last)
		}
		if _, err := s.Export(t.Context(), registration.Key{Username: "nobody"}); !errors.Is(err, registration.ErrNotFound) {
			t.Errorf("nobody: %v", err)
		}
	})
}
