package notify_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify"
	provider "registrar/internal/notify/gate"
	"registrar/internal/registration"
)

// endless is a ledger of as many notifications as are asked for.
type endless struct{}

func (endless) Claim(_ context.Context, _, _ string, ids []registration.ID, _, _ time.Time) ([]notify.Claim, error) {
	time.Sleep(time.Millisecond)
	claims := make([]notify.Claim, len(ids))
	for i, id := range ids {
		claims[i] = claimOf(int(id[14])<<8|int(id[15]), time.Hour)
		claims[i].NotificationID, claims[i].Notification.ID, claims[i].Number = id, id, 1
	}
	return claims, nil
}

func (endless) MarkSending(_ context.Context, _, _ string, attempts []notify.Attempt, _ time.Time) ([]registration.ID, error) {
	ids := make([]registration.ID, len(attempts))
	for i, a := range attempts {
		ids[i] = a.NotificationID
	}
	return ids, nil
}

func (endless) Settle(context.Context, string, []notify.Outcome, time.Time) error { return nil }

// TestMarketingGetsItsShareOnly: with a backlog in both lanes news has the rest
// of the provider's rate, at whichever rate.
func TestMarketingGetsItsShareOnly(t *testing.T) {
	const seconds, share = 20, 0.1
	for _, rate := range []float64{10, 50, 200, 1000} {
		synctest.Test(t, func(t *testing.T) {
			p, err := provider.New(provider.Settings{Name: "p", Rate: rate, MarketingShare: share, Observer: unwatched{}, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			sent := map[lane.Lane]*sender{}
			for _, l := range []lane.Lane{lane.EmailTransactional, lane.EmailMarketing} {
				s := &sender{send: func(context.Context, notify.Message) (notify.Receipt, error) {
					time.Sleep(5 * time.Millisecond)
					return notify.Receipt{}, nil
				}}
				sent[l] = s
				n := newNotifier(t, endless{}, s, func(c *notify.Config) {
					c.Lane, c.Routes = l, []notify.Route{{Sender: s, Gate: p.Gate(l)}}
				})
				live, stop := context.WithCancel(context.Background())
				all.Go(func() { _ = n.Run(live) })
				var feeding sync.WaitGroup
				for partition := range 4 {
					feeding.Go(func() {
						for i := 0; ctx.Err() == nil; i += 100 {
							ids := make([]registration.ID, 100)
							for j := range ids {
								ids[j] = idOf(i + j)
								ids[j][3] = byte(partition)
							}
							_ = n.Handle(ctx, batchOf(ids...))
						}
					})
				}
				all.Go(func() {
					feeding.Wait()
					stop()
				})
			}
			time.Sleep(seconds * time.Second)
			news, marketing := float64(sent[lane.EmailTransactional].sent.Load())/seconds, float64(sent[lane.EmailMarketing].sent.Load())/seconds
			cancel()
			all.Wait()
			slack := 0.05*rate + 2
			if marketing < share*rate-slack || marketing > share*rate+slack || news < (1-share)*rate-slack {
				t.Errorf("at %v a second: news %v, marketing %v", rate, news, marketing)
			}
		})
	}
}
