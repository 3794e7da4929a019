// Package bench_test measures the service against baselines of the same run:
// what the hash alone allows, and what a handler without checks does. The load
// generator shares the machine's cores with the service; what it takes is
// missing from the figures.
package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"registrar/internal/password"
	"registrar/test/harness"
)

// connections is how many callers send one request after the other.
const connections = 8

// hashCeiling is what the machine does when it does nothing but hash: hashes a
// second on all cores, and the processor time of one.
func hashCeiling(b *testing.B, n int) (perSecond float64, each time.Duration) {
	b.Helper()
	pool := password.NewPool(password.DefaultArgon2id, 0, n)
	defer pool.Close()
	cores := runtime.GOMAXPROCS(0)
	var next atomic.Int64
	var wg sync.WaitGroup
	cpu := selfCPU(b)
	start := time.Now()
	for range cores {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if _, err := pool.Hash(context.Background(), "velvet-anchor-tuesday"); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	return float64(n) / took.Seconds(), (selfCPU(b) - cpu) / time.Duration(n)
}

// awaitInbox waits until the inbox has n messages, asking rarely and for a count alone.
func awaitInbox(b *testing.B, s *harness.Service, n int) {
	b.Helper()
	harness.Eventually(b, 2*time.Minute, func(ctx context.Context) error {
		time.Sleep(200 * time.Millisecond)
		count, err := s.InboxCount(ctx)
		if err == nil && count < n {
			err = fmt.Errorf("%d of %d messages are in the inbox", count, n)
		}
		return err
	})
}

// BenchmarkRegister is the main job on the embedded default with its default
// hash, next to the hash's own ceiling: in short rounds, each with the ceiling
// measured before and after it, since these machines do not keep their speed.
// What is reported are the medians of the rounds.
//
// What is beyond the hash is a difference of two large figures. It holds the
// service's own work, its notifications, and what the hash loses by sharing the
// caches with them; BenchmarkReadyMadeHash measures the work alone.
func BenchmarkRegister(b *testing.B) {
	const rounds, n, hashes = 9, 250, 120
	s := harness.New(b)
	s.Start(b)
	pid := s.Process().PID()
	harness.Load(b, s.URL, connections, n, harness.People("warm"))
	have := 2 * n
	awaitInbox(b, s, have)
	for b.Loop() {
		var perSecond, ceilings, shares, each, beyond []float64
		before, hash := hashCeiling(b, hashes)
		for range rounds {
			cpu := harness.CPU(b, pid)
			have += 2 * n
			took := harness.Load(b, s.URL, connections, n, harness.People(fmt.Sprintf("round%d-", have)))
			awaitInbox(b, s, have)
			cpu = (harness.CPU(b, pid) - cpu) / n
			after, hashAfter := hashCeiling(b, hashes)
			ceiling, oneHash := (before+after)/2, (hash+hashAfter)/2
			rate := n / took.Seconds()
			perSecond, ceilings, shares = append(perSecond, rate), append(ceilings, ceiling), append(shares, 100*rate/ceiling)
			each, beyond = append(each, milliseconds(oneHash)), append(beyond, milliseconds(cpu-oneHash))
			before, hash = after, hashAfter
		}
		b.ReportMetric(median(perSecond), "reg/s")
		b.ReportMetric(median(ceilings), "hash/s(ceiling)")
		b.ReportMetric(median(shares), "%ofceiling")
		b.ReportMetric(median(each), "ms-cpu/hash")
		b.ReportMetric(median(beyond), "ms-cpu/reg-beyond-hash")
	}
	if err := s.Stop(20 * time.Second); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkStart is what the embedded default takes before anyone calls: from
// the command to /readyz on an empty directory, and its memory after a second.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s := harness.New(b)
		began := time.Now()
		s.Start(b)
		ready := time.Since(began)
		time.Sleep(time.Second)
		b.ReportMetric(milliseconds(ready), "ms-to-ready")
		b.ReportMetric(float64(harness.RSS(b, s.Process().PID()))/(1<<20), "MiB-RSS-idle")
		if err := s.Stop(20 * time.Second); err != nil {
			b.Fatal(err)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func selfCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
