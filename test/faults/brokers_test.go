package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

const (
	topic     = "registrar.notifications"
	codeLanes = 8 // the first so many partitions carry one-time codes
)

// groups read the lanes that are used, those of codes first.
var groups = []string{"registrar.email.otp", "registrar.sms.otp", "registrar.email.transactional", "registrar.sms.transactional"}

// system is all tiers apart: a database, three brokers, a server without lanes,
// and a notifier each for codes and for news. E-mail goes to a mail server, SMS
// to the inbox.
type system struct {
	kafka       *devstack.Kafka
	admin       *kafka.Client
	database    *devstack.MariaDB
	mails       *mailServer
	serve       *harness.Service
	codes, news *harness.Service

	next, registered, verified atomic.Int64
}

func newSystem(t *testing.T) *system {
	node, database := harness.MariaDB(t)
	cluster, brokers := harness.KafkaCluster(t, 3)
	mails := startMailServer(t)
	config := harness.CheapHash + database + brokers + fmt.Sprintf("email: {driver: smtp, from: registrar@example.com, smtp: {host: 127.0.0.1, port: %d, security: none, timeout: 2s}}\n", mails.Port)
	shared := harness.Config(t, config)
	transport := &kafka.Transport{MetadataTTL: 100 * time.Millisecond, MetadataTopics: []string{topic}}
	t.Cleanup(transport.CloseIdleConnections)
	s := &system{
		kafka: cluster, admin: &kafka.Client{Addr: kafka.TCP(cluster.Brokers()...), Timeout: 2 * time.Second, Transport: transport}, database: node, mails: mails,
		serve: harness.New(t, "--config", harness.Config(t, config+"notify: {lanes: [none]}\n")),
		codes: harness.Notifier(t, "--config", shared, "--lanes", "sms.otp,email.otp"),
		news:  harness.Notifier(t, "--config", shared, "--lanes", "sms.transactional,email.transactional"),
	}
	for _, process := range []*harness.Service{s.serve, s.codes, s.news} {
		process.Start(t)
	}
	return s
}

