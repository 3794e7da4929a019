package embedded_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/lane"
	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
	"registrar/internal/registration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

func logTo(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func run(t *testing.T, o embedded.Options) (*embedded.Broker, func()) {
	t.Helper()
	o.Log = logTo(t)
	b, err := embedded.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return b, stop
}

// exchange publishes to one partition and waits until all of it is handled; it
// gives back what was handled.
func exchange(t *testing.T, b *embedded.Broker, ids []uint64) map[registration.ID]int {
	t.Helper()
	var said bytes.Buffer
	c, err := queue.Open(b.Settings(), slog.New(slog.NewTextHandler(io.MultiWriter(t.Output(), &said), nil)), queue.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := c.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	var batch []lane.Message
	for i, id := range ids {
		batch = append(batch, message(id))
		if len(batch) == 500 || i == len(ids)-1 {
			if err := c.Publisher().Publish(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			batch = nil
		}
	}
	want := map[registration.ID]bool{}
	for _, id := range ids {
		want[message(id).NotificationID] = true
	}
	got := map[registration.ID]int{}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = c.Consumer().Run(ctx, lane.EmailTransactional, func(_ context.Context, all []lane.Message) error {
		for _, m := range all {
			got[m.NotificationID]++ // one partition, one goroutine
			delete(want, m.NotificationID)
		}
		if len(want) == 0 {
			cancel()
		}
		return nil
	})
	if strings.Contains(said.String(), "out of range") {
		t.Error("the committed offset is not in the log any more")
	}
	if err != nil || len(want) != 0 {
		t.Fatalf("%v; %d of %d messages did not come", err, len(want), len(ids))
	}
	return got
}

func message(id uint64) lane.Message {
	m := lane.Message{Lane: lane.EmailTransactional, Recipient: 7, Deadline: time.UnixMicro(1767225600000001)}
	m.NotificationID[0] = 1
	binary.BigEndian.PutUint64(m.NotificationID[8:], id)
	return m
}

func span(from, to uint64) []uint64 {
	var ids []uint64
	for id := from; id < to; id++ {
		ids = append(ids, id)
	}
	return ids
}

func size(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // files go while we look
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestShrinks: what is handled goes from the disk, and the place in the log
// does not, neither over an orderly end nor over a crash.
func TestShrinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := run(t, embedded.Options{Dir: dir, TrimEvery: 20 * time.Millisecond})
	const many = 40_000
	exchange(t, b, span(0, many))
	deadline := time.Now().Add(patience)
	for size(t, dir) > 3<<20/2 { // less than a segment, its index and the groups' log
		if time.Now().After(deadline) {
			t.Fatalf("the directory still has %d bytes", size(t, dir))
		}
		time.Sleep(20 * time.Millisecond)
	}

	// A copy of the directory of a broker that runs is what a crash would leave.
	crashed := t.TempDir()
	if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	stop()
	for name, dir := range map[string]string{"orderly end": dir, "crash": crashed} {
		b, stop := run(t, embedded.Options{Dir: dir})
		got := exchange(t, b, span(many, many+100))
		for id := range got {
			if binary.BigEndian.Uint64(id[8:]) < many {
				t.Errorf("%s: %s was committed and came again", name, id)
			}
		}
		stop()
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := run(t, embedded.Options{Dir: dir})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]embedded.Options{
		"a directory in use":    {Dir: dir},
		"an address in use":     {Dir: t.TempDir(), Address: b.Address()},
		"an address off host":   {Dir: t.TempDir(), Address: "0.0.0.0:0"},
		"an address of no port": {Dir: t.TempDir(), Address: "127.0.0.1"},
		"a file":                {Dir: file},
	} {
		o.Log = logTo(t)
		if b, err := embedded.Start(o); err == nil {
			t.Errorf("%s: started", name)
			_ = b.Close()
		}
	}
	stop()
	_, again := run(t, embedded.Options{Dir: dir})
	again()
}
