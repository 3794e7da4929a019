// Package otp_test measures what the service's one-time codes are compared
// with: Kannel, an SMS gateway that has priorities too.
package otp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
)

const (
	codePrefix = "96650" // of the numbers that codes go to; the message centre's journal has these alone
	newsPrefix = "96659"
	priority   = 3    // of codes; marketing has none
	window     = 10   // as the service's own by default
	pace       = 1000 // messages a second that the provider takes
)

// gateway is a Kannel and the message centre behind it.
type gateway struct {
	kannel *devstack.Kannel
	smsc   *devstack.SMSC
	codes  int // so far
}

func startGateway(b *testing.B, o devstack.KannelOptions) *gateway {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	g := &gateway{}
	var err error
	if g.smsc, err = devstack.StartSMSC(ctx, b.TempDir(), devstack.SMSCOptions{}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(g.smsc.Kill)
	if g.kannel, err = devstack.StartKannel(ctx, b.TempDir(), g.smsc, o); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(g.kannel.Kill)
	return g
}

// answer sets how many messages a second the message centre answers; 0 is at once.
func (g *gateway) answer(b *testing.B, rate int) {
	b.Helper()
	if err := g.smsc.Behave(b.Context(), devstack.SMSCBehaviour{JournalPrefix: codePrefix, Rate: rate}); err != nil {
		b.Fatal(err)
	}
}

func (g *gateway) queued(b *testing.B) int {
	b.Helper()
	n, err := g.kannel.Queued(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// moments of one code, by the machine's clock.
type moments struct{ asked, answered, came time.Time }

// run sends n codes as a Poisson process of 20 a second, whatever the answers
// take, and gives their moments.
func (g *gateway) run(b *testing.B, n int) []moments {
	b.Helper()
	first := g.codes
	g.codes += n
	all := make([]moments, n)
	var calls sync.WaitGroup
	next := time.Now()
	for i := range all {
		next = next.Add(time.Duration(rand.ExpFloat64() * float64(time.Second/20)))
		time.Sleep(time.Until(next))
		calls.Go(func() {
			all[i].asked = time.Now()
			err := g.kannel.Send(b.Context(), fmt.Sprintf("+%s%07d", codePrefix, first+i), "123456 is your code.\n\n@registrar.example.com #123456", priority)
			all[i].answered = time.Now()
			if err != nil {
				b.Error(err)
			}
		})
	}
	calls.Wait()
	g.await(b, first, all)
	return all
}

// await fills in when the codes, whose numbers begin at first, came to the
// message centre.
func (g *gateway) await(b *testing.B, first int, all []moments) {
	b.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		submits, err := g.smsc.Submits()
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range submits {
			i, err := strconv.Atoi(strings.TrimPrefix(s.Destination, codePrefix))
			if err != nil {
				b.Fatal(err)
			}
			if i -= first; i >= 0 && all[i].came.IsZero() {
				all[i].came = time.UnixMicro(s.At)
			}
		}
		missing := slices.IndexFunc(all, func(m moments) bool { return m.came.IsZero() })
		if missing < 0 {
			return
		}
		if time.Now().After(deadline) {
			b.Fatalf("code %d is not there after %v", missing, time.Since(all[missing].asked))
		}
	}
}

// fill queues n marketing messages while the provider takes hardly any.
func (g *gateway) fill(b *testing.B, n int) {
	b.Helper()
	g.answer(b, 10)
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("%s%07d", newsPrefix, i)
	}
	began := time.Now()
	if err := g.kannel.SendBatch(b.Context(), "Summer offers are here: registrar.example.com/summer", numbers); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	fmt.Printf("%d marketing messages taken in %v, %.0f/s\n", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
}

// behind is run while the backlog is being sent; there is one to the end.
func (g *gateway) behind(b *testing.B, n int) []moments {
	b.Helper()
	before, began := g.queued(b), time.Now()
	all := g.run(b, n)
	after, took := g.queued(b), time.Since(began)
	fmt.Printf("%d marketing messages are queued, then %d: %.0f/s were sent\n", before, after, float64(before-after)/took.Seconds())
	if after < window {
		b.Errorf("the backlog ends before the codes do: %d are queued", after)
	}
	return all
}

// report has the form of the service's own benchmark. The service measures from
// the commit. Kannel's is between its two: it stores a message, hands it to the
// connection and answers then, so that the message centre may have it before
// the caller has the answer. From the request is what Kannel takes at most, from
// the answer is what it takes at least.
func report(what string, all []moments) {
	for _, from := range []struct {
		name string
		took func(moments) time.Duration
	}{
		{"request", func(m moments) time.Duration { return m.came.Sub(m.asked) }},
		{"answer", func(m moments) time.Duration { return m.came.Sub(m.answered) }},
	} {
		sorted := make([]time.Duration, len(all))
		for i, m := range all {
			sorted[i] = from.took(m)
		}
		slices.Sort(sorted)
		at := func(p float64) float64 {
			return float64(sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Microseconds()) / 1000
		}
		fmt.Printf("%-40s %5d codes  p50 %6.2f  p90 %6.2f  p99 %6.2f  max %6.2f ms\n", what+", from "+from.name, len(all), at(0.5), at(0.9), at(0.99), at(1))
	}
}

func printLoad(b *testing.B) {
	b.Helper()
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("load average %s\n", strings.TrimSpace(string(load)))
}

// number is a figure of the environment.
func number(b *testing.B, variable string, otherwise int) int {
	b.Helper()
	s := os.Getenv(variable)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		b.Fatalf("%s=%q is no number", variable, s)
	}
	return n
}

// BenchmarkKannel is how long a one-time code takes to the provider's wire, on
// an empty queue and behind a backlog of marketing messages that is being sent
// at the provider's pace. The pace is the message centre's, or for "throughput"
// Kannel's own limit.
func BenchmarkKannel(b *testing.B) {
	for _, c := range []struct {
		name    string
		options devstack.KannelOptions
		answers int // a second, of the message centre
	}{
		{"spool", devstack.KannelOptions{Store: "spool", Window: window}, pace},
		{"file", devstack.KannelOptions{Store: "file", Window: window}, pace},
		{"throughput", devstack.KannelOptions{Store: "spool", Window: window, Throughput: pace}, 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			codes, backlog := number(b, "OTP_CODES", 1000), number(b, "OTP_BACKLOG", 200_000)
			g := startGateway(b, c.options)
			for b.Loop() {
				printLoad(b)
				g.answer(b, 0)
				g.run(b, 40) // what is done only once is done
				report("Kannel, "+c.name+", empty", g.run(b, codes))
				g.fill(b, backlog)
				g.answer(b, c.answers)
				report("Kannel, "+c.name+", behind", g.behind(b, codes))
				printLoad(b)
			}
		})
	}
}
