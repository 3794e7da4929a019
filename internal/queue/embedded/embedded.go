// Package embedded is a broker inside this process, for an installation without
// Kafka: it speaks Kafka's protocol on loopback and keeps its log in a
// directory of its own.
//
// What may be relied on: a message that it acknowledged has been synchronised
// to the disk and is there after the process was killed; the directory does not
// grow with what has been handled. What may not: there is one copy, and one
// process; a disk that fails to synchronise is not noticed (the broker that it
// is built on does not look at that error), and an unclean end may bring back
// up to a segment of handled messages, which the ledger knows.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"registrar/internal/queue"
)

// Options of a broker.
type Options struct {
	Dir     string       // holds the log; made when it is not there; one process at a time
	Address string       // of loopback; "" for a free port
	Log     *slog.Logger // never nil
	// TrimEvery is how often handled messages are deleted; 0 for once a minute.
	TrimEvery time.Duration
}

// Broker is a running broker.
type Broker struct {
	cluster *kfake.Cluster
	lock    *os.File
	log     *slog.Logger
	dir     string
	address string
	stop    chan struct{}
	done    sync.WaitGroup
}

// segmentBytes is small: a segment is deleted as a whole.
const segmentBytes = 1 << 20

// ErrInUse is a directory whose broker another process runs: see Running.
var ErrInUse = errors.New("queue: embedded broker: directory is in use by another process")

// Start runs a broker until Close. Errors: ErrInUse; the directory cannot be
// read or written; the address is in use.
func Start(o Options) (*Broker, error) {
	port := 0
	if o.Address != "" {
		host, p, err := net.SplitHostPort(o.Address)
		if err != nil {
			return nil, fmt.Errorf("queue: embedded broker: %w", err)
		}
		if ip := net.ParseIP(host); ip == nil || !ip.Equal(net.IPv4(127, 0, 0, 1)) {
			return nil, errors.New("queue: the embedded broker has no access control and listens on 127.0.0.1 only")
		}
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("queue: embedded broker: %w", err)
		}
	}
	lock, err := take(o.Dir)
	if err != nil {
		return nil, err
	}
	// The members of groups that an orderly end remembers were of a process that is gone.
	_ = os.Remove(filepath.Join(o.Dir, "session_state.json"))
	cluster, err := kfake.NewCluster(
		kfake.Ports(port), kfake.ClusterID("registrar"), kfake.DataDir(o.Dir), kfake.SyncWrites(), kfake.WithLogger(logger{o.Log}),
		kfake.BrokerConfigs(map[string]string{
			"log.segment.bytes":       strconv.Itoa(segmentBytes),
			"state.log.compact.bytes": strconv.Itoa(segmentBytes), // of the groups' offsets
			// Never: trim does it, which keeps the last message of a partition and so
			// its place in the log.
			"log.cleaner.backoff.ms": strconv.Itoa(1 << 40),
		}),
	)
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("queue: embedded broker: %w", err)
	}
	every := o.TrimEvery
	if every == 0 {
		every = time.Minute
	}
	b := &Broker{cluster: cluster, lock: lock, log: o.Log, dir: o.Dir, address: cluster.ListenAddrs()[0], stop: make(chan struct{})}
	if err := tell(o.Dir, b.address); err != nil {
		cluster.Close()
		return nil, errors.Join(err, lock.Close())
	}
	b.done.Go(func() { b.trimEvery(every) })
	return b, nil
}

// take locks the directory; the lock goes with the process, however it ends.
func take(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("queue: embedded broker: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("queue: embedded broker: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, errors.Join(err, lock.Close())
	}
	// The address of an earlier life is nobody's any more.
	_ = os.Remove(filepath.Join(dir, addressFile))
	return lock, nil
}

// Address is host:port.
func (b *Broker) Address() string { return b.address }

// Settings for clients of this broker: fetches wait long, since data ends them
// at once and a broker in this process does not hang alone; and what is known of
// the cluster hardly changes. An idle system then costs next to nothing.
func (b *Broker) Settings() queue.Settings { return settings(b.address) }

func settings(address string) queue.Settings {
	return queue.Settings{
		Brokers: []string{address}, Replication: 1, MinInSync: 1, SegmentBytes: segmentBytes,
		FetchWait: 10 * time.Second, MetadataAge: 5 * time.Second,
	}
}

// Close ends the broker and writes its state. Close clients first.
func (b *Broker) Close() error {
	close(b.stop)
	b.done.Wait()
	b.cluster.Close()
	return errors.Join(os.Remove(filepath.Join(b.dir, addressFile)), b.lock.Close())
}

// logger passes on what the broker warns of; its other lines are one a request.
type logger struct{ log *slog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("queue: embedded broker", "what", fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("queue: embedded broker", "what", fmt.Sprintf(format, args...))
	}
}
