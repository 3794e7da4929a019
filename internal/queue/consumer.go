package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/lane"
)

const (
	heartbeat        = 3 * time.Second
	sessionTimeout   = 10 * time.Second
	rebalanceTimeout = 10 * time.Second
	joinBackoff      = 500 * time.Millisecond
	groupTimeout     = 3 * time.Second        // of one call to the coordinator
	leaveTimeout     = 3 * time.Second        // of leaving the group at the end
	commitDelay      = 500 * time.Millisecond // after a crash this much is handled again
)

// Handler takes some messages of one partition, in order; never none and never
// more than 100. What it returns nil for is committed; after an error the same
// messages come again. ctx ends when the partition has gone to another member,
// or the consumer stops.
type Handler func(ctx context.Context, messages []lane.Message) error

// Consumer reads lanes.
type Consumer struct{ client *Client }

// Consumer of this client; it reads any number of lanes.
func (c *Client) Consumer() *Consumer { return &Consumer{client: c} }

// Run is a member of a lane's consumer group until ctx ends, and then waits for
// the handler, commits what was handled and leaves the group. Partitions are
// handled beside each other, each in order. Brokers that are not there are
// waited for. The group decides who should read a partition: while it
// rebalances, and while its coordinator is away, members read on, and commit
// when they have a live generation again.
//
// The error is nil after ctx has ended; ErrNoLane for an unknown lane.
func (c *Consumer) Run(ctx context.Context, l lane.Lane, handle Handler) error {
	partitions, err := RangeOf(l)
	if err != nil {
		return err
	}
	links := &links{dial: c.client.dial}
	dialer := *c.client.dialer
	dialer.DialFunc = links.connect
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.client.settings.GroupID(l), Brokers: c.client.settings.Brokers, Dialer: &dialer, Topics: []string{c.client.topic},
		GroupBalancers:    []kafka.GroupBalancer{laneAssigner{c.client.topic, partitions}},
		HeartbeatInterval: heartbeat, SessionTimeout: sessionTimeout, RebalanceTimeout: rebalanceTimeout,
		JoinGroupBackoff: joinBackoff + rand.N(joinBackoff), //nolint:gosec // spreads load, guards nothing
		Timeout:          groupTimeout, StartOffset: kafka.FirstOffset,
	})
	if err != nil {
		return fmt.Errorf("queue: consume %s: %w", l, err)
	}
	m := &member{
		client: c.client, lane: l, handle: handle,
		joining:    c.trouble("consumer is not in its group", l),
		reading:    c.trouble("partitions cannot be read", l),
		handling:   c.trouble("messages cannot be handled", l),
		committing: c.trouble("offsets cannot be committed", l),
		readers:    map[int]*reader{}, dirty: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	m.follow(ctx, group)
	m.stop()
	closeGroup(group, links)
	return nil
}

// trouble of a lane; what passes within 3 s is not worth a line.
func (c *Consumer) trouble(what string, l lane.Lane) *trouble {
	return &trouble{log: c.client.log, what: what, args: []any{"lane", string(l)}, grace: 3 * time.Second}
}

// closeGroup leaves the group. A coordinator that does not answer is left to
// find out by the session's end.
func closeGroup(group *kafka.ConsumerGroup, links *links) {
	closed := make(chan struct{})
	go func() {
		_ = group.Close()
		close(closed)
	}()
	timer := time.NewTimer(leaveTimeout)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		links.cut()
		<-closed
	}
}

// member is one process's part in a lane's group.
type member struct {
	client *Client
	lane   lane.Lane
	handle Handler

	joining, reading, handling, committing *trouble

	mu      sync.Mutex
	readers map[int]*reader // by partition: those of the last generation
	ending  []*reader       // no longer ours, still in the handler

	dirty   chan struct{} // of one: something is to be committed
	stopped chan struct{} // closed when the last reader has ended
	commits sync.WaitGroup
}

