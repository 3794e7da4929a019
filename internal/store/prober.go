package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/patience"
)

const (
	// probeEvery is the pause between two probes of a node.
	probeEvery = 100 * time.Millisecond
	// leastProbe is for one probe, connecting included, where machines are not
	// busy; mostProbe where they are.
	leastProbe = 300 * time.Millisecond
	mostProbe  = 2 * time.Second
	// probeFailures in a row take a node out.
	probeFailures = 2
	// claimTimeout is for writing the writer's row: it has to wait until the
	// cluster has found out that a node is gone.
	claimTimeout = 5 * time.Second
	// statusEvery is how many probes there are for each that asks the node for
	// its whole state; the others read a table, which a node without quorum
	// refuses too, and which costs a tenth.
	statusEvery = 5
)

// prober asks every node again and again whether it takes writes, and ends the
// connections to one that does not while there is another.
type prober struct {
	nodes *nodes
	route *route
	wait  *patience.Patience
	end   context.CancelFunc
	work  sync.WaitGroup
}

// startProber asks until stop.
func startProber(r *route) *prober {
	ctx, end := context.WithCancel(context.Background())
	p := &prober{nodes: r.nodes, route: r, wait: &patience.Patience{Least: leastProbe, Most: mostProbe}, end: end}
	for i := range r.nodes.all {
		p.work.Go(func() { p.follow(ctx, i) })
	}
	return p
}

// stop ends the probes and waits for the last of them.
func (p *prober) stop() {
	p.end()
	p.work.Wait()
}

// follow probes one node.
func (p *prober) follow(ctx context.Context, i int) {
	probe := &probe{connector: p.route.connectors[i]}
	defer probe.close()
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	failures := 0
	late := time.Duration(0) // how long the probe before this one was waited for in vain
	for {
		began := time.Now()
		limit := p.wait.Limit(began)
		name, row, err := probe.ask(ctx, limit)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			p.wait.Heard(max(time.Since(began), late), time.Now())
			failures, late = 0, 0
		} else {
			if errors.Is(err, context.DeadlineExceeded) {
				late = limit
			}
			if failures++; failures < probeFailures {
				continue // at once: the first may have met an old connection
			}
		}
		claim, by, due := p.nodes.found(i, name, row, err)
		if due {
			p.work.Go(func() { p.claim(ctx, by, claim) })
		}
		if err != nil && p.nodes.elsewhere(i) {
			p.nodes.all[i].sever()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// claim names a node in the writer's row, unless somebody has named another
// since. What becomes of it the next probes tell.
func (p *prober) claim(ctx context.Context, by int, claim writerRow) {
	defer p.nodes.written()
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	conn, err := p.route.connectors[by].connect(ctx, func(*node) bool { return true })
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	text := `UPDATE leases SET owner = ?, fence = fence + 1 WHERE name = 'writer' AND fence = ?`
	if claim.Fence == 0 {
		text = `INSERT IGNORE INTO leases (name, owner, fence, expires_at, writes) SELECT 'writer', ?, ? + 1, 0, 0`
	}
	_, _ = conn.(driver.ExecerContext).ExecContext(ctx, text, []driver.NamedValue{{Ordinal: 1, Value: claim.Owner}, {Ordinal: 2, Value: claim.Fence}})
}

// probe asks one node over a connection of its own.
type probe struct {
	connector nodeConnector
	conn      driver.Conn
	name      string
	asked     int
}

func (p *probe) close() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// ask gives what the node calls itself and whom it knows for the writer.
func (p *probe) ask(ctx context.Context, limit time.Duration) (name string, row writerRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.conn == nil {
		if p.conn, err = p.connector.connect(ctx, func(*node) bool { return true }); err != nil {
			return "", row, err
		}
		p.asked = 0
		if p.name, err = p.called(ctx); err != nil {
			return "", row, err
		}
	} else if p.asked++; p.asked%statusEvery == 0 {
		if err := nodeReady(ctx, p.conn); err != nil {
			return "", row, err
		}
	}
	row, err = p.writer(ctx)
	return p.name, row, err
}

// called is what the node calls itself: its name in the cluster, with its host
// and port, since that one may be the same for all.
func (p *probe) called(ctx context.Context) (string, error) {
	settings, err := nodeValues(ctx, p.conn, `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('wsrep_node_name', 'hostname', 'port')`)
	return settings["wsrep_node_name"] + "/" + settings["hostname"] + "/" + settings["port"], err
}

// noSuchTable is error ER_NO_SUCH_TABLE.
const noSuchTable = 1146

// writer reads the writer's row; without a schema there is none.
func (p *probe) writer(ctx context.Context) (row writerRow, err error) {
	rows, err := nodeValues(ctx, p.conn, `SELECT owner, fence FROM leases WHERE name = 'writer'`)
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok && e.Number == noSuchTable {
		return row, nil
	}
	for owner, fence := range rows {
		row.Owner = owner
		if row.Fence, err = strconv.ParseInt(fence, 10, 64); err != nil {
			return writerRow{}, err
		}
	}
	return row, err
}
