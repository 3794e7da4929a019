package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/store"
	"registrar/test/harness"
)

const appServers = 3

// BenchmarkGrowth is registrations over SOAP through one web server to one, two
// and three application servers in turn. With ready-made hashes these are the
// domain and the store alone, in processes of their own; with argon2id they are
// what is shipped, with Kafka behind them, and nobody who sends.
func BenchmarkGrowth(b *testing.B) {
	b.Run("ready-made", func(b *testing.B) {
		g := startGalera(b)
		o := g.database(b)
		var addresses []string
		var pids []int
		for range appServers {
			address, process := startApp(b, o)
			addresses, pids = append(addresses, address), append(pids, process.PID())
		}
		growth(b, g, addresses, pids, 16, 1500)
		g.sameWriter(b, o)
	})
	b.Run("argon2id", func(b *testing.B) {
		g := startGalera(b)
		o := g.database(b)
		_, kafka := harness.Kafka(b)
		file := harness.Config(b, kafka+databaseSection(o))
		var addresses []string
		var pids []int
		for i := range appServers {
			r := startRegistrar(b, devstack.KindApp, fmt.Sprintf("app%d", i+1), file)
			addresses, pids = append(addresses, r.Address()), append(pids, r.PID())
		}
		growth(b, g, addresses, pids, 8, 200) // more would wait in vain where the machine is slow
		g.sameWriter(b, o)
	})
}

// databaseSection is the configuration of whoever shares a database.
func databaseSection(o store.Options) string {
	return fmt.Sprintf("codes:\n  key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\ndatabase:\n  driver: mariadb\n  addresses: [%s]\n  name: %s\n  user: %s\n  password: %s\n",
		strings.Join(o.Addresses, ", "), o.Database, o.User, o.Password)
}

// startRegistrar starts a process of the program as it is shipped.
func startRegistrar(b *testing.B, kind, name, file string) *devstack.Registrar {
	b.Helper()
	r, err := devstack.NewRegistrar(devstack.RegistrarOptions{Binary: harness.PlainBinary(b), Kind: kind, Name: name, Dir: filepath.Join(b.TempDir(), name), Config: file})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	if err := r.Restart(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		r.Kill()
		if said, err := os.ReadFile(r.About().Log); b.Failed() {
			b.Logf("%s: %v\n%s", name, err, said)
		}
	})
	return r
}

// growth loads each number of application servers in turn, through a web server
// that knows so many of them.
func growth(b *testing.B, g *galera, addresses []string, pids []int, clients, n int) {
	var webs []*devstack.Registrar
	for k := range addresses {
		file := harness.Config(b, fmt.Sprintf("tier:\n  servers: [%s]\n", strings.Join(addresses[:k+1], ", ")))
		webs = append(webs, startRegistrar(b, devstack.KindWeb, fmt.Sprintf("web%d", k+1), file))
	}
	for b.Loop() {
		rates, ratios := make([][]float64, len(webs)), make([][]float64, len(webs))
		spent := make([]map[string]time.Duration, len(webs))
		rounds := number(b, "BENCH_ROUNDS", 5)
		for round := range rounds + 1 {
			one := make([]float64, len(webs))
			for turn := range webs {
				k := (round + turn) % len(webs)
				before := g.spent(b, webs[k], pids)
				took := harness.Load(b, "http://"+webs[k].Address()+"/registration", clients, n, harness.People(fmt.Sprintf("round%d-%d-", round, k)))
				one[k] = float64(n) / took.Seconds()
				if round > 0 {
					spent[k] = add(spent[k], before, g.spent(b, webs[k], pids))
				}
			}
			for k := range webs {
				if round > 0 { // the first one fills the pools
					rates[k], ratios[k] = append(rates[k], one[k]), append(ratios[k], one[k]/one[0])
				}
			}
		}
		for k := range webs {
			fmt.Printf("%s, %d application servers: %5.0f/s, %.2f times one; ms of CPU a registration:", b.Name(), k+1, median(rates[k]), median(ratios[k]))
			for _, who := range spenders {
				fmt.Printf("  %s %.2f", who, milliseconds(spent[k][who])/float64(rounds*n))
			}
			fmt.Println()
			b.ReportMetric(median(rates[k]), fmt.Sprintf("reg/s(%d)", k+1))
			b.ReportMetric(median(ratios[k]), fmt.Sprintf("timesone(%d)", k+1))
		}
	}
}

// spenders are who uses the machine's processors.
var spenders = []string{"load", "web", "apps", "databases"}

// spent is what they have used so far.
func (g *galera) spent(b *testing.B, web *devstack.Registrar, apps []int) map[string]time.Duration {
	b.Helper()
	all := map[string]time.Duration{"load": selfCPU(b), "web": harness.CPU(b, web.PID()), "databases": g.cpu(b)}
	for _, pid := range apps {
		all["apps"] += harness.CPU(b, pid)
	}
	return all
}

// add adds what was used between two moments.
func add(sum, before, after map[string]time.Duration) map[string]time.Duration {
	if sum == nil {
		sum = map[string]time.Duration{}
	}
	for who := range after {
		sum[who] += after[who] - before[who]
	}
	return sum
}
