package chaos_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/devstack"
	"registrar/internal/devstack/cluster"
	"registrar/test/harness"
)

const (
	// shortRun is how many events a run has where no number is asked for: the
	// first ten have each kind of fault and strike each tier.
	shortRun  = 10
	shortSeed = 1
	// Persons a second, where the gate's other tests run beside it, and where it
	// was asked for by itself.
	shortRate, rate = 8, 15
	// smallDisk is that of the last database node: its data, what the cluster
	// keeps of late writes, and a copy of another node's data on its way.
	smallDisk = 768 << 20
)

// settings let what is in doubt be settled soon, so that a round is short.
var settings = map[string]string{
	"REGISTRAR_CODES_COOLDOWN":     cooldown.String(),
	"REGISTRAR_NOTIFY_LEASE":       "10s",
	"REGISTRAR_EMAIL_SMTP_TIMEOUT": "4s",
	"REGISTRAR_SMS_SMPP_TIMEOUT":   "4s",
}

// TestFaults starts the whole system and lets FAULTS events befall it, or as many
// as MINUTES have room for, drawn by SEED. After each, every acknowledged
// registration has to be on every database node, exactly once and whole, every
// notification at a sink, and what callers were told has to be explained by some
// order of what they asked for.
func TestFaults(t *testing.T) {
	n, seed, deadline := wanted(t)
	s, r := build(t, seed)
	if os.Getenv("FAULTS")+os.Getenv("MINUTES") == "" {
		r.load.rate = shortRate
	}
	p := newPlan(seed, s.sizes())
	t.Logf("SEED=%d makes the same faults again", seed)
	defer func() {
		if t.Failed() {
			t.Logf("SEED=%d", seed)
		}
	}()
	var results []result
	for i := 0; i <= n && time.Now().Before(deadline); i++ {
		var e event
		befall := func(context.Context) error { time.Sleep(3 * time.Second); return nil }
		if i > 0 { // the first round shows what is seen of nothing
			e = p.draw()
			befall = func(ctx context.Context) error { return s.befall(ctx, e) }
		}
		res, err := r.round(t.Context(), e, befall)
		results = append(results, res)
		t.Log(res.line(i))
		for _, v := range res.wrong {
			t.Errorf("%d, %v: %v", i, e, v)
		}
		if err != nil {
			t.Errorf("%d, %v: the system did not become whole: %v", i, e, err)
			break
		}
		if res.registered == 0 {
			t.Errorf("%d, %v: nobody was registered: that is no load", i, e)
		}
	}
	t.Logf("SEED=%d, %d events, %d persons turned away\n%s", seed, len(results)-1, r.load.turnedAway.Load(), table(results))
}

// wanted reads FAULTS, SEED and MINUTES.
func wanted(t *testing.T) (n int, seed uint64, deadline time.Time) {
	t.Helper()
	number := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.ParseUint(text, 10, 63)
		if err != nil {
			t.Fatalf("%s=%q is not a number", name, text)
		}
		return n
	}
	n, seed, deadline = int(number("FAULTS", shortRun)), shortSeed, time.Now().Add(24*time.Hour)
	if os.Getenv("FAULTS") != "" || os.Getenv("MINUTES") != "" {
		seed = uint64(rand.Uint32())
	}
	if minutes := number("MINUTES", 0); minutes > 0 {
		deadline = time.Now().Add(time.Duration(minutes) * time.Minute)
		n = int(number("FAULTS", 1_000_000))
	}
	return n, number("SEED", seed), deadline
}

// build starts the system, with a disk of its own for the last database node.
func build(t *testing.T, seed uint64) (*stage, *runner) {
	t.Helper()
	binary := harness.Binary(t)
	dir, err := os.MkdirTemp("", "chaos") // short: there are sockets in it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the logs are in %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	small, err := devstack.NewDisk(filepath.Join(dir, "database", "db3"), smallDisk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(dir, "database", "db3", "db3.log")); err == nil && t.Failed() {
			_ = os.WriteFile(filepath.Join(dir, "db3.log"), log, 0o600) // the disk goes
		}
		_ = small.Close()
	})
	for name, value := range settings {
		t.Setenv(name, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	began := time.Now()
	c, err := cluster.Start(ctx, cluster.Options{
		Dir: dir, Binary: binary, Network: true, Databases: 3, Brokers: 3, Balancers: 2, Webs: 2, Apps: 3, Notifiers: 2,
		Settings: harness.CheapHash,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
		for _, p := range c.Parts() {
			sound(t, p.About())
		}
	})
	t.Logf("the cluster took %v to start", time.Since(began).Round(time.Second))
	s := &stage{
		galera: c.Galera, kafka: c.Kafka, small: small,
		parts: map[tier][]devstack.Part{
			databases: parts(c.Galera.Nodes), brokers: parts(c.Kafka.Nodes), balancers: parts(c.Balancers), webs: parts(c.Webs), apps: parts(c.Apps),
			notifiers: parts(c.Notifiers), sinkTier: {c.Mail, c.SMSC},
		},
	}
	var urls []string
	for _, b := range c.Balancers {
		urls = append(urls, "http://"+b.About().Address+"/registration")
	}
	s.caller = newCaller(urls...)
	t.Cleanup(s.caller.close)
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &kafka.Client{Addr: kafka.TCP(c.Kafka.Brokers()...), Timeout: 2 * time.Second, Transport: transport}
	sinks := newSinks(c.Mail, c.SMSC)
	t.Cleanup(sinks.watch(t.Context()))
	r := &runner{
		load:  &load{seed: seed, rate: rate, caller: s.caller, sinks: sinks, began: time.Now()},
		sinks: sinks, database: "registrar", whole: s.tended, told: s.told,
	}
	for _, n := range c.Galera.Nodes {
		r.names, r.nodes = append(r.names, n.About().Name), append(r.nodes, n)
	}
	if err := until(t.Context(), wholeWithin, s.whole); err != nil {
		t.Fatalf("the system did not become whole: %v", err)
	}
	return s, r
}

// sound looks for what a program says when it is wrong in itself.
func sound(t *testing.T, a devstack.About) {
	t.Helper()
	if a.Kind != devstack.KindWeb && a.Kind != devstack.KindApp && a.Kind != devstack.KindNotify {
		return
	}
	log, err := os.ReadFile(a.Log)
	if err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"DATA RACE", "panic: ", "fatal error: "} {
		if i := bytes.Index(log, []byte(wrong)); i >= 0 {
			t.Errorf("%s: %s", a.Name, log[i:min(len(log), i+4000)])
		}
	}
}

func parts[P devstack.Part](of []P) (all []devstack.Part) {
	for _, p := range of {
		all = append(all, p)
	}
	return all
}

// sizes are how many parts each tier has.
func (s *stage) sizes() map[tier]int {
	n := map[tier]int{}
	for t, all := range s.parts {
		n[t] = len(all)
	}
	return n
}
