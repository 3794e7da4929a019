package notify_test

import (
	"context"
	"fmt"
	"io"
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

// unwatched is an Observer of gates.
type unwatched struct{}

func (unwatched) Breaker(string, provider.State)          {}
func (unwatched) Throttled(string)                        {}
func (unwatched) Waited(string, lane.Lane, time.Duration) {}

// accepted is what a provider has taken.
type accepted struct {
	mutex sync.Mutex
	at    map[registration.ID][]time.Time
}

func (a *accepted) add(id registration.ID) {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.at[id] = append(a.at[id], time.Now())
}

// TestAnOutageOfTheFirstProvider: codes go by the second one, soon and once
// each; the first one is left alone but for a few probes, and has everything
// again when it works.
func TestAnOutageOfTheFirstProvider(t *testing.T) {
	const (
		every  = 100 * time.Millisecond
		begins = 5 * time.Second
		ends   = 25 * time.Second
		length = 80 * time.Second
		quick  = 5 * time.Millisecond // a send
	)
	down := func(class notify.Class) func(context.Context) error {
		return func(context.Context) error {
			return &notify.SendError{Class: class, Status: "X", Provider: true}
		}
	}
	for _, outage := range []struct {
		name    string
		send    func(ctx context.Context) error
		tries   int           // that the first provider may see while it is away
		slowest time.Duration // of a code
	}{
		// 5 failures, then at most 3 probes after each time of being left alone.
		{"no connection", down(notify.Transient), 5 + 3*3, 50 * time.Millisecond},
		// It answers, so it is asked; each message goes on to the second at once.
		{"throttling", down(notify.Throttled), int(ends / every), 50 * time.Millisecond},
		// What hangs is given up after SendTimeout and sent again after a back-off,
		// at worst three times, as a probe.
		{"silence", func(ctx context.Context) error {
			<-ctx.Done()
			return &notify.SendError{Class: notify.Ambiguous, Status: "X", Err: ctx.Err()}
		}, 64, 14 * time.Second},
	} {
		t.Run(outage.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				log := slog.New(slog.NewTextHandler(io.Discard, nil))
				taken := accepted{at: map[registration.ID][]time.Time{}}
				var tries int
				var late []time.Duration // when the first provider was asked, after its recovery
				first := &sender{}
				first.send = func(ctx context.Context, m notify.Message) (notify.Receipt, error) {
					if now := time.Since(began); now >= begins && now < ends {
						taken.mutex.Lock()
						tries++
						taken.mutex.Unlock()
						return notify.Receipt{}, outage.send(ctx)
					} else if now >= length-10*time.Second {
						taken.mutex.Lock()
						late = append(late, now)
						taken.mutex.Unlock()
					}
					time.Sleep(quick)
					taken.add(m.NotificationID)
					return notify.Receipt{State: registration.Accepted}, nil
				}
				second := &sender{send: func(_ context.Context, m notify.Message) (notify.Receipt, error) {
					time.Sleep(quick)
					taken.add(m.NotificationID)
					return notify.Receipt{State: registration.Accepted}, nil
				}}
				ledger := newModel()
				n := newNotifier(t, ledger, nil, func(c *notify.Config) {
					c.Lane, c.Sweeper, c.SendTimeout, c.Lease = lane.EmailOTP, ledger, 2*time.Second, 20*time.Second
					c.Routes = nil
					for i, s := range []*sender{first, second} {
						p, err := provider.New(provider.Settings{Name: fmt.Sprint(i), Rate: 1000, Observer: unwatched{}, Log: log})
						if err != nil {
							t.Fatal(err)
						}
						c.Routes = append(c.Routes, notify.Route{Sender: named{s, fmt.Sprint(i)}, Gate: p.Gate(lane.EmailOTP)})
					}
				})
				ctx, stop := context.WithCancel(t.Context())
				var running sync.WaitGroup
				running.Go(func() { _ = n.Run(ctx) })
				codes := int(length / every)
				for i := range codes {
					time.Sleep(every)
					c := claimOf(i, time.Minute)
					ledger.mutex.Lock()
					ledger.rows[c.NotificationID] = &row{claim: c, state: registration.Queued, outbox: true, dueAt: time.Now().Add(time.Second)}
					ledger.mutex.Unlock()
					running.Go(func() { _ = n.Handle(ctx, batchOf(c.NotificationID)) })
				}
				time.Sleep(30 * time.Second)
				stop()
				running.Wait()
				for i := range codes {
					id := idOf(i)
					if r := ledger.read(id); r.state != registration.Accepted || len(taken.at[id]) != 1 {
						t.Errorf("code %d is %s and was taken %d times", i, r.state, len(taken.at[id]))
						continue
					}
					if took := taken.at[id][0].Sub(ledger.read(id).claim.Notification.CreatedAt); took > outage.slowest {
						t.Errorf("code %d took %s", i, took)
					}
				}
				if tries > outage.tries {
					t.Errorf("the first provider was asked %d times while it was away", tries)
				}
				if want := int(10*time.Second/every) - 1; len(late) < want {
					t.Errorf("the first provider has %d of the last %d codes", len(late), want)
				}
			})
		})
	}
}
