// Package cluster_test measures registrations on a real cluster of databases,
// each figure next to its baseline in the same run: transactions of the same
// rows written by hand, the same calls without the hop between web servers and
// application servers, one application server instead of three. Everything is
// on one machine, the load and all database nodes: the ratios say more than the
// figures.
package cluster_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"registrar/internal/config"
	"registrar/internal/devstack"
	"registrar/internal/store"
	"registrar/test/harness"
)

const nodes = 3

// galera is a cluster of databases that the benchmarks of a run share.
type galera struct {
	*devstack.Galera
	databases int
}

func startGalera(b *testing.B) *galera {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	hosts := make([]*devstack.Host, nodes)
	for i := range hosts {
		hosts[i] = devstack.Loopback()
	}
	g, err := devstack.StartGalera(ctx, b.TempDir(), hosts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(g.Kill)
	return &galera{Galera: g}
}

// database makes a new database with the service's schema, and gives the way
// to it with as many connections as an application server has.
func (g *galera) database(b *testing.B) store.Options {
	b.Helper()
	g.databases++
	first := g.Nodes[0]
	o := store.Options{User: first.User, Password: first.Password, Database: fmt.Sprintf("bench%d", g.databases), MaxConnections: config.Default().Database.PoolSize}
	for _, n := range g.Nodes {
		o.Addresses = append(o.Addresses, n.Address)
	}
	if err := g.CreateDatabase(b.Context(), o.Database); err != nil {
		b.Fatal(err)
	}
	m, err := store.OpenMigrator(o)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if _, err := m.Up(b.Context()); err != nil {
		b.Fatal(err)
	}
	return o
}

// drop frees the disk of a database.
func (g *galera) drop(b *testing.B, o store.Options) {
	b.Helper()
	if _, err := g.Nodes[0].Query(b.Context(), "DROP DATABASE "+o.Database); err != nil {
		b.Fatal(err)
	}
}

// open opens a database as an application server does.
func open(b *testing.B, o store.Options) *store.DB {
	b.Helper()
	db, err := store.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Log(err) // connections that were given up before
		}
	})
	return db
}

// sameWriter fails where the processes have gone from one node to another in the
// middle of a measurement: on a machine that is too busy for the probes, what was
// measured is that.
func (g *galera) sameWriter(b *testing.B, o store.Options) {
	b.Helper()
	fence, err := g.Nodes[0].Query(b.Context(), "SELECT fence FROM "+o.Database+".leases WHERE name = 'writer'")
	if err != nil || fence != "1" {
		b.Errorf("the writer was named %s times, %v: the machine is too busy", fence, err)
	}
}

// cpu is the processor time of all nodes so far; of no cluster, nothing.
func (g *galera) cpu(b *testing.B) (sum time.Duration) {
	b.Helper()
	if g == nil {
		return 0
	}
	for _, n := range g.Nodes {
		sum += harness.CPU(b, n.About().PID)
	}
	return sum
}

// counts are the writer's counters of what it was asked for.
func (g *galera) counts(b *testing.B) (sum counts) {
	b.Helper()
	for i, name := range counters {
		text, err := g.Nodes[0].Status(b.Context(), name)
		if err == nil {
			sum[i], err = strconv.ParseFloat(text, 64)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return sum
}

// counters are status variables of MariaDB.
var counters = []string{"Com_begin", "Com_insert", "Com_select", "Com_commit", "wsrep_replicated_bytes"}

type counts [5]float64

func (c counts) per(before counts, n int) string {
	text := ""
	for i, name := range counters {
		text += fmt.Sprintf("  %s %.2f", name, (c[i]-before[i])/float64(n))
	}
	return text
}

// figures of one load.
type figures struct {
	perSecond float64
	took      []time.Duration // of each call, in order
	own       time.Duration   // processor time a call, of this process
	databases time.Duration   // and of the nodes
}

// load makes n calls by some clients, each as soon as its call before is
// answered. The calls are numbered from 1.
func (g *galera) load(b *testing.B, clients, n int, call func(ctx context.Context, i int) error) figures {
	b.Helper()
	all := make([]time.Duration, n)
	var next atomic.Int64
	var running sync.WaitGroup
	own, databases, began := selfCPU(b), g.cpu(b), time.Now()
	for range clients {
		running.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
				before := time.Now()
				err := call(ctx, i)
				all[i-1] = time.Since(before)
				cancel()
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	f := figures{perSecond: float64(n) / time.Since(began).Seconds(), took: all}
	f.own, f.databases = (selfCPU(b)-own)/time.Duration(n), (g.cpu(b)-databases)/time.Duration(n)
	if b.Failed() {
		b.FailNow()
	}
	slices.Sort(f.took)
	return f
}

// percentile in milliseconds.
func (f figures) percentile(p float64) float64 {
	return milliseconds(f.took[min(len(f.took)-1, int(p*float64(len(f.took))))])
}

// medians is the median of each figure over rounds, and all calls together.
func medians(rounds []figures) (m figures) {
	var perSecond, own, databases []float64
	for _, f := range rounds {
		perSecond, own, databases = append(perSecond, f.perSecond), append(own, float64(f.own)), append(databases, float64(f.databases))
		m.took = append(m.took, f.took...)
	}
	slices.Sort(m.took)
	m.perSecond, m.own, m.databases = median(perSecond), time.Duration(median(own)), time.Duration(median(databases))
	return m
}

func (f figures) String() string {
	return fmt.Sprintf("%7.0f/s  p50 %6.2f  p99 %6.2f ms  CPU a call: here %5.0f µs, databases %5.0f µs",
		f.perSecond, f.percentile(0.5), f.percentile(0.99), float64(f.own.Microseconds()), float64(f.databases.Microseconds()))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func selfCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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
