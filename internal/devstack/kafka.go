package devstack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// KafkaVersion is the release of the brokers, which hack/deps installs.
const KafkaVersion = "4.1.1"

// Kafka is a cluster of real brokers in KRaft mode, each of them a controller
// too, tuned to notice a dead broker of three within seconds.
type Kafka struct {
	Nodes []*KafkaNode
}

const (
	// kafkaStart is for one broker to be formatted, or to serve; several do at a time.
	kafkaStart = 3 * time.Minute
	// kafkaStop is for a broker to hand over what it leads, which it cannot where
	// nobody is left to take it.
	kafkaStop = 15 * time.Second
)

// KafkaNode is one broker, a Part.
type KafkaNode struct {
	Address string // host:port for clients, the same for its whole life
	program

	controller string   // host:port for the other brokers
	java       []string // the command up to its class
}

// StartKafka is StartKafkaOn with so many brokers on loopback.
func StartKafka(ctx context.Context, dir string, brokers int) (*Kafka, error) {
	hosts := make([]*Host, brokers)
	for i := range hosts {
		hosts[i] = Loopback()
	}
	return StartKafkaOn(ctx, dir, hosts)
}

// StartKafkaOn starts a cluster with a broker on each host, their data below
// dir, and waits until each serves or ctx ends. Stop it. It needs a Java runtime
// and the broker's jars, which hack/deps installs.
func StartKafkaOn(ctx context.Context, dir string, hosts []*Host) (*Kafka, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devstack: kafka: %w", err)
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, fmt.Errorf("devstack: kafka: %w", err)
	}
	libs := filepath.Join(cache, "kafka-"+KafkaVersion, "libs")
	if _, err := os.Stat(filepath.Join(libs, "kafka_2.13-"+KafkaVersion+".jar")); err != nil {
		return nil, fmt.Errorf("devstack: kafka: %w (hack/deps installs it)", err)
	}
	k := &Kafka{}
	var voters []string
	for i, host := range hosts {
		n, err := newKafkaNode(fmt.Sprintf("broker%d", i+1), dir, host)
		if err != nil {
			return nil, err
		}
		k.Nodes = append(k.Nodes, n)
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, n.controller))
	}
	for i, n := range k.Nodes {
		if err := n.prepare(libs, n.properties(i+1, len(hosts), strings.Join(voters, ","))); err != nil {
			return nil, err
		}
	}
	if err := k.format(ctx); err != nil {
		return nil, err
	}
	if err := k.Restart(ctx); err != nil {
		k.Stop()
		return nil, err
	}
	return k, nil
}

