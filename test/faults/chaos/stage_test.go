package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/devstack"
)

// stage is the system's parts, to which things happen.
type stage struct {
	parts  map[tier][]devstack.Part
	galera *devstack.Galera
	kafka  *devstack.Kafka
	small  *devstack.Disk // the last database node's
	caller *caller
	client *kafka.Client

	mu    sync.Mutex
	notes []string // what happened in an event beside it
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// recovery is for a part to work again once it has been started, on a machine
// that has other things to do.
const recovery = 4 * time.Minute

// told are the notes since the last event began.
func (s *stage) told() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notes
}

// befall lets an event happen: each of its faults begins now, lasts and ends.
func (s *stage) befall(ctx context.Context, e event) error {
	s.mu.Lock()
	s.notes = nil
	s.mu.Unlock()
	failed := make([]error, len(e))
	var all sync.WaitGroup
	for i, f := range e {
		all.Go(func() {
			if err := s.strike(ctx, f); err != nil {
				failed[i] = fmt.Errorf("%v: %w", f, err)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

func (s *stage) strike(ctx context.Context, f fault) error {
	starting, cancel := context.WithTimeout(ctx, f.hold+recovery)
	defer cancel()
	switch f.kind {
	case allDatabases:
		s.galera.Kill()
		time.Sleep(f.hold)
		return s.galera.Bootstrap(starting)
	case allBrokers:
		failed := make([]error, len(s.kafka.Nodes))
		var all sync.WaitGroup
		for i, n := range s.kafka.Nodes {
			all.Go(func() {
				n.Kill()
				time.Sleep(f.hold)
				failed[i] = again(starting, n.Restart)
			})
		}
		all.Wait()
		return errors.Join(failed...)
	}
	p := s.parts[f.tier][f.part]
	switch f.kind {
	case kill:
		p.Kill()
		time.Sleep(f.hold)
		return again(starting, p.Restart)
	case stop, restart:
		p.Stop()
		time.Sleep(f.hold)
		return again(starting, p.Restart)
	case pause:
		return during(f.hold, p.Pause, p.Resume)
	case partition:
		return during(f.hold, p.Partition, p.Heal)
	case diskFull:
		return s.fill(ctx, f)
	default:
		clock, ok := p.(interface{ SetClock(time.Duration) error })
		if !ok {
			return errors.New("it has no clock that could be set")
		}
		return during(f.hold, func() error { return clock.SetClock(f.jump) }, func() error { return clock.SetClock(0) })
	}
}

// again starts something until it runs, as a supervisor does: a machine that is
// busy may have let it miss its time.
func again(ctx context.Context, start func(context.Context) error) error {
	for {
		err := start(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(firstPause)
	}
}

func during(hold time.Duration, begin, end func() error) error {
	if err := begin(); err != nil {
		return err
	}
	time.Sleep(hold)
	return end()
}

// ballastRows make every node take more of its disk, by as many megabytes.
const ballastRows = 8

// fill fills a node's disk, has the cluster write what does not go onto it, and
// gives the room back.
func (s *stage) fill(ctx context.Context, f fault) error {
	other := s.galera.Nodes[(f.part+1)%len(s.galera.Nodes)]
	return during(f.hold, func() error {
		if err := s.small.Fill(); err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, f.hold)
		defer cancel()
		sql := "CREATE TABLE IF NOT EXISTS chaos.ballast (id BIGINT AUTO_INCREMENT PRIMARY KEY, what MEDIUMBLOB NOT NULL) ENGINE=InnoDB; "
		for range ballastRows {
			sql += "INSERT INTO chaos.ballast (what) VALUES (REPEAT('x', 1048576)); "
		}
		if _, err := other.Query(limited, "CREATE DATABASE IF NOT EXISTS chaos; "+sql); err != nil {
			// The cluster waits for the node, or leaves it behind at this moment.
			s.note("not all could be written that was to find no room")
		}
		return ctx.Err()
	}, s.small.Empty)
}

// tended gives an error until every part does its work, and helps those that
// will not by themselves, as a supervisor would.
func (s *stage) tended(ctx context.Context) error {
	if err := s.supervise(ctx); err != nil {
		return err
	}
	return s.whole(ctx)
}

// supervise starts what has ended by itself, and database nodes that have given
// up. Of the programs under test that may not happen.
func (s *stage) supervise(ctx context.Context) error {
	for _, n := range s.galera.Nodes {
		if name := n.About().Name; n.GaveUp(ctx) {
			s.note("%s had given up on its cluster, and was started again", name)
			n.Kill()
		}
	}
	for _, t := range tiers {
		for _, p := range s.parts[t] {
			select {
			case <-p.Exited():
			default:
				continue
			}
			a := p.About()
			if t != databases {
				return fmt.Errorf("%s has ended by itself; its log: %s", a.Name, a.Log)
			}
			s.note("%s did not run, and was started again", a.Name)
			starting, cancel := context.WithTimeout(ctx, recovery)
			err := again(starting, p.Restart)
			cancel()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// whole gives an error until every part does its work, and knows all others.
func (s *stage) whole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := s.galera.Whole(ctx); err != nil {
		return err
	}
	if err := s.replicated(ctx); err != nil {
		return err
	}
	for _, t := range []tier{apps, webs, notifiers} {
		for _, p := range s.parts[t] {
			if err := ready(ctx, p.About()); err != nil {
				return err
			}
		}
	}
	return s.caller.answers(ctx)
}

// replicated gives an error until every partition has all its replicas.
func (s *stage) replicated(ctx context.Context) error {
	meta, err := s.client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	for _, topic := range meta.Topics {
		for _, p := range topic.Partitions {
			if len(p.Isr) != len(p.Replicas) || len(p.Replicas) == 0 {
				return fmt.Errorf("partition %d of %s has %d replicas in sync, of %d", p.ID, topic.Name, len(p.Isr), len(p.Replicas))
			}
		}
	}
	return nil
}

// ready asks a process of the program.
func ready(ctx context.Context, a devstack.About) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.Admin+"/readyz", nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: /readyz answers %s", a.Name, resp.Status)
	}
	return nil
}