// TestBrokers does to the queue what can happen to it, one thing after the other
// on one system under an open load, and looks at each notification: it has to be
// at the sink, once; twice only where the ledger knows of an attempt without an
// answer. Each registration has to be answered meanwhile. Times are from a
// notification's creation, which is before its commit.
func TestBrokers(t *testing.T) {
	s := newSystem(t)
	long := chaosTime(t) / 15 // 1 s, unless more is asked for
	t.Run("nothing", func(t *testing.T) {
		s.disturb(t, func(*testing.T) { time.Sleep(5 * long) })
	})
	t.Run("the leader of codes is killed", func(t *testing.T) {
		s.disturb(t, func(t *testing.T) { s.kill(t, s.leader(t), 6*long) })
	})
	t.Run("a leader of codes is paused", func(t *testing.T) {
		s.disturb(t, func(t *testing.T) {
			n := s.leader(t)
			if err := n.Pause(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(8 * long)
			if err := n.Resume(); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("the coordinator of the codes' group is killed", func(t *testing.T) {
		s.disturb(t, func(t *testing.T) { s.kill(t, s.coordinator(t), 6*long) })
	})
	t.Run("all brokers are dead", func(t *testing.T) {
		s.disturb(t, func(t *testing.T) {
			s.kafka.Stop()
			time.Sleep(20 * long)
			s.restart(t)
		})
	})
	t.Run("all brokers are dead and their disks wiped", func(t *testing.T) {
		s.disturb(t, func(t *testing.T) {
			// News that the brokers have acknowledged, and nobody has read.
			if err := s.news.Stop(20 * time.Second); err != nil {
				t.Fatal(err)
			}
			var unread int
			harness.Eventually(t, 30*time.Second, func(ctx context.Context) (err error) {
				if unread, err = s.published(ctx); err == nil && unread < 10 {
					err = fmt.Errorf("%d are published and not read", unread)
				}
				return err
			})
			t.Logf("%d news are in the brokers alone", unread)
			if err := s.kafka.Wipe(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.restart(t)
			s.news.Start(t)
		})
	})
}

// disturb does something to the brokers under load, waits until everything is
// sent and checks it.
func (s *system) disturb(t *testing.T, fault func(*testing.T)) {
	s.whole(t)
	began := time.Now()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var load sync.WaitGroup
	load.Go(func() { s.load(ctx, t, &load) })
	time.Sleep(2 * time.Second)
	fault(t)
	over := time.Now()
	time.Sleep(3 * time.Second)
	stop()
	load.Wait()
	s.check(t, began, over)
}

// load registers people, six a second at random intervals whatever the answers
// take; every other one verifies the address. Each has an SMS too.
func (s *system) load(ctx context.Context, t *testing.T, calls *sync.WaitGroup) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(rand.ExpFloat64() * float64(time.Second) / 6)):
		}
		n := s.next.Add(1)
		calls.Go(func() { s.register(t, n) })
	}
}

func (s *system) register(t *testing.T, n int64) {
	limited, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := person(3*n + 1) // with a number
	r.Locale = "en"
	receipt, err := s.serve.Register(limited, r)
	if err != nil {
		t.Errorf("register: %v", err)
		return
	}
	s.registered.Add(1)
	if n%2 == 0 {
		return
	}
	code := eventually(limited, func() string { return s.mails.code(r.Email) })
	if _, err := s.serve.Verify(limited, receipt.RegistrationID, "EMAIL", code); err != nil {
		t.Errorf("verify: %v", err)
		return
	}
	s.verified.Add(1)
}

// check waits until all is settled, and holds what the ledger says against what
// came. What was made since began is measured.
func (s *system) check(t *testing.T, began, over time.Time) {
	all := settled(t, s.database)
	if want := int(2*s.registered.Load() + 2*s.verified.Load()); len(all) != want {
		t.Errorf("%d notifications, want %d", len(all), want)
	}
	times, came := s.mails.counts(), s.mails.arrivals()
	for id, at := range s.inbox(t) { // which has each once by its key
		times[id]++
		came[id] = at
	}
	took := map[string][]time.Duration{}
	var last time.Time
	twice := 0
	wrong := map[string]int{}
	for _, n := range all {
		kind := "news"
		if n.code() {
			kind = "codes"
		}
		switch got := times[n.id]; {
		case got == 0 || n.state != "ACCEPTED" && n.state != "DELIVERED" && n.ambiguous == 0:
			wrong[fmt.Sprintf("%s by %s are %s and came %d times", kind, n.channel, n.state, got)]++
			continue
		case got > 1 && n.ambiguous == 0:
			wrong[fmt.Sprintf("%s by %s came %d times, and the ledger knows of no doubt", kind, n.channel, got)]++
		case got > 1:
			twice++
		}
		if n.created.Before(began) {
			continue
		}
		by := kind + " by " + n.channel
		took[by] = append(took[by], came[n.id].Sub(n.created))
		if kind == "news" && n.created.Before(over) && came[n.id].After(last) {
			last = came[n.id]
		}
	}
	for what, n := range wrong {
		t.Errorf("%d %s", n, what)
	}
	for _, by := range []string{"codes by EMAIL", "codes by SMS", "news by EMAIL", "news by SMS"} {
		d := took[by]
		if len(d) < 5 {
			t.Fatalf("%d %s: that is no load", len(d), by)
		}
		slices.Sort(d)
		at := func(p float64) time.Duration { return d[int(p*float64(len(d)-1))].Round(time.Millisecond) }
		t.Logf("%-14s %4d, p50 %v, p99 %v, max %v", by, len(d), at(0.5), at(0.99), at(1))
		if strings.HasPrefix(by, "codes") && at(0.5) > 5*time.Second {
			t.Errorf("%s: half of them took more than %v: nothing but the brokers brings them", by, at(0.5))
		}
		if strings.HasPrefix(by, "news") && at(1) > over.Sub(began)+2*time.Minute {
			t.Errorf("%s took up to %v", by, at(1))
		}
	}
	t.Logf("the last of the earlier news came %v after the fault was over; %d messages so far came twice", max(0, last.Sub(over)).Round(time.Millisecond), twice)
}

// inbox says when each message was put into the inbox.
func (s *system) inbox(t *testing.T) map[string]time.Time {
	t.Helper()
	out, err := s.database.Query(t.Context(), `SELECT LOWER(HEX(id)), created_at FROM registrar.inbox_messages`)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]time.Time{}
	for line := range strings.Lines(out) {
		id, at, _ := strings.Cut(strings.TrimSpace(line), "\t")
		micros, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all[dashed(id)] = time.UnixMicro(micros)
	}
	return all
}

// published counts the news that a broker has acknowledged and that are not
// settled.
func (s *system) published(ctx context.Context) (int, error) {
	out, err := s.database.Query(ctx, `SELECT COUNT(*) FROM registrar.outbox WHERE publications > 0`)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(out))
}

