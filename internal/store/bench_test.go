package store_test

import (
	"syscall"
	"testing"
	"time"

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

// BenchmarkCreate is one registration with two notifications. cpu-µs/op is
// this process's part: all of it on SQLite, the client's on MariaDB.
func BenchmarkCreate(b *testing.B) {
	for _, backend := range backends {
		b.Run(backend.name, func(b *testing.B) {
			o := backend.new(b)
			migrate(b, o)
			db := open(b, o)
			people := make([]registration.Registration, b.N)
			for i := range people {
				people[i] = person()
			}
			accounts, ctx := db.Accounts(), b.Context()
			before := cpu(b)
			b.ResetTimer()
			for i := range people {
				if err := accounts.Create(ctx, people[i]); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
