package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"registrar/test/harness"
)

const (
	callers  = 3
	tryTime  = 10 * time.Second
	pause    = 100 * time.Millisecond // between two calls, and two tries
	patience = 2 * time.Minute        // of a caller, with all of its tries
)

func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: callers}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// load is people who register one after the other, by callers that send a
// request again under its id until it is answered.
type load struct {
	service *harness.Service
	run     string
	next    atomic.Int64

	mu    sync.Mutex
	acked []acknowledged // by the time of the answer
}

// acknowledged is a registration that was answered.
type acknowledged struct {
	harness.Register
	id       string
	tries    int
	failed   error // of the try before the last; nil where there was one alone
	began    time.Time
	answered time.Time
}

// begin starts the callers. They stop when the returned function is called, each
// with its last answer.
func (l *load) begin(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				if _, err := l.register(t.Context()); err != nil {
					t.Error(err)
					return
				}
				time.Sleep(pause)
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}

// register registers the next person.
func (l *load) register(ctx context.Context) (acknowledged, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	n := l.next.Add(1)
	a := acknowledged{began: time.Now(), Register: harness.Register{
		RequestID: fmt.Sprintf("%s-%d", l.run, n), Username: fmt.Sprintf("%s%d", l.run, n), Email: fmt.Sprintf("%s%d@example.com", l.run, n),
		Password: fmt.Sprintf("velvet-anchor-%d", n), FirstName: "Noor", Locale: "en",
	}}
	for {
		a.tries++
		limited, cancel := context.WithTimeout(ctx, tryTime)
		receipt, err := l.service.Register(limited, a.Register)
		cancel()
		if err == nil {
			a.id, a.answered = receipt.RegistrationID, time.Now()
			l.mu.Lock()
			l.acked = append(l.acked, a)
			l.mu.Unlock()
			return a, nil
		}
		if fault, ok := errors.AsType[*harness.Fault](err); ok && !fault.Retryable {
			return a, fmt.Errorf("%s was refused at try %d: %w", a.RequestID, a.tries, fault)
		}
		if ctx.Err() != nil {
			return a, fmt.Errorf("%s has no answer after %d tries: %w", a.RequestID, a.tries, err)
		}
		a.failed = err
		time.Sleep(pause)
	}
}

// acknowledged are those that were answered so far.
func (l *load) acknowledged() []acknowledged {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.acked)
}

// since says what callers felt since a moment: the longest time without an
// answer to anybody, and how many needed more than one try.
func (l *load) since(t *testing.T, began time.Time) (again int) {
	t.Helper()
	last, gap, n := began, time.Duration(0), 0
	for _, a := range l.acknowledged() {
		if a.answered.Before(began) {
			continue
		}
		n++
		gap, last = max(gap, a.answered.Sub(last)), a.answered
		if a.tries > 1 {
			again++
			t.Logf("%s, begun %v after that, was tried %d times: %v", a.RequestID, a.began.Sub(began).Round(10*time.Millisecond), a.tries, a.failed)
		}
	}
	gap = max(gap, time.Since(last))
	t.Logf("%d registrations in %v, no answer to anybody for %v at most, %d needed more than one try", n, time.Since(began).Round(10*time.Millisecond), gap.Round(time.Millisecond), again)
	return again
}

// goOn waits until so many more registrations are answered.
func (l *load) goOn(t *testing.T, more int) {
	t.Helper()
	want := len(l.acknowledged()) + more
	harness.Eventually(t, patience, func(context.Context) error {
		if n := len(l.acknowledged()); n < want {
			return fmt.Errorf("%d of %d registrations were answered", n, want)
		}
		return nil
	})
}
