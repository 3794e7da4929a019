package devstack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// view is what a node says of its cluster: the server's status variables by name.
type view map[string]string

const (
	viewSize  = "wsrep_cluster_size"
	viewID    = "wsrep_cluster_conf_id" // counts the changes of who belongs to it
	viewReady = "wsrep_ready"           // whether it takes statements
	viewState = "wsrep_local_state_comment"
)

// view asks a node for its view.
func (m *MariaDB) view(ctx context.Context) (view, error) {
	rows, err := m.Query(ctx, "SHOW GLOBAL STATUS WHERE Variable_name IN ('"+strings.Join([]string{viewSize, viewID, viewReady, viewState}, "','")+"')")
	if err != nil {
		return nil, err
	}
	v := view{}
	for lines := bufio.NewScanner(strings.NewReader(rows)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "\t")
		v[name] = value
	}
	return v, nil
}

// Whole gives an error that says what is missing until every node takes writes
// and has the same view of all. That a node says so of itself is not enough: one
// that was paused still believes what was so before.
func (g *Galera) Whole(ctx context.Context) error {
	var id string
	for i, m := range g.Nodes {
		v, err := m.view(ctx)
		if err != nil {
			return err
		}
		if i == 0 {
			id = v[viewID]
		}
		whole := view{viewSize: strconv.Itoa(len(g.Nodes)), viewID: id, viewReady: "ON", viewState: "Synced"}
		for name, want := range whole {
			if v[name] != want {
				return fmt.Errorf("devstack: %s: %s is %q and should be %q", m.name, name, v[name], want)
			}
		}
	}
	return nil
}

// AwaitWhole waits until Whole gives no error.
func (g *Galera) AwaitWhole(ctx context.Context) error {
	for {
		err := g.Whole(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
