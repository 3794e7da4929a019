package writeback_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/test/harness"
)

// group gives the programs of a process group that have not ended, each with its name.
func group(t *testing.T, leader int) (names []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		open, shut := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		fields := strings.Fields(string(text[shut+1:])) // state, parent, group
		if fields[0] != "Z" && fields[2] == strconv.Itoa(leader) {
			names = append(names, string(text[open+1:shut]))
		}
	}
	return names
}

// told collects what a program says while it is read.
type told struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *told) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *told) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// TestTheScriptIsKilled: what it has started ends with it, and another one goes on.
func TestTheScriptIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	script := exec.Command("bash", example+"run", "--config", w.config)
	script.Env, script.SysProcAttr = w.env, &syscall.SysProcAttr{Setpgid: true}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-script.Process.Pid, syscall.SIGKILL) })
	one, two := &person{n: 1, externalID: "1001"}, &person{n: 2, externalID: "1002"}
	w.mustLive(t, one)
	w.awaitTable(t, []*person{one})
	if names := group(t, script.Process.Pid); len(names) != 3 {
		t.Errorf("at work are %v", names)
	}
	if err := script.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = script.Wait()
	harness.Eventually(t, 10*time.Second, func(context.Context) error {
		if names := group(t, script.Process.Pid); len(names) > 0 {
			return fmt.Errorf("still at work are %v", names)
		}
		return nil
	})
	var said told
	next := exec.Command("bash", example+"run", "--config", w.config)
	next.Env, next.Stderr, next.SysProcAttr = w.env, &said, &syscall.SysProcAttr{Setpgid: true}
	if err := next.Start(); err != nil {
		t.Fatal(err)
	}
	w.mustLive(t, two)
	w.awaitTable(t, []*person{one, two})
	if err := errors.Join(next.Process.Signal(syscall.SIGTERM), next.Wait()); err != nil {
		t.Error(err)
	}
	if said.String() != "" {
		t.Errorf("it says %s", said.String())
	}
}
