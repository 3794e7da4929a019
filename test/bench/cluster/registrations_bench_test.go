package cluster_test

import (
	"context"
	"fmt"
	"testing"

	"registrar/internal/store"
)

// BenchmarkRegistrations is the domain's service with its store on three nodes,
// without the hash and without sending, next to transactions of the same rows
// written by hand. Both take turns, in rounds that are short, since other work on
// the machine is none of theirs, and the ratio is the median of the rounds'.
func BenchmarkRegistrations(b *testing.B) {
	g := startGalera(b)
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			for b.Loop() {
				registrations(b, g, clients)
			}
		})
	}
}

func registrations(b *testing.B, g *galera, clients int) {
	rounds, n := number(b, "BENCH_ROUNDS", 15), map[int]int{1: 200, 8: 600, 32: 1000}[clients]
	byHand, byService := g.database(b), g.database(b)
	baseline := openRaw(b, byHand)
	service, err := newService(open(b, byService))
	if err != nil {
		b.Fatal(err)
	}
	subjects := []func(context.Context, int, int) error{
		func(ctx context.Context, run, i int) error { return baseline.register(ctx, people(run)(i)) },
		func(ctx context.Context, run, i int) error {
			_, err := service.Register(ctx, people(run)(i))
			return err
		},
	}
	var all [2][]figures
	var ratios []float64
	for round := range rounds + 1 {
		var one [2]figures
		for turn := range subjects {
			k := (round + turn) % 2 // whoever is first has no advantage
			before := g.counts(b)
			one[k] = g.load(b, clients, n, func(ctx context.Context, i int) error { return subjects[k](ctx, round, i) })
			if round == 0 {
				fmt.Printf("%s, %s: a registration is%s\n", b.Name(), []string{"by hand", "service"}[k], g.counts(b).per(before, n))
			}
		}
		if round == 0 {
			continue // the first one fills the pools
		}
		for k := range all {
			all[k] = append(all[k], one[k])
		}
		ratios = append(ratios, one[1].perSecond/one[0].perSecond)
	}
	sameRows(b, baseline, byHand, byService)
	g.sameWriter(b, byService)
	hand, own := medians(all[0]), medians(all[1])
	fmt.Printf("%s, by hand: %s\n%s, service: %s\n", b.Name(), hand, b.Name(), own)
	b.ReportMetric(hand.perSecond, "tx/s(by-hand)")
	b.ReportMetric(own.perSecond, "reg/s")
	b.ReportMetric(100*median(ratios), "%ofbyhand")
	// What is used of the processors tells the same where others use them too.
	b.ReportMetric(100*float64(hand.own+hand.databases)/float64(own.own+own.databases), "%ofbyhand(by-cpu)")
	b.ReportMetric(own.percentile(0.5), "ms(median)")
	b.ReportMetric(own.percentile(0.99), "ms(p99)")
	g.drop(b, byHand)
	g.drop(b, byService)
}

// sameRows fails where the baseline has not written what the service has.
func sameRows(b *testing.B, db raw, byHand, byService store.Options) {
	b.Helper()
	ours, theirs := db.size(b, byService.Database), db.size(b, byHand.Database)
	for table, size := range ours {
		if ratio := float64(size) / float64(theirs[table]); !(ratio > 0.98 && ratio < 1.02) {
			b.Errorf("%s has %d octets of the service's and %d of the baseline's", table, size, theirs[table])
		}
	}
}
