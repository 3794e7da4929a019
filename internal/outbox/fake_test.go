package outbox_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/lease"
	"registrar/internal/outbox"
	"registrar/internal/registration"
)

// database is the outbox's table and the lease's row, as the contract of Store
// and Leases describes them.
type database struct {
	mu     sync.Mutex
	rows   map[registration.ID]*row
	leases map[string]lease.Lease
	down   error // what every call answers
}

type row struct {
	message      lane.Message
	created, due time.Time
	publications int
}

func newDatabase() *database {
	return &database{rows: map[registration.ID]*row{}, leases: map[string]lease.Lease{}}
}

func (d *database) insert(due time.Time, all ...lane.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range all {
		d.rows[m.NotificationID] = &row{message: m, created: time.Now(), due: due}
	}
}

func (d *database) settle(id registration.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.rows, id)
}

func (d *database) set(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = err
}

// published says how often the rows were marked.
func (d *database) published() map[registration.ID]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := map[registration.ID]int{}
	for id, r := range d.rows {
		n[id] = r.publications
	}
	return n
}

func (d *database) Due(_ context.Context, lanes []lane.Lane, now time.Time, limit int) ([]lane.Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return nil, d.down
	}
	var due []*row
	for _, r := range d.rows {
		if !r.due.After(now) && slices.Contains(lanes, r.message.Lane) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *row) int {
		return cmp.Or(a.due.Compare(b.due), slices.Compare(a.message.NotificationID[:], b.message.NotificationID[:]))
	})
	var all []lane.Message
	for _, r := range due[:min(limit, len(due))] {
		all = append(all, r.message)
	}
	return all, nil
}

func (d *database) Published(_ context.Context, under *lease.Lease, ids []registration.ID, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return d.down
	}
	if under != nil {
		if have := d.leases[under.Name]; have.Owner != under.Owner || have.Fence != under.Fence {
			return lease.ErrLost
		}
	}
	for _, id := range ids {
		if r := d.rows[id]; r != nil {
			r.publications++
			r.due = now.Add(outbox.Grace(r.message.Lane, r.publications))
		}
	}
	return nil
}

func (d *database) Depth(context.Context) (rows int, oldest time.Time, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.rows {
		if oldest.IsZero() || r.created.Before(oldest) {
			oldest = r.created
		}
	}
	return len(d.rows), oldest, d.down
}

func (d *database) Acquire(_ context.Context, name, owner string, now time.Time, ttl time.Duration) (lease.Lease, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return lease.Lease{}, false, d.down
	}
	have := d.leases[name]
	if have.Owner != "" && have.Owner != owner && now.Before(have.Expires) {
		return lease.Lease{}, false, nil
	}
	taken := lease.Lease{Name: name, Owner: owner, Fence: have.Fence + 1, Expires: now.Add(ttl)}
	d.leases[name] = taken
	return taken, true, nil
}

func (d *database) Release(_ context.Context, under lease.Lease) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down != nil {
		return d.down
	}
	if have := d.leases[under.Name]; have.Owner == under.Owner && have.Fence == under.Fence {
		d.leases[under.Name] = lease.Lease{Name: under.Name, Fence: have.Fence}
	}
	return nil
}

// broker takes messages, or does what behave says before and after.
type broker struct {
	mu     sync.Mutex
	taken  []lane.Message
	calls  []int // how many messages each came with
	behave func(ctx context.Context, all []lane.Message) (take bool, err error)
}

func (b *broker) Publish(ctx context.Context, all []lane.Message) error {
	b.mu.Lock()
	behave := b.behave
	b.calls = append(b.calls, len(all))
	b.mu.Unlock()
	take, err := true, error(nil)
	if behave != nil {
		take, err = behave(ctx, all)
	}
	if take {
		b.mu.Lock()
		b.taken = append(b.taken, all...)
		b.mu.Unlock()
	}
	return err
}

// Ping fails while the broker does not simply take what comes.
func (b *broker) Ping(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.behave != nil {
		return errAway
	}
	return nil
}

var errAway = errors.New("no broker answers")

func (b *broker) set(behave func(context.Context, []lane.Message) (bool, error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behave = behave
}

func (b *broker) times() map[registration.ID]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := map[registration.ID]int{}
	for _, m := range b.taken {
		n[m.NotificationID]++
	}
	return n
}

var errDown = errors.New("broker is down")

func brokerDown(context.Context, []lane.Message) (bool, error) { return false, errDown }

// hangs until the caller gives up.
func hangs(ctx context.Context, _ []lane.Message) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

// lines is a log that counts.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, strings.TrimSpace(string(p)))
	return len(p), nil
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all)
}

// relay is a running Relay.
type relay struct {
	*outbox.Relay
	log  *lines
	stop func()
}

type stores interface {
	outbox.Store
	lease.Store
}

func newRelay(s outbox.Settings, d stores, p outbox.Publisher, observe outbox.Observer) *relay {
	if s.Owner == "" {
		s.Owner = "a"
	}
	log := &lines{}
	return &relay{Relay: outbox.New(s, d, d, p, time.Now, slog.New(slog.NewTextHandler(log, nil)), observe), log: log}
}

func (r *relay) run(t *testing.T) *relay {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(r.stop)
	return r
}

func notification(n int) registration.Notification {
	var id registration.ID
	id[0] = 1
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return registration.Notification{ID: id, Kind: registration.RegistrationCompleted, Channel: registration.EmailChannel, Recipient: "someone@example.org", Deadline: time.Now().Add(time.Hour)}
}

func notifications(from, to int) (all []registration.Notification) {
	for n := from; n < to; n++ {
		all = append(all, notification(n))
	}
	return all
}

func messagesOf(t *testing.T, all []registration.Notification) (messages []lane.Message) {
	t.Helper()
	for _, n := range all {
		m, err := lane.MessageFor(n)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, m)
	}
	return messages
}

// each says whether every one of all has n in counts.
func each(t *testing.T, what string, all []registration.Notification, counts map[registration.ID]int, n int) {
	t.Helper()
	wrong := 0
	for _, one := range all {
		if counts[one.ID] != n {
			wrong++
		}
	}
	if wrong > 0 {
		t.Errorf("%s: not %d times for %d of %d", what, n, wrong, len(all))
	}
}
