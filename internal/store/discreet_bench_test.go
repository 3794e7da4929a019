package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"registrar/internal/registration"
)

// BenchmarkEnumerationSafe times registrations by an enumeration-safe caller
// through the domain and the store: half of them with an address that is free,
// half with one that is taken, in random order, each after the other. An
// operation is a pair.
//
// It reports the medians of both and their 10th percentiles, which what else runs
// on the machine touches least, and two figures that say
// how well the times tell them apart (Mann and Whitney's rank test, 1947): auc
// is the probability that a taken one takes longer than a free one, 0.5 where
// nothing can be told, and |z| is below 1.96 in 19 of 20 runs in which there is
// no difference.
func BenchmarkEnumerationSafe(b *testing.B) {
	for _, backend := range backends {
		b.Run(backend.name, func(b *testing.B) {
			o := backend.new(b)
			migrate(b, o)
			db := open(b, o)
			s := domain(b, db)
			mobile := func(r *registration.Request) { r.MobileNumber = fmt.Sprintf("+96650%07d", rand.IntN(1e7)) }
			owners := make([]string, b.N)
			for i := range owners {
				r := applicant(mobile)
				register(b, s, r)
				owners[i] = r.Email
			}
			type trial struct {
				request registration.Request
				taken   bool
			}
			trials := make([]trial, 0, 2*b.N)
			for _, owner := range owners {
				trials = append(trials, trial{applicant(mobile), false}, trial{applicant(mobile, to(owner)), true})
			}
			rand.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
			var free, taken []time.Duration
			b.ResetTimer()
			for _, one := range trials {
				began := time.Now()
				_, err := s.Register(b.Context(), one.request)
				took := time.Since(began)
				if err != nil {
					b.Fatal(err)
				}
				if one.taken {
					taken = append(taken, took)
				} else {
					free = append(free, took)
				}
			}
			b.StopTimer()
			auc, z := rankTest(free, taken)
			slices.Sort(free)
			slices.Sort(taken)
			at := func(sorted []time.Duration, part float64) float64 {
				return float64(sorted[int(part*float64(len(sorted)-1))].Nanoseconds()) / 1e3
			}
			b.ReportMetric(at(free, .5), "free-p50-µs")
			b.ReportMetric(at(taken, .5), "taken-p50-µs")
			b.ReportMetric(at(free, .1), "free-p10-µs")
			b.ReportMetric(at(taken, .1), "taken-p10-µs")
			b.ReportMetric(auc, "auc")
			b.ReportMetric(math.Abs(z), "|z|")
		})
	}
}

// rankTest is Mann and Whitney's, with ties in the order in which they stand.
func rankTest(a, b []time.Duration) (auc, z float64) {
	type sample struct {
		took time.Duration
		ofB  bool
	}
	var all []sample
	for _, d := range a {
		all = append(all, sample{d, false})
	}
	for _, d := range b {
		all = append(all, sample{d, true})
	}
	slices.SortStableFunc(all, func(x, y sample) int { return int(x.took - y.took) })
	ranks := 0.0
	for i, s := range all {
		if s.ofB {
			ranks += float64(i + 1)
		}
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - m*(m+1)/2
	return u / (n * m), (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
}
