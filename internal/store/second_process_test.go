package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"registrar/internal/store"
)

// sharedRange is where SQLite locks a file that it has open, in its file format.
const (
	sharedRange       = 1<<30 + 2
	sharedRangeLength = 510
)

// secondProcess names, in the environment of a test binary, the SQLite file
// that it is to open, write and close instead of running tests.
const secondProcess = "STORE_TEST_SECOND_PROCESS"

// beSecondProcess does so, and gives the exit code.
func beSecondProcess(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err := inUse(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	db, err := store.Open(ctx, store.Options{Path: path})
	if err == nil {
		if _, err = db.Accounts().Create(ctx, person()); err == nil {
			err = db.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// inUse is nil where another process has the file open by SQLite.
func inUse(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: sharedRange, Len: sharedRangeLength}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return err
	}
	if lock.Type == syscall.F_UNLCK {
		return errors.New("whoever has the file open has lost its lock")
	}
	return nil
}

// TestSecondProcess: another program on the same SQLite file, such as the
// operator's command beside the service, takes nothing away when it goes. The
// last one that closes a file in WAL mode deletes its log; by the locks it
// knows whether it is that one. A process loses its locks when it closes any
// descriptor of the file.
func TestSecondProcess(t *testing.T) {
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	migrate(t, o)
	db := open(t, o)
	first := create(t, db, person())
	migrate(t, o) // as the service does at each start: it opens and closes the file once more
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), secondProcess+"="+o.Path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	second := create(t, db, person())
	if _, err := os.Stat(o.Path + "-wal"); err != nil {
		t.Error(err)
	}
	if !whole(t, db, first) || !whole(t, db, second) {
		t.Error("a row is lost")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, o)
	if !whole(t, again, first) || !whole(t, again, second) {
		t.Error("a row is lost after the end")
	}
	var n int
	if err := again.Raw().GetContext(t.Context(), &n, "SELECT COUNT(*) FROM accounts"); err != nil || n != 3 {
		t.Errorf("%d accounts, %v", n, err)
	}
}

// TestSecondProcessUnderLoad: the writer's lock is taken nearly all the time,
// and another program finds its turn all the same.
func TestSecondProcessUnderLoad(t *testing.T) {
	o := store.Options{Path: filepath.Join(t.TempDir(), "registrar.db")}
	migrate(t, o)
	db := open(t, o)
	create(t, db, person())
	stop := make(chan struct{})
	var made atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := db.Accounts().Create(t.Context(), person()); err != nil {
					t.Error(err)
				}
				made.Add(1)
			}
		})
	}
	const processes = 8
	for range processes {
		began := time.Now()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), secondProcess+"="+o.Path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		t.Logf("took %s", time.Since(began))
	}
	close(stop)
	wg.Wait()
	var n int64
	if err := db.Raw().GetContext(t.Context(), &n, "SELECT COUNT(*) FROM accounts"); err != nil || n != made.Load()+processes+1 {
		t.Errorf("%d accounts, %v; want %d", n, err, made.Load()+processes+1)
	}
}
