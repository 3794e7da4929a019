package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"registrar/internal/lane"
)

// EnsureTopics creates the topics that are not there, and waits for brokers
// that are not there yet until ctx ends. A topic that is there is left as it
// is; one with fewer partitions than the lanes need is an error at once.
func (c *Client) EnsureTopics(ctx context.Context) error {
	wait := newBackoff(100*time.Millisecond, 5*time.Second)
	warn := trouble{log: c.log, what: "topics cannot be created or checked", grace: 3 * time.Second}
	for {
		attempt, cancel := context.WithTimeout(ctx, 2*requestTimeout)
		err := c.ensureTopics(attempt)
		cancel()
		var wrong *layoutError
		if err == nil || errors.As(err, &wrong) {
			warn.ok(0)
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("queue: ensure topics: %w", err)
		}
		warn.failed(0, err)
		sleep(ctx, wait.NextBackOff())
	}
}

// layoutError is a topic that the lanes do not fit into.
type layoutError struct {
	topic string
	have  int
}

func (e *layoutError) Error() string {
	return fmt.Sprintf("queue: topic %s has %d partitions, the lanes need %d: add partitions (kafka-topics.sh --alter)", e.topic, e.have, Partitions)
}

func (c *Client) ensureTopics(ctx context.Context) error {
	select {
	case c.ensured <- struct{}{}:
		defer func() { <-c.ensured }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c.tried = time.Now()
	meta, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.topic}})
	if err != nil {
		return err
	}
	replicas, inSync := c.replication(len(meta.Brokers))
	retention := func(d time.Duration) kafka.ConfigEntry {
		return kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(d.Milliseconds(), 10)}
	}
	settings := []kafka.ConfigEntry{{ConfigName: "min.insync.replicas", ConfigValue: strconv.Itoa(inSync)}}
	if c.settings.SegmentBytes > 0 {
		settings = append(settings, kafka.ConfigEntry{ConfigName: "segment.bytes", ConfigValue: strconv.Itoa(c.settings.SegmentBytes)})
	}
	topics := []kafka.TopicConfig{
		{
			Topic: c.topic, NumPartitions: Partitions, ReplicationFactor: replicas,
			ConfigEntries: append(settings[:len(settings):len(settings)], retention(c.settings.Retention)),
		},
		{
			Topic: c.dead, NumPartitions: 1, ReplicationFactor: replicas,
			ConfigEntries: append(settings[:len(settings):len(settings)], retention(4*c.settings.Retention)),
		},
	}
	if c.settings.Events {
		topics = append(topics, kafka.TopicConfig{
			Topic: c.settings.EventTopic(), NumPartitions: EventPartitions, ReplicationFactor: replicas,
			ConfigEntries: append(settings[:len(settings):len(settings)], retention(c.settings.Retention)),
		})
	}
	made, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: topics})
	if err != nil {
		c.begun = c.begun || missing(meta.Topics[0].Error)
		return err
	}
	c.made(made.Errors[c.topic], missing(meta.Topics[0].Error))
	for topic, err := range made.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create %s: %w", topic, err)
		}
	}
	return c.checkLayout(ctx)
}

// made tells of the lanes' topic when it was created here: whatever it had
// before is gone. An attempt whose end was not seen may have created it too.
func (c *Client) made(answer error, wasMissing bool) {
	there := errors.Is(answer, kafka.TopicAlreadyExists)
	switch {
	case answer == nil, there && c.begun:
		c.begun = false
		if c.observe.Lost != nil {
			c.observe.Lost(lane.All())
		}
	case !there:
		c.begun = c.begun || wasMissing
	}
}

// replication is how many replicas a new topic gets, and how many of them must
// have a message. Where nothing is said, all brokers that are named or known
// count: a broker that is away now does not make a topic with fewer.
func (c *Client) replication(known int) (replicas, inSync int) {
	replicas, inSync = c.settings.Replication, c.settings.MinInSync
	if replicas == 0 {
		replicas = min(3, max(known, len(c.settings.Brokers)))
	}
	if inSync == 0 {
		inSync = 1
		if replicas >= 3 {
			inSync = 2
		}
	}
	return replicas, inSync
}

func (c *Client) checkLayout(ctx context.Context) error {
	meta, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.topic}})
	if err != nil {
		return err
	}
	if err := meta.Topics[0].Error; err != nil {
		return fmt.Errorf("topic %s: %w", c.topic, err)
	}
	if have := len(meta.Topics[0].Partitions); have < Partitions {
		return &layoutError{c.topic, have}
	}
	return nil
}

// missing says whether err is of a topic that a broker does not know.
func missing(err error) bool {
	return errors.Is(err, kafka.UnknownTopicOrPartition) || errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition)
}

// ensureAgain creates the topics when a broker said that it does not know them,
// as one does that lost its disk; at most every 5 s.
func (c *Client) ensureAgain(ctx context.Context) {
	select {
	case c.ensured <- struct{}{}:
	default:
		return
	}
	recent := time.Since(c.tried) < 5*time.Second
	<-c.ensured
	if recent {
		return
	}
	if err := c.ensureTopics(ctx); err != nil {
		c.log.WarnContext(ctx, "queue: topics are missing and cannot be created", "error", err)
	}
}

// pingTimeout is for one broker.
const pingTimeout = time.Second

// Ping says whether a broker answers, on a connection of its own: what is known
// of the cluster says nothing of now.
func (c *Client) Ping(ctx context.Context) error {
	var failed []error
	for _, broker := range c.settings.Brokers {
		err := c.ping(ctx, broker)
		if err == nil {
			return nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return fmt.Errorf("queue: no broker answers: %w", errors.Join(failed...))
}

func (c *Client) ping(ctx context.Context, broker string) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	conn, err := c.dialer.DialContext(ctx, "tcp", broker)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing was written that has to arrive
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	_, err = conn.ApiVersions()
	return err
}
