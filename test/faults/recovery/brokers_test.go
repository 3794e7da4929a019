package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// broker is the machine of a broker, from which the others are reached.
func (o *operator) broker(t *testing.T, k *devstack.Kafka, i int) *machine {
	t.Helper()
	n := k.Nodes[i]
	var others []string
	for _, other := range k.Nodes {
		if other != n {
			others = append(others, other.Address)
		}
	}
	return o.machine(t, n.About().Name, map[string]string{
		"KAFKA_DATA": directory(n) + "/data", "KAFKA_CONFIG": directory(n) + "/server.properties", "BROKERS": strings.Join(others, ","),
	}, map[string]unit{"kafka": partUnit(n)})
}

// lostDisk: a broker's disk is lost, and replaced by an empty one.
func (r *recovery) lostDisk(t *testing.T) {
	n := r.Kafka.Nodes[0]
	at := r.broker(t, r.Kafka, 0)
	n.Kill()
	empty(t, at.values["KAFKA_DATA"])
	r.load.goOn(t, 20)
	if said := at.run(t, "voters"); strings.Count(said, "Follower") != 2 || strings.Count(said, "Leader") < 1 {
		t.Fatalf("the brokers that are left say\n%s", said)
	}
	at.run(t, "broker")
	harness.Eventually(t, time.Minute, func(context.Context) error {
		if lacking := at.run(t, "replicas"); lacking != "" {
			return fmt.Errorf("partitions lack replicas:\n%s", lacking)
		}
		return nil
	})
	acked := len(r.load.acknowledged())
	harness.Eventually(t, time.Minute, func(ctx context.Context) error {
		n, err := r.records(ctx, "registrar.events")
		if err == nil && n < acked {
			err = fmt.Errorf("%d events of %d registrations", n, acked)
		}
		return err
	})
}

// records is how many a topic has.
func (r *recovery) records(ctx context.Context, topic string) (int, error) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := &kafka.Client{Addr: kafka.TCP(r.Kafka.Brokers()...), Transport: transport, Timeout: 5 * time.Second}
	meta, err := admin.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	var asked []kafka.OffsetRequest
	for _, p := range meta.Topics[0].Partitions {
		asked = append(asked, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
	}
	answer, err := admin.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return 0, err
	}
	n, failed := 0, error(nil)
	for _, p := range answer.Topics[topic] {
		n += int(p.LastOffset - p.FirstOffset)
		failed = errors.Join(failed, p.Error)
	}
	return n, failed
}

// lostDisks: all brokers' disks are lost at once, with what nobody has read.
func (r *recovery) lostDisks(t *testing.T) {
	r.Notifiers[0].Stop()
	published, err := r.records(t.Context(), "registrar.notifications")
	if err != nil {
		t.Fatal(err)
	}
	r.load.goOn(t, 20)
	harness.Eventually(t, time.Minute, func(ctx context.Context) error { // which nobody reads
		n, err := r.records(ctx, "registrar.notifications")
		if err == nil && n < published+20 {
			err = fmt.Errorf("the brokers have %d notifications, and had %d", n, published)
		}
		return err
	})
	var machines []*machine
	for i, n := range r.Kafka.Nodes {
		n.Kill()
		machines = append(machines, r.broker(t, r.Kafka, i))
	}
	for _, at := range machines {
		empty(t, at.values["KAFKA_DATA"])
	}
	r.load.goOn(t, 20)
	id := machines[0].run(t, "cluster-id")
	commands := example(t, r.guide.take(t, "brokers"), "cluster=Rk3v0TzYQ8qXZ8mYxk2xYg ", "cluster="+id+" ")
	var all sync.WaitGroup
	failed := make([]error, len(machines))
	for i, at := range machines { // each waits for the others
		all.Go(func() { _, failed[i] = at.try(t, "brokers", commands) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	if err := r.Notifiers[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := r.load.acknowledged()
	r.awaitMail(t, last[len(last)-1].Email)
}
