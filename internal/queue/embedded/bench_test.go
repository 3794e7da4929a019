package embedded_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"registrar/internal/lane"
	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
)

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEmbedded publishes and consumes through a broker in this process, two
// lanes in turn as a registration does, with one call after the other. It
// reports the processor time of all three for each message.
func BenchmarkEmbedded(b *testing.B) {
	for _, size := range []int{1, 2, 10, 100} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) { benchmark(b, size, 1) })
	}
	b.Run("batch=2/callers=16", func(b *testing.B) { benchmark(b, 2, 16) })
}

// BenchmarkIdle reports the processor time that a broker and six consumers with
// nothing to do use in a second. Ask for a time of several seconds.
func BenchmarkIdle(b *testing.B) {
	r := start(b)
	r.publish(b, 50, 2)
	b.ResetTimer()
	before, begun := cpu(b), time.Now()
	for b.Loop() {
		time.Sleep(time.Second)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/time.Since(begun).Seconds(), "cpu-us/s")
}

// rig is a broker with a consumer in each lane.
type rig struct {
	publisher *queue.Publisher
	handled   atomic.Int64
	progress  chan struct{}
}

func start(b *testing.B) *rig {
	b.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := broker.Close(); err != nil {
			b.Error(err)
		}
	})
	client, err := queue.Open(broker.Settings(), slog.New(slog.DiscardHandler), queue.Observer{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := client.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := client.EnsureTopics(b.Context()); err != nil {
		b.Fatal(err)
	}
	r := &rig{publisher: client.Publisher(), progress: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var consumers sync.WaitGroup
	b.Cleanup(func() {
		cancel()
		consumers.Wait()
	})
	for _, l := range lane.All() {
		consumers.Go(func() {
			err := client.Consumer().Run(ctx, l, func(_ context.Context, all []lane.Message) error {
				r.handled.Add(int64(len(all)))
				select {
				case r.progress <- struct{}{}:
				default:
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
		})
	}
	return r
}

// publish so many batches one after the other, and wait until they are handled.
func (r *rig) publish(b *testing.B, batches, size int) {
	b.Helper()
	r.handled.Store(0)
	for i := range batches {
		if err := r.publisher.Publish(b.Context(), batchOf(i, size)); err != nil {
			b.Fatal(err)
		}
	}
	r.await(int64(batches * size))
}

func (r *rig) await(n int64) {
	for r.handled.Load() < n {
		<-r.progress
	}
}

// batchOf alternates the lanes of a registration's two messages.
func batchOf(n, size int) []lane.Message {
	all := make([]lane.Message, size)
	for j := range all {
		m := lane.Message{Lane: lane.EmailTransactional, Recipient: uint16(n * 7), Deadline: time.Now().Add(time.Hour)}
		if j%2 == 1 {
			m.Lane = lane.SMSTransactional
		}
		m.NotificationID[0], m.NotificationID[15] = 1, byte(n)
		all[j] = m
	}
	return all
}

func benchmark(b *testing.B, size, callers int) {
	r := start(b)
	r.publish(b, 50, size) // until everything is connected
	r.handled.Store(0)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	var calls sync.WaitGroup
	var next atomic.Int64
	for range callers {
		calls.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := r.publisher.Publish(b.Context(), batchOf(int(n), size)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	calls.Wait()
	r.await(int64(b.N) * int64(size))
	used := cpu(b) - before
	b.StopTimer()
	b.ReportMetric(float64(used.Microseconds())/float64(b.N*size), "cpu-us/msg")
}
