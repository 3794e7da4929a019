package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"registrar/internal/devstack"
)

const (
	// firstPause is how long a part stays dead before it is started again; it
	// doubles while the part dies again at once, up to longestPause.
	firstPause   = time.Second
	longestPause = 30 * time.Second
	// steady is how long a part must run for its next death to count as the first.
	steady = time.Minute
	// restartTimeout is for one start: a database node may have to take over all
	// data of another.
	restartTimeout = 2 * time.Minute
)

// Supervise starts every part again that ends, until ctx does, and waits for
// the starts that are under way. When all database nodes are dead, the one that
// knows most begins.
func (c *Cluster) Supervise(ctx context.Context, log *slog.Logger) {
	var all sync.WaitGroup
	s := &supervisor{cluster: c, log: log}
	for _, p := range c.Parts() {
		all.Go(func() { s.keep(ctx, p) })
	}
	for _, n := range c.Galera.Nodes {
		all.Go(func() { s.wake(ctx, n) })
	}
	all.Wait()
}

type supervisor struct {
	cluster *Cluster
	log     *slog.Logger
	base    sync.Mutex // one start of a database node at a time
}

// keep keeps one part running.
func (s *supervisor) keep(ctx context.Context, p devstack.Part) {
	pause, began := firstPause, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Exited():
		}
		about := p.About()
		s.log.Warn("a part has ended", "name", about.Name, "pid", about.PID, "log", about.Log)
		if time.Since(began) > steady {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
		began = time.Now()
		if err := s.restart(ctx, p); err != nil {
			if ctx.Err() == nil {
				s.log.Error("a part cannot be started again", "name", about.Name, "error", err)
			}
			continue
		}
		s.log.Info("a part runs again", "name", about.Name, "pid", p.About().PID, "took", time.Since(began).Round(time.Millisecond).String())
	}
}

// lookEvery is the pause between two looks at a node.
const lookEvery = time.Second

// wake ends a database node that has given up on its cluster, so that it is
// started again.
func (s *supervisor) wake(ctx context.Context, n *devstack.MariaDB) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !n.GaveUp(ctx) {
			continue
		}
		s.base.Lock() // no start is under way
		if n.GaveUp(ctx) {
			s.log.Warn("a node has given up on its cluster", "name", n.About().Name)
			n.Kill()
		}
		s.base.Unlock()
	}
}

func (s *supervisor) restart(ctx context.Context, p devstack.Part) error {
	ctx, cancel := context.WithTimeout(ctx, restartTimeout)
	defer cancel()
	if p.About().Kind != devstack.KindDatabase {
		return p.Restart(ctx)
	}
	s.base.Lock()
	defer s.base.Unlock()
	select {
	case <-p.Exited():
	default:
		return nil // the start of all has started it
	}
	for _, n := range s.cluster.Galera.Nodes {
		select {
		case <-n.Exited():
		default:
			return p.Restart(ctx)
		}
	}
	return s.cluster.Galera.Bootstrap(ctx)
}
