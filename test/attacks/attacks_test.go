// Package attacks_test attacks the built service over its socket as hostile
// clients do: after the attacks of WS-Attacker (Ruhr University Bochum) and of
// OWASP's Web Service Security Cheat Sheet, and by HTTP itself. What is asked
// of the service: each attack gets the answer of the table, the process's
// resident memory stays within 64 MiB above idle, ordinary requests on another
// connection are answered all along, no answer tells anything of the inside,
// and afterwards everything is as it was before.
package attacks_test

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"registrar/test/harness"
)

// within is how long an answer may take. The default is for machines that do
// something else beside; the figure itself is in the printed table.
var within = flag.Duration("within", 10*time.Second, "longest time until an answer")

const (
	memoryAboveIdle = 64 << 20
	headerTimeout   = 2 * time.Second
	requestTimeout  = 5 * time.Second
	// patience is that of the ordinary client.
	patience = 10 * time.Second
)

// attack is one way to do harm.
type attack struct {
	name string
	// run attacks and gives the answers.
	run func(ctx context.Context, v *victim) []answer
	// want judges an answer: "" for what it has to be.
	want func(a answer) string
	// after looks at what must not have happened. It may be nil.
	after func(ctx context.Context, v *victim) error
	// slow attacks take their time; their answers come at a deadline.
	slow bool
}

// victim is the service, and a listener that it must never call.
type victim struct {
	*harness.Service
	address string // host:port
	lure    string // http://host:port of the listener
}

func start(t *testing.T) (v *victim, lured func() int64) {
	t.Helper()
	config := harness.Config(t, fmt.Sprintf("request_timeout: %s\nlimits:\n  header_timeout: %s\n", requestTimeout, headerTimeout)+harness.CheapHash)
	v = &victim{Service: harness.Plain(t, "--config", config)}
	v.Start(t)
	u, err := url.Parse(v.URL)
	if err != nil {
		t.Fatal(err)
	}
	v.address = u.Host
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	v.lure = "http://" + l.Addr().String()
	return v, calls.Load
}

func TestAttacks(t *testing.T) {
	v, lured := start(t)
	if _, err := v.Register(t.Context(), harness.Register{Username: "before", Email: "before@example.com", Password: "velvet-anchor-tuesday"}); err != nil {
		t.Fatal(err)
	}
	m := measure(t, v)
	idle := m.idle(t)

	table := new(strings.Builder)
	w := tabwriter.NewWriter(table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "attack\tanswer\tslowest\tMiB above idle\tworst ordinary request")
	for _, a := range slices.Concat(documents(v), transports(v), sockets(), crowds()) {
		t.Run(a.name, func(t *testing.T) {
			m.begin(t)
			answers := a.run(t.Context(), v)
			seen := m.end(t)
			kinds, slowest := judge(t, a, answers)
			if a.after != nil {
				if err := a.after(t.Context(), v); err != nil {
					t.Error(err)
				}
			}
			above := seen.peak - idle.memory
			if above > memoryAboveIdle {
				t.Errorf("%d MiB above idle", above>>20)
			}
			if seen.failed != nil {
				t.Errorf("an ordinary request: %v", seen.failed)
			}
			if seen.ordinary == 0 || seen.worst > patience {
				t.Errorf("%d ordinary requests were answered, one after %v", seen.ordinary, seen.worst)
			}
			fmt.Fprintf(w, "%s\t%s\t%v\t%.1f\t%v\n", a.name, kinds, slowest.Round(time.Millisecond), float64(above)/(1<<20), seen.worst.Round(100*time.Microsecond))
		})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	m.stop()
	t.Logf("idle: %.1f MiB, %d goroutines, %d file descriptors\n%s", float64(idle.memory)/(1<<20), idle.goroutines, idle.files, table)
	if n := lured(); n != 0 {
		t.Errorf("the service made %d connections that a message asked for", n)
	}
	asBefore(t, v, idle)
}

// judge checks each answer, and gives what they were and the longest time.
func judge(t *testing.T, a attack, answers []answer) (kinds string, slowest time.Duration) {
	t.Helper()
	if len(answers) == 0 {
		t.Error("no answer at all")
	}
	var order []string
	count := map[string]int{}
	told := 0
	for _, got := range answers {
		if told == 3 { // the others are the same
			break
		}
		if wrong := a.want(got); wrong != "" {
			told++
			t.Errorf("%s: %v %s", wrong, got.err, excerpt(got.text))
		}
		if leak := leaks(got.text); leak != "" {
			told++
			t.Errorf("the answer tells %q: %s", leak, excerpt(got.text))
		}
		if !a.slow && got.took > *within {
			t.Errorf("answered after %v", got.took)
		}
		slowest = max(slowest, got.took)
		kind := got.kind()
		if count[kind]++; count[kind] == 1 {
			order = append(order, kind)
		}
	}
	for i, kind := range order {
		order[i] = fmt.Sprintf("%d x %s", count[kind], kind)
	}
	return strings.Join(order, ", "), slowest
}

// asBefore checks that nothing of the attacks is left.
func asBefore(t *testing.T, v *victim, idle state) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		now, err := look(ctx, v)
		if err != nil {
			return err
		}
		if now.goroutines > idle.goroutines+5 || now.files > idle.files+5 {
			return fmt.Errorf("%d goroutines and %d files, before %d and %d", now.goroutines, now.files, idle.goroutines, idle.files)
		}
		return nil
	})
	if _, err := v.Register(t.Context(), harness.Register{Username: "after", Email: "after@example.com", Password: "velvet-anchor-tuesday"}); err != nil {
		t.Error(err)
	}
	if r, err := v.Lookup(t.Context(), "username", "before"); err != nil || r.Email != "before@example.com" {
		t.Errorf("%+v, %v", r, err)
	}
	log := v.Log(t)
	for _, word := range []string{"panic", "goroutine ", "fatal error"} {
		if strings.Contains(log, word) {
			t.Errorf("the log has a %q", word)
		}
	}
}