// kill kills a broker and starts it again a while later.
func (s *system) kill(t *testing.T, n *devstack.KafkaNode, dead time.Duration) {
	t.Helper()
	n.Kill()
	time.Sleep(dead)
	if err := n.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *system) restart(t *testing.T) {
	t.Helper()
	began := time.Now()
	if err := s.kafka.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("the brokers took %v to start", time.Since(began).Round(time.Millisecond))
}

// partitions are those of the lanes' topic.
func (s *system) partitions(ctx context.Context) ([]kafka.Partition, error) {
	meta, err := s.admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	return meta.Topics[0].Partitions, meta.Topics[0].Error
}

// whole waits until every partition has all its replicas, and every lane a
// reader.
func (s *system) whole(t *testing.T) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		all, err := s.partitions(ctx)
		if err != nil {
			return err
		}
		for _, p := range all {
			if len(p.Isr) != len(s.kafka.Nodes) {
				return fmt.Errorf("partition %d has %d replicas in sync", p.ID, len(p.Isr))
			}
		}
		for _, id := range groups {
			answer, err := s.admin.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{id}})
			if err != nil {
				return err
			}
			if g := answer.Groups[0]; g.Error != nil || g.GroupState != "Stable" {
				return fmt.Errorf("group %s is %q: %w", id, g.GroupState, g.Error)
			}
		}
		return nil
	})
}

// leader is the broker that leads the most partitions of codes.
func (s *system) leader(t *testing.T) *devstack.KafkaNode {
	t.Helper()
	all, err := s.partitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leads := map[string]int{}
	for _, p := range all {
		if p.ID < codeLanes {
			leads[fmt.Sprintf("%s:%d", p.Leader.Host, p.Leader.Port)]++
		}
	}
	best := slices.MaxFunc(s.kafka.Nodes, func(a, b *devstack.KafkaNode) int { return leads[a.Address] - leads[b.Address] })
	t.Logf("it leads %d of the codes' %d partitions; it is the coordinator of their group: %v", leads[best.Address], codeLanes, best == s.coordinator(t))
	return best
}

// coordinator is the broker that coordinates the group of codes by e-mail.
func (s *system) coordinator(t *testing.T) (node *devstack.KafkaNode) {
	t.Helper()
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		answer, err := s.admin.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: groups[0], KeyType: kafka.CoordinatorKeyTypeConsumer})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return err
		}
		address := fmt.Sprintf("%s:%d", answer.Coordinator.Host, answer.Coordinator.Port)
		i := slices.IndexFunc(s.kafka.Nodes, func(n *devstack.KafkaNode) bool { return n.Address == address })
		if i < 0 {
			return fmt.Errorf("%s coordinates", address)
		}
		node = s.kafka.Nodes[i]
		return nil
	})
	return node
}
