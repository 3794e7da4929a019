package store_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/internal/registration"
	"registrar/internal/store"
)

// cluster is the Galera cluster of three nodes that the package's tests share,
// each in a network namespace of its own. A test that hurts it leaves it whole.
var cluster galera

type galera struct {
	once sync.Once
	*devstack.Galera
	network *devstack.Network
	dir     string
	err     error
}

func sharedCluster(t testing.TB) *galera {
	t.Helper()
	cluster.once.Do(func() { cluster.err = cluster.start() })
	if cluster.err != nil {
		t.Fatal(cluster.err)
	}
	return &cluster
}

func (g *galera) start() (err error) {
	if g.dir, err = os.MkdirTemp("", "store"); err != nil {
		return err
	}
	if g.network, err = devstack.NewNetwork(); err != nil {
		return err
	}
	var hosts []*devstack.Host
	for range 3 {
		h, err := g.network.Host()
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	g.Galera, err = devstack.StartGalera(ctx, g.dir, hosts)
	return err
}

func (g *galera) end() (err error) {
	if g.Galera != nil {
		g.Kill()
	}
	if g.network != nil {
		err = g.network.Close()
	}
	if g.dir != "" {
		err = errors.Join(err, os.RemoveAll(g.dir))
	}
	return err
}

// database is the way to a new, migrated database of the cluster.
func (g *galera) database(t testing.TB) store.Options {
	t.Helper()
	o := onNode(t, g.Nodes[0])
	migrate(t, o)
	o.Addresses = nil
	for _, m := range g.Nodes {
		o.Addresses = append(o.Addresses, m.Address)
	}
	return o
}

// at is the way to a database at one node alone.
func (g *galera) at(o store.Options, node int) store.Options {
	o.Addresses = []string{g.Nodes[node].Address}
	return o
}

// mend waits until every node sees all the others, and starts those that are dead.
func (g *galera) mend(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	for _, m := range g.Nodes {
		_ = m.Heal()
		_ = m.Resume()
		select {
		case <-m.Exited():
			if err := m.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		default:
		}
	}
	if err := g.AwaitWhole(ctx); err != nil {
		t.Fatal(err)
	}
}

// await waits for a status of a node.
func (g *galera) await(ctx context.Context, t testing.TB, m *devstack.MariaDB, variable string, want ...string) {
	t.Helper()
	for {
		got, err := m.Status(ctx, variable)
		if slices.Contains(want, got) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s of %s is %q, %v; want %q", variable, m.About().Name, got, err, want)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// named is the node of a name.
func (g *galera) named(t testing.TB, name string) *devstack.MariaDB {
	t.Helper()
	i := slices.IndexFunc(g.Nodes, func(m *devstack.MariaDB) bool { return m.About().Name == name })
	if i < 0 {
		t.Fatalf("there is no node %q", name)
	}
	return g.Nodes[i]
}

// belongings are the rows that belong to an account.
type belongings struct{ accounts, profiles, idempotency, notifications, outbox int }

// census counts them, for all accounts of a database, as one node has them after
// all that was committed before.
func (g *galera) census(t testing.TB, o store.Options, node int) map[registration.ID]belongings {
	t.Helper()
	db := open(t, g.at(o, node))
	defer func() { _ = db.Close() }()
	all := map[registration.ID]belongings{}
	for _, table := range []struct {
		query string
		count func(*belongings) *int
	}{
		{"SELECT id, 1 AS n FROM accounts", func(b *belongings) *int { return &b.accounts }},
		{"SELECT account_id AS id, COUNT(*) AS n FROM profiles GROUP BY account_id", func(b *belongings) *int { return &b.profiles }},
		{"SELECT account_id AS id, COUNT(*) AS n FROM idempotency GROUP BY account_id", func(b *belongings) *int { return &b.idempotency }},
		{"SELECT account_id AS id, COUNT(*) AS n FROM notifications GROUP BY account_id", func(b *belongings) *int { return &b.notifications }},
		{"SELECT n.account_id AS id, COUNT(*) AS n FROM outbox o JOIN notifications n ON n.id = o.notification_id GROUP BY n.account_id", func(b *belongings) *int { return &b.outbox }},
	} {
		var rows []struct {
			ID []byte `db:"id"`
			N  int    `db:"n"`
		}
		if err := db.Raw().SelectContext(t.Context(), &rows, table.query); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			id := registration.ID(r.ID)
			b := all[id]
			*table.count(&b) += r.N
			all[id] = b
		}
	}
	return all
}

// settled waits until all handles work at one node, which the row of the writer
// names, and gives its name.
func settled(t testing.TB, handles []*store.DB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var at []string
	var row string
	for ctx.Err() == nil {
		at = at[:0]
		for _, db := range handles {
			var name string
			if err := db.Raw().GetContext(ctx, &name, "SELECT @@wsrep_node_name"); err != nil {
				name = err.Error()
			}
			at = append(at, name)
		}
		if err := handles[0].Raw().GetContext(ctx, &row, "SELECT owner FROM leases WHERE name = 'writer'"); err != nil {
			row = err.Error()
		}
		if len(slices.Compact(slices.Clone(at))) == 1 && strings.HasPrefix(row, at[0]+"/") {
			return at[0]
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the handles are at %q, and the row names %q", at, row)
	return ""
}

// load registers people by some handles until its end.
type load struct {
	stop    chan struct{}
	work    sync.WaitGroup
	mu      sync.Mutex
	results []result
}

// result is what became of one registration.
type result struct {
	r    registration.Registration
	err  error
	at   time.Time
	took time.Duration
}

const (
	loaders = 8
	// loadPause leaves the machine's processors some time for the cluster.
	loadPause = 4 * time.Millisecond
	// callTime is what a caller waits.
	callTime = 10 * time.Second
)

func startLoad(t testing.TB, handles []*store.DB) *load {
	l := &load{stop: make(chan struct{})}
	for i := range loaders {
		l.work.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				case <-time.After(loadPause):
				}
				l.register(context.WithoutCancel(t.Context()), handles[i%len(handles)])
			}
		})
	}
	return l
}

