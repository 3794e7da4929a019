package store_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/internal/audit"
	"registrar/internal/registration"
)

// cpu is what this process has used of the processors so far.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCreate is one registration with two notifications and its entry in the
// audit log. cpu-µs/op is
// this process's part: all of it on SQLite, the client's on MariaDB.
func BenchmarkCreate(b *testing.B) {
	for _, backend := range backends {
		b.Run(backend.name, func(b *testing.B) {
			o := backend.new(b)
			migrate(b, o)
			db := open(b, o)
			people := make([]registration.Registration, b.N)
			for i := range people {
				people[i] = person(audited)
			}
			accounts, ctx := db.Accounts(), b.Context()
			before := cpu(b)
			b.ResetTimer()
			for i := range people {
				if _, err := accounts.Create(ctx, people[i]); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkCreateParallel is the same from several callers at once.
func BenchmarkCreateParallel(b *testing.B) {
	for _, backend := range backends {
		for _, callers := range []int{2, 8, 32} {
			b.Run(fmt.Sprintf("%s/%d", backend.name, callers), func(b *testing.B) {
				o := backend.new(b)
				migrate(b, o)
				db := open(b, o)
				people := make(chan registration.Registration, b.N)
				for range b.N {
					people <- person(audited)
				}
				close(people)
				accounts, ctx := db.Accounts(), b.Context()
				var running sync.WaitGroup
				before := cpu(b)
				b.ResetTimer()
				for range callers {
					running.Go(func() {
						for r := range people {
							if _, err := accounts.Create(ctx, r); err != nil {
								b.Error(err)
							}
						}
					})
				}
				running.Wait()
				b.StopTimer()
				b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
			})
		}
	}
}

// BenchmarkSeal puts an entry of the audit log into the chain, among as many as
// are sealed together.
func BenchmarkSeal(b *testing.B) {
	for _, backend := range backends {
		b.Run(backend.name, func(b *testing.B) {
			o := backend.new(b)
			migrate(b, o)
			db := open(b, o)
			var some []audit.Entry
			for i := range b.N {
				some = append(some, entryOf(person().Account, registration.AuditRegister))
				if len(some) == 100 || i == b.N-1 {
					if err := db.Audit().Append(b.Context(), some...); err != nil {
						b.Fatal(err)
					}
					some = nil
				}
			}
			lease, held, err := db.Leases().Acquire(b.Context(), "audit-sealer", "bench", time.Now(), time.Hour)
			if err != nil || !held {
				b.Fatal(held, err)
			}
			before := cpu(b)
			b.ResetTimer()
			for n := 1; n > 0; {
				if n, _, err = db.Audit().Seal(b.Context(), lease, 200); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
