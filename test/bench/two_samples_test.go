package bench_test

import (
	"math"
	"slices"
	"testing"
	"time"
)

// twoSamples is how likely two samples would differ as much as they do if they
// were of one distribution.
type twoSamples struct {
	D        float64 // the statistic of Kolmogorov and Smirnov: the largest distance of the two distributions
	KS       float64 // its asymptotic p
	Z        float64 // of Mann and Whitney's U; negative where the first sample is the smaller
	Shift    float64 // its two-sided p
	Superior float64 // the share of pairs in which the first is larger: 0.5 for one distribution
}

// compare tests two samples against each other. It brings them in order.
func compare(a, b []time.Duration) twoSamples {
	slices.Sort(a)
	slices.Sort(b)
	n, m := float64(len(a)), float64(len(b))
	var t twoSamples
	var ranks float64 // of the first sample's, from 1, equal ones sharing theirs
	for i, j := 0, 0; i < len(a) || j < len(b); {
		var least time.Duration
		switch {
		case j == len(b), i < len(a) && a[i] < b[j]:
			least = a[i]
		default:
			least = b[j]
		}
		beginA, beginB := i, j
		for i < len(a) && a[i] == least {
			i++
		}
		for j < len(b) && b[j] == least {
			j++
		}
		equal := float64(i - beginA + j - beginB)
		ranks += float64(i-beginA) * (float64(beginA+beginB) + (equal+1)/2)
		t.D = max(t.D, math.Abs(float64(i)/n-float64(j)/m))
	}
	u := ranks - n*(n+1)/2
	t.Superior = u / (n * m)
	t.Z = (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
	t.Shift = math.Erfc(math.Abs(t.Z) / math.Sqrt2)
	size := math.Sqrt(n * m / (n + m))
	t.KS = kolmogorov((size + 0.12 + 0.11/size) * t.D)
	return t
}

// kolmogorov is how likely Kolmogorov's distribution is beyond x (Stephens'
// approximation gives the argument for finite samples).
func kolmogorov(x float64) float64 {
	if x < 0.2 {
		return 1
	}
	p, sign := 0.0, 1.0
	for k := 1.0; k <= 100; k++ {
		p += 2 * sign * math.Exp(-2*k*k*x*x)
		sign = -sign
	}
	return min(1, max(0, p))
}

// TestTwoSamples against what is known of the tests.
func TestTwoSamples(t *testing.T) {
	durations := func(values ...int) (all []time.Duration) {
		for _, v := range values {
			all = append(all, time.Duration(v))
		}
		return all
	}
	for name, tt := range map[string]struct {
		a, b                  []time.Duration
		d, ks, z, p, superior float64
	}{
		"the same":       {durations(1, 2, 3, 4), durations(4, 3, 2, 1), 0, 1, 0, 1, 0.5},
		"apart":          {durations(1, 2, 3, 4, 5), durations(6, 7, 8, 9, 10), 1, 0.0038, -2.6112, 0.0090, 0},
		"apart, swapped": {durations(6, 7, 8, 9, 10), durations(1, 2, 3, 4, 5), 1, 0.0038, 2.6112, 0.0090, 1},
		// U counts the larger ones of 30 pairs, and the equal ones by half: 22.
		"with equal ones": {durations(3, 3, 4, 5, 6, 7), durations(1, 3, 3, 4, 5), 1.0 / 3, 0.8471, 1.2780, 0.2012, 22.0 / 30},
	} {
		got := compare(tt.a, tt.b)
		for what, pair := range map[string][2]float64{"D": {got.D, tt.d}, "KS": {got.KS, tt.ks}, "z": {got.Z, tt.z}, "p": {got.Shift, tt.p}, "superior": {got.Superior, tt.superior}} {
			if math.Abs(pair[0]-pair[1]) > 0.0001 {
				t.Errorf("%s: %s is %.4f, want %.4f", name, what, pair[0], pair[1])
			}
		}
	}
	// Kolmogorov's own table: 5 % lie beyond 1.3581, 1 % beyond 1.6276.
	for x, p := range map[float64]float64{1.3581: 0.05, 1.6276: 0.01, 0.1: 1} {
		if got := kolmogorov(x); math.Abs(got-p) > 0.0001 {
			t.Errorf("beyond %v lie %.4f, want %.4f", x, got, p)
		}
	}
}
