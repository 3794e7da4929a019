package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/internal/config"
	"registrar/test/harness"
)

// readyMade is a hash that was made before, so that everything else is measured.
type readyMade string

func (r readyMade) Hash(context.Context, string) (string, error)         { return string(r), nil }
func (r readyMade) Verify(context.Context, string, string) (bool, error) { return true, nil }

// BenchmarkReadyMadeHash is the main job without the hash: envelope, schema,
// rules, transaction, queue, notifier and inbox, two notifications each, by 8
// connections in the same process. What the client takes is in the figures.
func BenchmarkReadyMadeHash(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) { readyMadeHash(b, config.Default()) })
	b.Run("MariaDB", func(b *testing.B) {
		node, _ := harness.MariaDB(b)
		c := config.Default()
		c.Database.Driver, c.Database.Addresses, c.Database.User, c.Database.Password = config.MariaDB, []string{node.Address}, node.User, config.Secret(node.Password)
		readyMadeHash(b, c)
	})
}

func readyMadeHash(b *testing.B, c config.Config) {
	c.DataDir, c.Listen, c.AdminListen = b.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	log := slog.New(slog.DiscardHandler)
	l, err := listen(b.Context(), c, log)
	if err != nil {
		b.Fatal(err)
	}
	p, err := open(b.Context(), c, log)
	if err != nil {
		b.Fatal(err)
	}
	p.service.Hasher = readyMade("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.run(ctx, c, l, func() {}); err != nil {
			b.Error(err)
		}
	})
	defer func() {
		cancel()
		running.Wait()
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	}()

	const warmUp = 200
	total := 0
	load := func(n int, run string) time.Duration {
		took := harness.Load(b, l.soapURL(), 8, n, harness.People(run))
		total += 2 * n
		settled(b, p, total)
		return took
	}
	load(warmUp, "warm")
	run := 0
	for b.Loop() {
		const n = 3000
		run++
		before := processCPU(b)
		took := load(n, fmt.Sprintf("run%d", run))
		b.ReportMetric(n/took.Seconds(), "reg/s")
		b.ReportMetric(float64((processCPU(b)-before).Microseconds())/1000/n, "ms-cpu/reg")
	}
}

// settled waits until the inbox has every message.
func settled(b *testing.B, p *parts, messages int) {
	b.Helper()
	for range 600 {
		_, have, err := p.db.Inbox().List(b.Context(), 0, 1)
		if err != nil {
			b.Fatal(err)
		}
		if have >= messages {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Fatalf("the inbox does not have %d messages", messages)
}

func processCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
