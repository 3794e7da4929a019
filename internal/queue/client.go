package queue

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"

	"registrar/internal/lane"
)

// Settings say where the brokers are and how to treat them. The zero value of a
// field other than Brokers asks for its default.
type Settings struct {
	Brokers  []string // host:port; some of them, the rest is asked for
	ClientID string   // "registrar"
	Prefix   string   // of topics and consumer groups: "registrar"; another for each installation that shares the brokers

	// Of the topics, when they are created here.
	Replication int           // replicas of a partition; 0 for 3, or as many as there are brokers where there are fewer
	MinInSync   int           // replicas that must have a message before it is acknowledged; 2 of 3, else 1
	Retention   time.Duration // how long messages are kept; 7 days, to be far above the longest outage

	// Events: the topic of events for other systems is used, and made where it is not there.
	Events bool

	SegmentBytes int // size of a log file, which is deleted as a whole; 0 for the broker's default

	// FetchWait is how long a broker may hold a fetch that it has nothing for;
	// 500 ms. It delays no message. A longer one costs less when idle and finds
	// out later that a broker hangs.
	FetchWait time.Duration
	// MetadataAge is how old the known layout of the cluster may be; 1 s. It
	// is also how long a new leader of a partition may stay unknown.
	MetadataAge time.Duration

	TLS      *tls.Config // nil for none
	Username string      // SASL/PLAIN, with TLS only; "" for none
	Password string
}

const (
	defaultPrefix = "registrar"

	dialTimeout    = time.Second
	requestTimeout = 3 * time.Second // of one attempt at one request
	idleTimeout    = 5 * time.Minute // of a connection
)

func (s Settings) prefix() string { return cmp.Or(s.Prefix, defaultPrefix) }

// Topic holds the lanes.
func (s Settings) Topic() string { return s.prefix() + ".notifications" }

// DeadLetterTopic holds what could not be decoded, with its original key.
func (s Settings) DeadLetterTopic() string { return s.prefix() + ".notifications.dead" }

// EventTopic holds the events for other systems.
func (s Settings) EventTopic() string { return s.prefix() + ".events" }

// topics are those that are used.
func (s Settings) topics() []string {
	topics := []string{s.Topic(), s.DeadLetterTopic()}
	if s.Events {
		topics = append(topics, s.EventTopic())
	}
	return topics
}

// GroupID names the consumer group that reads a lane.
func (s Settings) GroupID(l lane.Lane) string { return s.prefix() + "." + string(l) }

func (s Settings) withDefaults() Settings {
	if s.ClientID == "" {
		s.ClientID = "registrar"
	}
	if s.Retention == 0 {
		s.Retention = 7 * 24 * time.Hour
	}
	if s.FetchWait == 0 {
		s.FetchWait = 500 * time.Millisecond
	}
	if s.MetadataAge == 0 {
		s.MetadataAge = time.Second
	}
	return s
}

// Client is a program's connections to the brokers. Its Publisher and its
// Consumers share what is known of the cluster, and no connection at the same
// time. It is safe for concurrent use.
type Client struct {
	settings Settings
	topic    string
	dead     string // letters' topic
	log      *slog.Logger
	observe  Observer

	kafka     *kafka.Client
	transport *kafka.Transport
	dialer    *kafka.Dialer // of the consumer groups

	mu     sync.Mutex
	conns  map[*trackedConn]struct{}
	closed bool

	ensured chan struct{} // of one: only one goroutine at a time creates topics
	tried   time.Time     // when it last did; held with ensured
	begun   bool          // to create the lanes' topic, with an end that was not seen; held with ensured
}

// Observer is told what happens, for metrics. Any field may be nil. It must not block.
type Observer struct {
	Poisoned func(lane string)                             // a message went to the dead-letter topic
	Handled  func(lane string, messages int)               // the handler took a batch
	Failed   func(lane string)                             // the handler refused a batch, which will be tried again
	Lag      func(lane string, partition int, count int64) // how many messages the partition has after those handled

	// Lost: messages of these lanes that were acknowledged may be gone, as after
	// the brokers lost their disks. It is told by whoever creates the topic, the
	// first time too, and by readers that find another log than they read before;
	// of one loss it may be told several times, and in several processes.
	Lost func(lanes []lane.Lane)
}

// Open prepares connections; it makes none yet, so that brokers may come later.
func Open(s Settings, log *slog.Logger, observe Observer) (*Client, error) {
	if len(s.Brokers) == 0 {
		return nil, errors.New("queue: no brokers")
	}
	for _, b := range s.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return nil, fmt.Errorf("queue: broker: %w", err)
		}
	}
	if s.Username != "" && s.TLS == nil {
		return nil, errors.New("queue: a password without TLS would travel in clear")
	}
	s = s.withDefaults()
	c := &Client{settings: s, topic: s.Topic(), dead: s.DeadLetterTopic(), log: log, observe: observe, conns: map[*trackedConn]struct{}{}, ensured: make(chan struct{}, 1)}
	c.transport = &kafka.Transport{
		Dial: c.dial, DialTimeout: dialTimeout, IdleTimeout: idleTimeout, ClientID: s.ClientID, TLS: s.TLS,
		MetadataTTL: s.MetadataAge, MetadataTopics: s.topics(),
	}
	c.dialer = &kafka.Dialer{DialFunc: c.dial, Timeout: dialTimeout, ClientID: s.ClientID, TLS: s.TLS}
	if s.Username != "" {
		mechanism := plain.Mechanism{Username: s.Username, Password: s.Password}
		c.transport.SASL, c.dialer.SASLMechanism = mechanism, mechanism
	}
	c.kafka = &kafka.Client{Addr: kafka.TCP(s.Brokers...), Transport: c.transport}
	return c, nil
}

// Close ends all connections, and with them the calls that are waiting on one.
// Stop the consumers first: they leave their groups in good order.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	open := make([]*trackedConn, 0, len(c.conns))
	for conn := range c.conns {
		open = append(open, conn)
	}
	c.mu.Unlock()
	c.transport.CloseIdleConnections()
	for _, conn := range open {
		_ = conn.Close()
	}
	return nil
}

// dial keeps account of connections: the library has no way to end one that
// waits for an answer.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := &trackedConn{Conn: conn, client: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	c.conns[t] = struct{}{}
	return t, nil
}

type trackedConn struct {
	net.Conn
	client *Client
}

func (t *trackedConn) Close() error {
	t.client.mu.Lock()
	delete(t.client.conns, t)
	t.client.mu.Unlock()
	return t.Conn.Close()
}
