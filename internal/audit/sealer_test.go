package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"registrar/internal/audit"
	"registrar/internal/lease"
)

// journal is a Store and its Leases, with so many records that wait.
type journal struct {
	mu       sync.Mutex
	sealed   int
	oldest   time.Duration
	waiting  int
	sequence int64
	lease    lease.Lease
	taken    bool // by another
	acquired int
	err      error
	began    time.Time
}

func (j *journal) Any(context.Context) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.waiting > 0, j.err
}

func (j *journal) Seal(_ context.Context, under lease.Lease, limit int) (int, audit.Head, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if under != j.lease || j.taken {
		return 0, audit.Head{}, lease.ErrLost
	}
	n := min(limit, j.waiting)
	j.waiting -= n
	j.sequence += int64(n)
	return n, audit.Head{Sequence: j.sequence}, nil
}

func (j *journal) Waiting(context.Context) (int, time.Time, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.waiting == 0 {
		return 0, time.Time{}, nil
	}
	return j.waiting, j.began, nil
}

func (j *journal) Acquire(_ context.Context, name, owner string, now time.Time, ttl time.Duration) (lease.Lease, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.taken {
		return lease.Lease{}, false, nil
	}
	j.acquired++
	j.lease = lease.Lease{Name: name, Owner: owner, Fence: int64(j.acquired), Expires: now.Add(ttl)}
	return j.lease, true, nil
}

func (j *journal) Release(context.Context, lease.Lease) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lease = lease.Lease{}
	return nil
}

// do changes the journal beside a Sealer.
func (j *journal) do(change func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	change()
}

// TestSealer, by a clock of its own: all that waits is sealed, under a lease that is
// asked for where there is something alone; a head is told every hour at most; what
// fails is told once and tried again.
func TestSealer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, log := &journal{waiting: 450, began: time.Now()}, &lockedBuffer{}
		s := &audit.Sealer{
			Store: j, Leases: j, Owner: "one", LeaseTTL: 5 * time.Second, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
			Sealed:  func(n int) { j.do(func() { j.sealed += n }) },
			Waiting: func(_ int, age time.Duration) { j.do(func() { j.oldest = max(j.oldest, age) }) },
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		heads := func() int { return strings.Count(log.String(), "head of the chain") }
		time.Sleep(10 * time.Second)
		j.do(func() {
			if j.sealed != 450 || j.waiting != 0 || j.acquired != 1 || heads() != 1 {
				t.Errorf("%d are sealed, %d wait, %d leases, %d heads", j.sealed, j.waiting, j.acquired, heads())
			}
		})
		for range 20 { // more comes, for longer than the lease
			j.do(func() { j.waiting++ })
			time.Sleep(2 * time.Second)
		}
		j.do(func() {
			if j.sealed != 470 || j.acquired < 5 || j.acquired > 21 || heads() != 1 {
				t.Errorf("%d are sealed, %d leases, %d heads", j.sealed, j.acquired, heads())
			}
			j.taken, j.waiting, j.began = true, 1, time.Now()
		})
		time.Sleep(time.Minute)
		j.do(func() {
			if j.sealed != 470 || j.oldest < 40*time.Second {
				t.Errorf("while another has the lease %d are sealed, and the oldest waits for %v", j.sealed, j.oldest)
			}
			j.taken, j.err = false, errors.New("broken")
		})
		time.Sleep(time.Minute)
		j.do(func() {
			if n := strings.Count(log.String(), "cannot be sealed"); n != 1 {
				t.Errorf("told %d times of a database that is broken", n)
			}
			j.err = nil
		})
		time.Sleep(time.Hour)
		j.do(func() { j.waiting++ })
		time.Sleep(10 * time.Second)
		j.do(func() {
			if j.sealed != 472 || heads() != 2 || !strings.Contains(log.String(), "sealed again") {
				t.Errorf("%d are sealed, %d heads\n%s", j.sealed, heads(), log)
			}
		})
		stop()
		if err := <-done; err != nil || j.lease != (lease.Lease{}) {
			t.Errorf("%v, the lease is %+v", err, j.lease)
		}
	})
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
