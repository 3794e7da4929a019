package bench_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/test/harness"
)

const (
	idleConnections = 10_000
	askedPerSecond  = 200
	askedFor        = 10 * time.Second
)

// BenchmarkIdleConnections holds kept connections at one `registrar serve`,
// each of which has asked once, while requests come at a fixed rate on others:
// a request is counted from when it was due, not from when it was sent.
func BenchmarkIdleConnections(b *testing.B) {
	needFiles(b, idleConnections+100)
	s := harness.Plain(b)
	s.Start(b)
	lookUp := harness.Envelope("<r:GetRegistrationRequest><r:username>nobody</r:username></r:GetRegistrationRequest>")
	ask := func(c *harness.Conn) error {
		status, err := c.Post(lookUp)
		if err == nil && status != http.StatusInternalServerError { // the SOAP 1.1 fault NOT_FOUND
			err = fmt.Errorf("HTTP %d", status)
		}
		return err
	}
	dial := func(n int) []*harness.Conn {
		var all []*harness.Conn
		for range n {
			c, err := harness.Dial(b.Context(), s.URL)
			if err == nil {
				err = ask(c)
			}
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, c)
		}
		return all
	}
	warm := dial(100)
	time.Sleep(2 * time.Second)
	before := harness.RSS(b, s.Process().PID())
	idle := dial(idleConnections)
	defer func() {
		for _, c := range slices.Concat(warm, idle) {
			c.Close()
		}
	}()
	time.Sleep(2 * time.Second)
	held := harness.RSS(b, s.Process().PID())
	for b.Loop() {
		latencies := atRate(b, dial(16), ask)
		b.ReportMetric(float64(len(latencies))/askedFor.Seconds(), "requests/s")
		b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds())/1000, "ms(median)")
		b.ReportMetric(float64(latencies[len(latencies)*99/100].Microseconds())/1000, "ms(p99)")
		b.ReportMetric(float64(latencies[len(latencies)-1].Microseconds())/1000, "ms(worst)")
		b.ReportMetric(float64(held-before)/idleConnections/1024, "KiB/connection")
		b.ReportMetric(float64(harness.RSS(b, s.Process().PID()))/(1<<20), "MiB")
	}
	// All of them are still there: each is asked once more.
	for i, c := range idle {
		if err := ask(c); err != nil {
			b.Fatalf("connection %d: %v", i, err)
		}
	}
}

// atRate sends requests when they are due, and gives how long each took, in order.
func atRate(b *testing.B, conns []*harness.Conn, ask func(*harness.Conn) error) []time.Duration {
	b.Helper()
	const n = int(askedFor/time.Second) * askedPerSecond
	due := make(chan time.Time, n)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go func() {
		defer close(due)
		ticker := time.NewTicker(time.Second / askedPerSecond)
		defer ticker.Stop()
		for range n {
			select {
			case at := <-ticker.C:
				due <- at
			case <-ctx.Done():
				return
			}
		}
	}()
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			defer c.Close()
			for at := range due {
				err := ask(c)
				took := time.Since(at)
				mu.Lock()
				all = append(all, took)
				mu.Unlock()
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if len(all) == 0 {
		b.Fatal("nothing was answered")
	}
	slices.Sort(all)
	return all
}

// needFiles raises this process's limit of open files, which the service
// inherits, to what the system allows, and fails where that is too little.
func needFiles(b *testing.B, n uint64) {
	b.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		b.Fatal(err)
	}
	if limit.Cur < n {
		b.Fatalf("a process may open %d files here; %d are needed (ulimit -Hn)", limit.Cur, n)
	}
}
