package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/devstack"
	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
)

// asBroker as the first argument makes the test's program an embedded broker,
// which a test can then kill as a process.
const asBroker = "run-embedded-broker"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == asBroker {
		_, err := embedded.Start(embedded.Options{Dir: os.Args[2], Address: os.Args[3], Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {}
	}
	goleak.VerifyTestMain(withBrokers{m})
}

// withBrokers ends the brokers that the tests share before leaks are looked for.
type withBrokers struct{ m *testing.M }

func (w withBrokers) Run() int {
	defer stopShared()
	return w.m.Run()
}

// broker is one that a test can treat badly.
type broker struct {
	settings        queue.Settings
	kill            func()
	restart         func(context.Context) error
	pause, unfreeze func() error
}

var shared struct {
	sync.Mutex
	dir   string
	stops []func()
}

func sharedDir() (string, error) {
	shared.Lock()
	defer shared.Unlock()
	var err error
	if shared.dir == "" {
		shared.dir, err = os.MkdirTemp("", "queue")
	}
	return shared.dir, err
}

func stopShared() {
	shared.Lock()
	defer shared.Unlock()
	for _, stop := range shared.stops {
		stop()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}

// brokers are started once for the package's run.
var brokers = map[string]func() (*broker, error){
	"embedded": sync.OnceValues(startEmbedded),
	"kafka":    sync.OnceValues(startKafka),
}

func startKafka() (*broker, error) {
	dir, err := sharedDir()
	if err != nil {
		return nil, err
	}
	k, err := devstack.StartKafka(context.Background(), dir, 1)
	if err != nil {
		return nil, err
	}
	shared.Lock()
	defer shared.Unlock()
	shared.stops = append(shared.stops, k.Stop)
	node := k.Nodes[0]
	return &broker{settings: queue.Settings{Brokers: k.Brokers()}, kill: node.Kill, restart: node.Restart, pause: node.Pause, unfreeze: node.Resume}, nil
}

func startEmbedded() (*broker, error) {
	dir, err := sharedDir()
	if err != nil {
		return nil, err
	}
	port, err := devstack.FreePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var process *devstack.Process
	start := func(ctx context.Context) error {
		process, err = devstack.StartProcess("embedded", dir, os.Args[0], asBroker, filepath.Join(dir, "embedded"), address)
		if err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return process.AwaitReady(limited, func(ctx context.Context) error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
			return errors.Join(err, func() error {
				if err == nil {
					return conn.Close()
				}
				return nil
			}())
		})
	}
	if err := start(context.Background()); err != nil {
		return nil, err
	}
	shared.Lock()
	defer shared.Unlock()
	shared.stops = append(shared.stops, func() { process.Kill() })
	settings := queue.Settings{Brokers: []string{address}, Replication: 1, MinInSync: 1, FetchWait: 2 * time.Second}
	return &broker{
		settings: settings, kill: func() { process.Kill() }, restart: start,
		pause: func() error { return process.Pause() }, unfreeze: func() error { return process.Resume() },
	}, nil
}
