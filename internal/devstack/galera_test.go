package devstack_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// await asks until a condition holds.
func await(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: it did not come to it", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// rows says that every node has so many rows, when it has caught up.
func rows(ctx context.Context, t *testing.T, g *devstack.Galera, want int) {
	t.Helper()
	for _, m := range g.Nodes {
		got, err := m.Query(ctx, "SET SESSION wsrep_sync_wait=1; SELECT COUNT(*) FROM d.t")
		if err != nil || got != fmt.Sprint(want) {
			t.Errorf("%s has %s rows, %v; want %d", m.About().Name, got, err, want)
		}
	}
}

// told is what a node has written to its log since from.
func told(t *testing.T, m *devstack.MariaDB, from int) string {
	t.Helper()
	log, err := os.ReadFile(m.About().Log)
	if err != nil {
		t.Fatal(err)
	}
	return string(log[from:])
}

// What mariabackup's script says when it brings what a node has missed, and when
// it brings everything.
const (
	missed = "received from donor: Running IST"
	whole  = "Proceeding with SST"
)

// TestGalera goes through what may happen to a cluster of three.
func TestGalera(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	network, err := devstack.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := network.Close(); err != nil {
			t.Error(err)
		}
	})
	var hosts []*devstack.Host
	for range 3 {
		h, err := network.Host()
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
	}
	began := time.Now()
	g, err := devstack.StartGalera(ctx, t.TempDir(), hosts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Kill)
	t.Logf("three nodes in %s", time.Since(began))
	var _ devstack.Part = g.Nodes[0]

	if err := g.CreateDatabase(ctx, "d"); err != nil {
		t.Fatal(err)
	}
	written := 0
	write := func(m *devstack.MariaDB) {
		t.Helper()
		written++
		if _, err := m.Query(ctx, fmt.Sprintf("INSERT INTO d.t VALUES (%d)", written)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Nodes[1].Query(ctx, "CREATE TABLE d.t (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	for _, m := range g.Nodes {
		if size, err := m.Status(ctx, "wsrep_cluster_size"); size != "3" || err != nil {
			t.Errorf("%s sees %s nodes, %v", m.About().Name, size, err)
		}
		write(m)
	}
	rows(ctx, t, g, written)

	t.Run("killed and started again", func(t *testing.T) {
		killed := g.Nodes[0]
		killed.Kill()
		<-killed.Exited()
		write(g.Nodes[1])
		before := len(told(t, killed, 0))
		if err := killed.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		rows(ctx, t, g, written)
		if log := told(t, killed, before); !strings.Contains(log, missed) || strings.Contains(log, whole) {
			t.Errorf("it was not sent what it had missed:\n%s", log)
		}
		if err := killed.Restart(ctx); err == nil {
			t.Error("was started twice")
		}
	})
	t.Run("its disk is lost", func(t *testing.T) {
		lost := g.Nodes[1]
		if err := lost.Wipe(); err == nil {
			t.Error("lost its disk while it runs")
		}
		lost.Stop()
		if err := lost.Wipe(); err != nil {
			t.Fatal(err)
		}
		write(g.Nodes[2])
		before := len(told(t, lost, 0))
		if err := lost.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		rows(ctx, t, g, written)
		if log := told(t, lost, before); !strings.Contains(log, whole) {
			t.Errorf("it was not sent everything:\n%s", log)
		}
	})
	t.Run("cut off", func(t *testing.T) {
		m := g.Nodes[2]
		if err := m.Partition(); err != nil {
			t.Fatal(err)
		}
		await(ctx, t, "refuses", func() bool {
			_, err := m.Query(ctx, "SELECT COUNT(*) FROM d.t")
			return err != nil && strings.Contains(err.Error(), "ERROR 1047")
		})
		write(g.Nodes[0])
		if err := m.Heal(); err != nil {
			t.Fatal(err)
		}
		if err := g.AwaitWhole(ctx); err != nil {
			t.Fatal(err)
		}
		write(m)
		rows(ctx, t, g, written)
	})
	t.Run("paused until it is given up", func(t *testing.T) {
		m := g.Nodes[0]
		if err := m.Pause(); err != nil {
			t.Fatal(err)
		}
		await(ctx, t, "is given up", func() bool {
			size, err := g.Nodes[1].Status(ctx, "wsrep_cluster_size")
			return err == nil && size == "2"
		})
		if err := m.Resume(); err != nil {
			t.Fatal(err)
		}
		if err := g.AwaitWhole(ctx); err != nil {
			t.Fatal(err)
		}
		write(m) // it knows what was decided without it
		rows(ctx, t, g, written)
	})
	t.Run("outvoted, and started again", func(t *testing.T) {
		m := g.Nodes[2]
		if _, err := g.Nodes[0].Query(ctx, "CREATE TABLE d.u (id INT PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		if m.GaveUp(ctx) {
			t.Error("has given up, while it works")
		}
		if _, err := m.Query(ctx, "SET SESSION wsrep_sync_wait = 1; SELECT COUNT(*) FROM d.u; SET SESSION wsrep_on = OFF; DROP TABLE d.u"); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Nodes[0].Query(ctx, "INSERT INTO d.u VALUES (1)"); err != nil {
			t.Fatal(err)
		}
		await(ctx, t, "gives up", func() bool { return m.GaveUp(ctx) })
		m.Kill()
		if err := m.Restart(ctx); err != nil {
			t.Fatal(err)
		}
		if err := g.AwaitWhole(ctx); err != nil {
			t.Fatal(err)
		}
		if n, err := m.Query(ctx, "SELECT COUNT(*) FROM d.u"); err != nil || n != "1" {
			t.Errorf("it has %q rows, %v", n, err)
		}
		write(m)
		rows(ctx, t, g, written)
	})
	t.Run("alone, and made the cluster", func(t *testing.T) {
		g.Nodes[0].Kill()
		g.Nodes[1].Kill()
		last := g.Nodes[2]
		await(ctx, t, "has no quorum", func() bool {
			status, err := last.Status(ctx, "wsrep_cluster_status")
			return err == nil && status != "Primary"
		})
		if err := g.Promote(ctx, last); err != nil {
			t.Fatal(err)
		}
		write(last)
		for _, m := range g.Nodes[:2] {
			if err := m.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		}
		rows(ctx, t, g, written)
	})
	t.Run("all killed", func(t *testing.T) {
		g.Nodes[0].Kill()
		write(g.Nodes[1]) // so that one of them is behind
		g.Kill()
		short, cancelShort := context.WithTimeout(ctx, 3*time.Second)
		defer cancelShort()
		if err := g.Nodes[0].Restart(short); err == nil {
			t.Error("one of three has made a cluster of its own")
		}
		if err := g.Bootstrap(ctx); err != nil {
			t.Fatal(err)
		}
		rows(ctx, t, g, written)
		for _, m := range g.Nodes {
			write(m)
		}
		rows(ctx, t, g, written)
	})
}
