package outbox_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/outbox"
	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
	"registrar/internal/registration"
)

// TestThroughABroker: what is announced and what is due reaches a consumer
// through a real queue, also when the broker is away for a while.
func TestThroughABroker(t *testing.T) {
	t.Parallel()
	const patience = time.Minute
	dir, log := t.TempDir(), slog.New(slog.NewTextHandler(t.Output(), nil))
	server, err := embedded.Start(embedded.Options{Dir: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	address := server.Address()
	client, err := queue.Open(server.Settings(), log, queue.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := client.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}

	d := newDatabase()
	got := make(chan registration.ID, 10_000)
	ctx, cancel := context.WithCancel(context.Background())
	var consumer sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		consumer.Wait()
	})
	consumer.Go(func() {
		err := client.Consumer().Run(ctx, lane.EmailTransactional, func(_ context.Context, all []lane.Message) error {
			for _, m := range all {
				d.settle(m.NotificationID)
				got <- m.NotificationID
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	await := func(want []registration.Notification) {
		t.Helper()
		missing := map[registration.ID]bool{}
		for _, n := range want {
			missing[n.ID] = true
		}
		limit := time.After(patience)
		for len(missing) > 0 {
			select {
			case id := <-got:
				delete(missing, id)
			case <-limit:
				t.Fatalf("%d of %d did not come", len(missing), len(want))
			}
		}
	}

	r := newRelay(outbox.Settings{}, d, client.Publisher(), outbox.Observer{}).run(t)
	announced, due := notifications(0, 200), notifications(200, 900)
	d.insert(time.Now().Add(time.Hour), messagesOf(t, announced)...) // the poll alone would not find them
	r.Announce(announced)
	await(announced)
	d.insert(time.Now(), messagesOf(t, due)...)
	await(due)

	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	away := notifications(900, 1200)
	d.insert(time.Now(), messagesOf(t, away)...)
	r.Announce(away[:10])
	limit := time.Now().Add(patience)
	for {
		if ok, _ := r.Health(); !ok {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("the relay does not notice that the broker is away")
		}
		time.Sleep(20 * time.Millisecond)
	}
	if server, err = embedded.Start(embedded.Options{Dir: dir, Address: address, Log: log}); err != nil {
		t.Fatal(err)
	}
	await(away)
	r.stop()
	if rows, _, err := d.Depth(t.Context()); err != nil || rows != 0 {
		t.Errorf("%d rows left, %v", rows, err)
	}
}
