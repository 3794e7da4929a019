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

const (
	connections = 8
	warmUp      = 200 // registrations before the measurement
)

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

// measured is one run's figures.
type measured struct {
	perSecond float64
	cpu       time.Duration // of the service for one registration, its notifications included
}

// registrations posts n of them and waits until every notification is in the inbox.
func registrations(b *testing.B, s *harness.Service, n int) measured {
	b.Helper()
	harness.Load(b, s.URL, connections, warmUp, harness.People("warm"))
	awaitInbox(b, s, 2*warmUp)
	pid := s.Process().PID()
	before := harness.CPU(b, pid)
	took := harness.Load(b, s.URL, connections, n, harness.People("bench"))
	awaitInbox(b, s, 2*(warmUp+n))
	return measured{perSecond: float64(n) / took.Seconds(), cpu: (harness.CPU(b, pid) - before) / time.Duration(n)}
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
// hash, next to the hash's own ceiling on this machine.
func BenchmarkRegister(b *testing.B) {
	for b.Loop() {
		const n = 1000
		before, each := hashCeiling(b, 400)
		s := harness.New(b)
		s.Start(b)
		m := registrations(b, s, n)
		if err := s.Stop(20 * time.Second); err != nil {
			b.Fatal(err)
		}
		after, eachAfter := hashCeiling(b, 400)
		ceiling, each := (before+after)/2, (each+eachAfter)/2
		b.ReportMetric(m.perSecond, "reg/s")
		b.ReportMetric(ceiling, "hash/s(ceiling)")
		b.ReportMetric(100*m.perSecond/ceiling, "%ofceiling")
		b.ReportMetric(float64(each.Microseconds())/1000, "ms-cpu/hash")
		b.ReportMetric(float64((m.cpu-each).Microseconds())/1000, "ms-cpu/reg-beyond-hash")
	}
}

func selfCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