// each does the same to all brokers at once.
func (k *Kafka) each(do func(n *KafkaNode) error) error {
	errs := make([]error, len(k.Nodes))
	var all sync.WaitGroup
	for i, n := range k.Nodes {
		all.Go(func() { errs[i] = do(n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// format makes the brokers' disks those of a new cluster.
func (k *Kafka) format(ctx context.Context) error {
	var uuid [16]byte
	_, _ = rand.Read(uuid[:]) // never fails
	cluster := base64.RawURLEncoding.EncodeToString(uuid[:])
	return k.each(func(n *KafkaNode) error { return n.format(ctx, cluster) })
}

// Brokers gives the addresses for clients.
func (k *Kafka) Brokers() []string {
	all := make([]string, len(k.Nodes))
	for i, n := range k.Nodes {
		all[i] = n.Address
	}
	return all
}

// Stop kills all brokers.
func (k *Kafka) Stop() {
	for _, n := range k.Nodes {
		n.Kill()
	}
}

// Restart starts all brokers, none of which runs, on the data that they left, and
// waits until each serves: one of several does not without the others.
func (k *Kafka) Restart(ctx context.Context) error {
	return k.each(func(n *KafkaNode) error { return n.Restart(ctx) })
}

// Wipe is the loss of all disks: it kills the brokers and deletes what they had.
// Restart starts them at the same addresses as another cluster, which knows
// nothing of any topic or group.
func (k *Kafka) Wipe(ctx context.Context) error {
	k.Stop()
	for _, n := range k.Nodes {
		if err := os.RemoveAll(n.data()); err != nil {
			return fmt.Errorf("devstack: %s: %w", n.name, err)
		}
	}
	return k.format(ctx)
}

// KafkaSettings are the settings on which the service relies, of each of so many
// brokers, whatever machine they are on. Each adds its own number, addresses and
// disk, and those of the controllers.
func KafkaSettings(brokers int) []Setting {
	// One broker alone gains nothing by being given up soon, and on a busy machine loses.
	inSync, session := 1, 9*time.Second
	if brokers >= 3 {
		inSync, session = 2, 1500*time.Millisecond
	}
	replicas := strconv.Itoa(min(3, brokers))
	return []Setting{
		{"process.roles", "broker,controller"},
		{"controller.listener.names", "CONTROLLER"},
		{"inter.broker.listener.name", "PLAINTEXT"},
		{"default.replication.factor", replicas},
		{"min.insync.replicas", strconv.Itoa(inSync)},
		{"offsets.topic.replication.factor", replicas},
		{"offsets.topic.num.partitions", "6"},
		{"unclean.leader.election.enable", "false"},
		{"auto.create.topics.enable", "false"},
		{"group.initial.rebalance.delay.ms", "0"},
		{"group.min.session.timeout.ms", "3000"},
		{"broker.session.timeout.ms", strconv.FormatInt(session.Milliseconds(), 10)},
		{"broker.heartbeat.interval.ms", "250"},
		{"controller.quorum.fetch.timeout.ms", "1000"},
		{"controller.quorum.election.timeout.ms", "500"},
		{"controller.quorum.election.backoff.max.ms", "500"},
		{"controller.quorum.request.timeout.ms", "1000"},
		{"replica.lag.time.max.ms", "3000"},
		{"replica.fetch.wait.max.ms", "100"},
	}
}

// properties is the node's configuration file.
func (n *KafkaNode) properties(id, brokers int, voters string) string {
	var text strings.Builder
	for _, s := range append(KafkaSettings(brokers), []Setting{
		{"node.id", strconv.Itoa(id)}, {"log.dirs", n.data()}, {"controller.quorum.voters", voters},
		{"listeners", "PLAINTEXT://" + n.Address + ",CONTROLLER://" + n.controller}, {"advertised.listeners", "PLAINTEXT://" + n.Address},
	}...) {
		text.WriteString(s.Name + "=" + s.Value + "\n")
	}
	return text.String()
}

// newKafkaNode is a broker that is not there yet.
func newKafkaNode(name, dir string, host *Host) (*KafkaNode, error) {
	n := &KafkaNode{program: program{name: name, kind: KindBroker, host: host, dir: filepath.Join(dir, name), grace: kafkaStop}}
	for _, address := range []*string{&n.Address, &n.controller} {
		var err error
		if *address, err = host.Address(); err != nil {
			return nil, fmt.Errorf("devstack: %s: %w", name, err)
		}
	}
	return n, nil
}

func (n *KafkaNode) data() string     { return filepath.Join(n.dir, "data") }
func (n *KafkaNode) settings() string { return filepath.Join(n.dir, "server.properties") }

// prepare makes the node's directory, once in its life.
func (n *KafkaNode) prepare(libs, settings string) error {
	if err := os.MkdirAll(n.dir, 0o750); err != nil {
		return fmt.Errorf("devstack: %s: %w", n.name, err)
	}
	if err := os.WriteFile(n.settings(), []byte(settings), 0o600); err != nil {
		return fmt.Errorf("devstack: %s: %w", n.name, err)
	}
	classes := filepath.Join(libs, "*") // java expands it itself
	n.java = []string{"java", "-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=info", "-cp", classes}
	return nil
}

// run is the command that runs a class of the broker's.
func (n *KafkaNode) run(class string, args ...string) []string {
	return append(append(slices.Clip(n.java), class), args...)
}

// format makes the node's disk one of a cluster.
func (n *KafkaNode) format(ctx context.Context, cluster string) error {
	limited, cancel := context.WithTimeout(ctx, kafkaStart)
	defer cancel()
	argv := n.run("kafka.tools.StorageTool", "format", "--cluster-id="+cluster, "-c", n.settings())  // the id may begin with a dash
	if out, err := exec.CommandContext(limited, argv[0], argv[1:]...).CombinedOutput(); err != nil { //nolint:gosec // the arguments are our own
		return fmt.Errorf("devstack: %s: format: %w (hack/deps installs java)\n%s", n.name, err, out)
	}
	return nil
}

// About implements Part.
func (n *KafkaNode) About() About { return n.about(n.Address, "") }

// Restart implements Part.
func (n *KafkaNode) Restart(ctx context.Context) error {
	// The log of an earlier life is in the same file.
	log := filepath.Join(n.dir, n.name+".log")
	var before int64
	if info, err := os.Stat(log); err == nil {
		before = info.Size()
	}
	limited, cancel := context.WithTimeout(ctx, kafkaStart)
	defer cancel()
	return n.start(limited, func(context.Context) error {
		file, err := os.Open(log)
		if err != nil {
			return err
		}
		defer file.Close()
		said, err := io.ReadAll(io.NewSectionReader(file, before, math.MaxInt64-before))
		if err != nil {
			return err
		}
		if !bytes.Contains(said, []byte("Kafka Server started")) {
			return errors.New("it does not say that it has started")
		}
		return nil
	}, n.run("kafka.Kafka", n.settings())...)
}
