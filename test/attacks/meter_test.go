package attacks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/test/harness"
)

// state is what the service has taken of the machine.
type state struct{ memory, goroutines, files int }

// look reads the state.
func look(ctx context.Context, v *victim) (state, error) {
	code, page, err := v.Get(ctx, v.Admin+"/metrics")
	if err != nil || code != http.StatusOK {
		return state{}, fmt.Errorf("/metrics: HTTP %d: %w", code, err)
	}
	_, after, ok := strings.Cut(string(page), "\ngo_goroutines ")
	if !ok {
		return state{}, errors.New("/metrics has no go_goroutines")
	}
	number, _, _ := strings.Cut(after, "\n")
	goroutines, err := strconv.Atoi(number)
	if err != nil {
		return state{}, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", v.Process().PID()))
	if err != nil {
		return state{}, err
	}
	memory, err := resident(v, "VmRSS")
	return state{memory: memory, goroutines: goroutines, files: len(files)}, err
}

// resident reads VmRSS, or VmHWM, its peak, in bytes.
func resident(v *victim, field string) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.Process().PID()))
	if err != nil {
		return 0, err
	}
	_, after, ok := strings.Cut(string(b), field+":")
	if !ok {
		return 0, fmt.Errorf("no %s in /proc", field)
	}
	kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, err := strconv.Atoi(kib)
	return n << 10, err
}

// observation is what was seen during one attack.
type observation struct {
	peak     int // resident memory in bytes
	ordinary int // requests that were answered
	worst    time.Duration
	failed   error
}

// meter watches the service: an ordinary client asks all the time.
type meter struct {
	victim *victim
	stop   func()

	mu   sync.Mutex
	seen observation
}

// measure starts the ordinary client, on a connection of its own that is made
// anew now and then.
func measure(t *testing.T, v *victim) *meter {
	t.Helper()
	m := &meter{victim: v}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { m.ask(ctx) })
	m.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(m.stop)
	return m
}

// lookUp is an ordinary request: for a registration that does not exist.
func lookUp(id string) string {
	return harness.Envelope("<r:GetRegistrationRequest><r:username>" + id + "</r:username></r:GetRegistrationRequest>")
}

func (m *meter) ask(ctx context.Context) {
	var c *harness.Conn
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for i := 0; ctx.Err() == nil; i++ {
		began := time.Now()
		var err error
		if c == nil {
			c, err = harness.Dial(ctx, m.victim.URL)
		}
		status := 0
		if err == nil {
			status, err = c.Post(lookUp("nobody"))
		}
		if err == nil && status != http.StatusInternalServerError { // the SOAP 1.1 fault NOT_FOUND
			err = fmt.Errorf("HTTP %d", status)
		}
		m.note(time.Since(began), err)
		if c != nil && (err != nil || i%20 == 19) {
			c.Close()
			c = nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (m *meter) note(took time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen.worst = max(m.seen.worst, took)
	if err != nil {
		m.seen.failed = err
		return
	}
	m.seen.ordinary++
}

// idle gives the state of a service that only the ordinary client uses.
func (m *meter) idle(t *testing.T) state {
	t.Helper()
	time.Sleep(time.Second)
	s, err := look(t.Context(), m.victim)
	if err != nil {
		t.Fatal(err)
	}
	m.begin(t)
	return s
}

// begin forgets what was seen. The kernel forgets its peak of the memory, too.
func (m *meter) begin(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", m.victim.Process().PID()), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = observation{}
}

// end gives what was seen since begin. An attack that is over very soon lasts
// until one more ordinary request is answered.
func (m *meter) end(t *testing.T) observation {
	t.Helper()
	read := func() observation {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.seen
	}
	have := read().ordinary
	for deadline := time.Now().Add(*within); read().ordinary < have+2 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	seen := read()
	peak, err := resident(m.victim, "VmHWM")
	if err != nil {
		t.Fatal(err)
	}
	seen.peak = peak
	return seen
}