func (l *load) register(ctx context.Context, db *store.DB) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	r := person()
	began := time.Now()
	_, err := db.Accounts().Create(ctx, r)
	at := time.Now()
	l.mu.Lock()
	l.results = append(l.results, result{r, err, at, at.Sub(began)})
	l.mu.Unlock()
}

// end stops the load and gives what became of it, in the order of the answers.
func (l *load) end() []result {
	close(l.stop)
	l.work.Wait()
	slices.SortFunc(l.results, func(a, b result) int { return a.at.Compare(b.at) })
	return l.results
}

// check says on every node: what was acknowledged is there, whole and once; what
// was not is there whole or not at all.
func (g *galera) check(t testing.TB, o store.Options, results []result) {
	t.Helper()
	acknowledged, failed := 0, 0
	var gap, longest time.Duration
	var last time.Time
	for _, x := range results {
		longest = max(longest, x.took)
		if x.err != nil {
			failed++
			if !errors.Is(x.err, registration.ErrUnavailable) {
				t.Errorf("after %s: %v", x.took, x.err)
			}
			continue
		}
		acknowledged++
		if !last.IsZero() {
			gap = max(gap, x.at.Sub(last))
		}
		last = x.at
	}
	t.Logf("%d acknowledged, %d not; the longest time between two %s, the longest call %s", acknowledged, failed, gap, longest)
	if acknowledged == 0 {
		t.Error("nothing was acknowledged")
	}
	for i := range g.Nodes {
		there := g.census(t, o, i)
		for _, x := range results {
			n := len(x.r.Notifications)
			switch has := there[x.r.Account.ID]; {
			case has == belongings{1, 1, 1, n, n}:
			case x.err == nil:
				t.Errorf("db%d: an acknowledged registration has %+v", i+1, has)
			case has != belongings{}:
				t.Errorf("db%d: half of a registration: %+v", i+1, has)
			}
			delete(there, x.r.Account.ID)
		}
		for id, has := range there {
			t.Errorf("db%d: of nobody's registration %s there is %+v", i+1, id, has)
		}
	}
}
