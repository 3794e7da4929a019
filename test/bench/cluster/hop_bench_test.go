package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/store"
	"registrar/internal/tier"
	"registrar/test/harness"
)

// BenchmarkHopAlone is a call through the hop to a domain that does nothing.
func BenchmarkHopAlone(b *testing.B) {
	address, process := startApp(b, store.Options{})
	client := dial(b, address)
	for b.Loop() {
		low := lowLoad(b, client)
		fmt.Printf("%s, 50 calls a second: %s\n", b.Name(), low)
		b.ReportMetric(low.percentile(0.5), "ms(median,low)")
		b.ReportMetric(low.percentile(0.99), "ms(p99,low)")
		for _, clients := range []int{1, 8, 32} {
			var rounds []figures
			for range number(b, "BENCH_ROUNDS", 5) {
				rounds = append(rounds, fullLoad(b, nil, client, process, clients, 10_000, 0))
			}
			m := medians(rounds)
			fmt.Printf("%s, %d clients: %s\n", b.Name(), clients, m)
			b.ReportMetric(m.perSecond, fmt.Sprintf("calls/s(%d)", clients))
			b.ReportMetric(float64(m.own.Nanoseconds())/1000, fmt.Sprintf("µs-cpu/call(%d)", clients))
		}
	}
}

// BenchmarkHop is registrations through the hop, next to the same in one process.
func BenchmarkHop(b *testing.B) {
	g := startGalera(b)
	database := g.database(b)
	address, process := startApp(b, database)
	client := dial(b, address)
	service, err := newService(open(b, database))
	if err != nil {
		b.Fatal(err)
	}
	run := 0
	for b.Loop() {
		var lows [2]figures
		for k, subject := range []tier.Registrar{service, client} {
			lows[k] = lowLoad(b, subject)
			fmt.Printf("%s, %s, 50 calls a second: %s\n", b.Name(), []string{"in one process", "through the hop"}[k], lows[k])
		}
		b.ReportMetric(lows[1].percentile(0.5)-lows[0].percentile(0.5), "ms-more(median,low)")
		b.ReportMetric(lows[1].percentile(0.99)-lows[0].percentile(0.99), "ms-more(p99,low)")
		for _, clients := range []int{8, 32} {
			var all [2][]figures
			var ratios []float64
			for round := range number(b, "BENCH_ROUNDS", 5) {
				var one [2]figures
				for turn := range one {
					k := (round + turn) % 2
					run++
					var of *devstack.Process
					var subject tier.Registrar = service
					if k == 1 {
						of, subject = process, client
					}
					one[k] = fullLoad(b, g, subject, of, clients, 2000, run)
					all[k] = append(all[k], one[k])
				}
				ratios = append(ratios, one[1].perSecond/one[0].perSecond)
			}
			for k := range all {
				fmt.Printf("%s, %s, %d clients: %s\n", b.Name(), []string{"in one process", "through the hop"}[k], clients, medians(all[k]))
			}
			b.ReportMetric(100*median(ratios), fmt.Sprintf("%%ofoneprocess(%d)", clients))
		}
		g.sameWriter(b, database)
	}
}

// lowRuns makes the people of one low load others than those of the next.
var lowRuns = 1000

// lowLoad makes 50 calls a second when they are due, for ten seconds.
func lowLoad(b *testing.B, r tier.Registrar) (f figures) {
	b.Helper()
	const n, pause = 500, 20 * time.Millisecond
	lowRuns++
	person := people(lowRuns)
	due := time.Now()
	own := selfCPU(b)
	for i := range n {
		due = due.Add(pause)
		time.Sleep(time.Until(due))
		began := time.Now()
		if _, err := r.Register(b.Context(), person(i)); err != nil {
			b.Fatal(err)
		}
		f.took = append(f.took, time.Since(began))
	}
	f.perSecond, f.own = float64(time.Second/pause), (selfCPU(b)-own)/n
	slices.Sort(f.took)
	return f
}

// fullLoad is load through r. The processor time of another process, where it
// is not nil, counts as this one's.
func fullLoad(b *testing.B, g *galera, r tier.Registrar, other *devstack.Process, clients, n, run int) figures {
	b.Helper()
	person := people(run)
	var before time.Duration
	if other != nil {
		before = harness.CPU(b, other.PID())
	}
	f := g.load(b, clients, n, func(ctx context.Context, i int) error {
		_, err := r.Register(ctx, person(i))
		return err
	})
	if other != nil {
		f.own += (harness.CPU(b, other.PID()) - before) / time.Duration(n)
	}
	return f
}
