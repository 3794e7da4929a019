package bench_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// passwordLogins is how many logins of each kind are tried, each once.
func passwordLogins(b *testing.B) int {
	b.Helper()
	text := os.Getenv("PASSWORD_LOGINS")
	if text == "" {
		return 300
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 20 {
		b.Fatalf("PASSWORD_LOGINS is %q, not a number of 20 or more", text)
	}
	return n
}

// BenchmarkVerifyPasswordTiming verifies a wrong password of logins that have an
// account and of as many that have none, one after the other in random order,
// over HTTP, and compares how long the two take: in a store whose hashes are all
// of one kind, and in one where another system has made half of them.
func BenchmarkVerifyPasswordTiming(b *testing.B) {
	const rules = "attempts: {caller_burst: 0}\n"
	b.Run("one-kind", func(b *testing.B) {
		passwordTiming(b, harness.Config(b, rules), func([]string) {})
	})
	b.Run("half-bcrypt", func(b *testing.B) {
		node, database := harness.MariaDB(b)
		passwordTiming(b, harness.Config(b, rules+database), func(known []string) {
			hash := "$2y$10$apL3UpEb2cuCnb/DUxvqR.ZiD.G9cc12ffJ6f2BaQw25gWQAU.S2y"
			_, err := node.Query(b.Context(), "UPDATE registrar.accounts SET password_hash = '"+hash+"' WHERE username IN ('"+strings.Join(known[:len(known)/2], "','")+"')")
			if err != nil {
				b.Fatal(err)
			}
		})
	})
}

// passwordTiming measures one store, whose accounts prepare may change.
func passwordTiming(b *testing.B, config string, prepare func(known []string)) {
	n := passwordLogins(b)
	s := harness.Plain(b, "--config", config)
	s.Start(b)
	names := make([]string, 2*n)
	for i := range names {
		names[i] = fmt.Sprintf("user-%016x", rand.Uint64())
	}
	known := names[:n]
	for _, name := range known {
		if _, err := s.Register(b.Context(), harness.Register{Username: name, Email: name + "@example.com", Password: "velvet-anchor-tuesday"}); err != nil {
			b.Fatal(err)
		}
	}
	prepare(known)
	if err := s.Stop(20 * time.Second); err != nil {
		b.Fatal(err)
	}
	s.Start(b)                  // it counts the kinds of hashes at its start
	time.Sleep(5 * time.Second) // and settles
	for b.Loop() {
		wrong, nobody := verifyAll(b, s, names, n)
		b.Logf("%-28s %8s %8s %8s %8s", "ms, of "+strconv.Itoa(n)+" each", "p10", "p50", "p90", "p99")
		for kind, sample := range map[string][]time.Duration{"wrong password": wrong, "login that nobody has": nobody} {
			slices.Sort(sample)
			b.Logf("%-28s %8.2f %8.2f %8.2f %8.2f", kind, ms(sample, 10), ms(sample, 50), ms(sample, 90), ms(sample, 99))
		}
		t := compare(wrong, nobody)
		b.Logf("Kolmogorov-Smirnov: D = %.4f, p = %.3f; Mann-Whitney: z = %+.2f, p = %.3f; the wrong password takes longer in %.1f %% of pairs",
			t.D, t.KS, t.Z, t.Shift, 100*t.Superior)
		b.ReportMetric(ms(wrong, 50), "ms(wrong)")
		b.ReportMetric(ms(nobody, 50), "ms(nobody)")
		b.ReportMetric(t.D, "D")
		b.ReportMetric(t.KS, "p(KS)")
		b.ReportMetric(t.Z, "z")
		b.ReportMetric(t.Shift, "p(MW)")
	}
}

// verifyAll tries a wrong password of each login. The first known of them have
// an account.
func verifyAll(b *testing.B, s *harness.Service, names []string, known int) (wrong, nobody []time.Duration) {
	b.Helper()
	c, err := harness.Dial(b.Context(), s.URL)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	order := rand.Perm(len(names))
	for warm := range 20 { // before what counts
		order = append([]int{-1 - warm}, order...)
	}
	for _, i := range order {
		name := "user-0000000000000000"
		if i >= 0 {
			name = names[i]
		}
		envelope := harness.Envelope(harness.PasswordBody(name, "velvet-anchor-monday", "device-1"))
		began := time.Now()
		status, err := c.Post(envelope)
		took := time.Since(began)
		switch {
		case i < 0: // after ten of them it is RATE_LIMITED
		case err != nil || status != http.StatusOK:
			b.Fatalf("HTTP %d, %v", status, err)
		case i < known:
			wrong = append(wrong, took)
		default:
			nobody = append(nobody, took)
		}
	}
	return wrong, nobody
}

// ms is a percentile of a sorted sample.
func ms(sample []time.Duration, percentile int) float64 {
	return float64(sample[len(sample)*percentile/100].Microseconds()) / 1000
}