// follow takes part in one generation after the other until ctx ends.
func (m *member) follow(ctx context.Context, group *kafka.ConsumerGroup) {
	for {
		generation, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			// The group itself waits JoinGroupBackoff before it tries again.
			m.joining.failed(0, err)
			continue
		}
		m.joining.ok(0)
		m.adopt(ctx, generation.Assignments[m.client.topic])
		m.commits.Add(1)
		generation.Start(func(live context.Context) {
			m.commitDuring(live, generation)
			m.commits.Done()
			// The generation lives on until the group is left: ending it here would
			// make this member join once more.
			<-live.Done()
		})
	}
}

// adopt starts readers of partitions that became ours and ends those of
// partitions that did not stay ours.
func (m *member) adopt(ctx context.Context, assignments []kafka.PartitionAssignment) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.readers
	m.readers = map[int]*reader{}
	for _, a := range assignments {
		old := before[a.ID]
		if old != nil && a.Offset <= old.handled() {
			m.readers[a.ID] = old // nobody was further: read on
			delete(before, a.ID)
			continue
		}
		m.readers[a.ID] = m.start(ctx, a.ID, a.Offset)
	}
	for _, r := range before {
		r.cancel()
		m.ending = append(m.ending, r)
	}
	m.changed()
}

// start a reader, which waits for an earlier one of the same partition.
func (m *member) start(ctx context.Context, partition int, offset int64) *reader {
	var after []*reader
	ending := m.ending[:0]
	for _, r := range m.ending {
		select {
		case <-r.done:
			continue
		default:
		}
		ending = append(ending, r)
		if r.partition == partition {
			after = append(after, r)
		}
	}
	m.ending = ending
	r := &reader{member: m, partition: partition, done: make(chan struct{})}
	r.watermark.Store(offset)
	r.committed.Store(offset)
	var own context.Context
	own, r.cancel = context.WithCancel(ctx)
	go func() {
		defer close(r.done)
		defer r.cancel()
		for _, earlier := range after {
			<-earlier.done
		}
		r.read(own, offset)
	}()
	return r
}

// stop waits for all readers, and for the last commit.
func (m *member) stop() {
	m.mu.Lock()
	all := append([]*reader(nil), m.ending...)
	for _, r := range m.readers {
		all = append(all, r)
	}
	m.mu.Unlock()
	for _, r := range all {
		r.cancel()
	}
	for _, r := range all {
		<-r.done
	}
	close(m.stopped)
	m.commits.Wait()
}

func (m *member) changed() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// commitDuring commits watermarks while the generation lives: a little after
// they move, so that many messages make one commit.
func (m *member) commitDuring(live context.Context, generation *kafka.Generation) {
	commit := func() {
		if err := m.commit(generation); err == nil {
			m.committing.ok(0)
		} else {
			m.committing.failed(0, err)
		}
	}
	for {
		select {
		case <-live.Done():
			commit() // a rebalance has begun: the coordinator still takes it
			return
		case <-m.stopped:
			commit()
			return
		case <-m.dirty:
		}
		timer := time.NewTimer(commitDelay)
		select {
		case <-live.Done():
		case <-m.stopped:
		case <-timer.C:
			commit()
		}
		timer.Stop()
	}
}

func (m *member) commit(generation *kafka.Generation) error {
	m.mu.Lock()
	offsets := map[int]int64{}
	ours := map[int]*reader{}
	for _, a := range generation.Assignments[m.client.topic] {
		r := m.readers[a.ID]
		if r == nil {
			continue
		}
		if w := r.handled(); w >= 0 && w != r.committed.Load() {
			offsets[a.ID], ours[a.ID] = w, r
		}
	}
	m.mu.Unlock()
	if len(offsets) == 0 {
		return nil
	}
	if err := generation.CommitOffsets(map[string]map[int]int64{m.client.topic: offsets}); err != nil {
		return err
	}
	for partition, r := range ours {
		r.committed.Store(offsets[partition])
	}
	return nil
}
