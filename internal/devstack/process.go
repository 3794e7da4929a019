// Package devstack starts the real parts that Registrar works with (a Galera
// node, a Kafka broker, an SMTP server) on loopback, on ports and directories
// of their own, for tests and for development. Every part is a child of this
// process, dies with it, and can be killed, paused and restarted by name.
//
// What it starts is installed by hack/deps; a missing program is an error that
// says so.
package devstack

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one running program.
type Process struct {
	Name string
	Log  string // the file that its output goes to
	cmd  *exec.Cmd
	done chan struct{}
	err  error // of Wait; read after done
}

// StartProcess runs argv in dir, with its output appended to dir/name.log. The
// program is killed when this process dies in whatever way.
func StartProcess(name, dir string, argv ...string) (*Process, error) {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, fmt.Errorf("devstack: %s: %w (hack/deps installs it)", name, err)
	}
	log := filepath.Join(dir, name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("devstack: %s: %w", name, err)
	}
	p := &Process{Name: name, Log: log, cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})} //nolint:gosec,noctx // argv is the caller's own, and so is the end
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		// Pdeathsig follows the thread that forked, not the process: keep it alive.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		defer out.Close()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("devstack: %s: %w", name, err)
	}
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.done }

// ended says whether the program has.
func (p *Process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Err is how the program ended: nil for exit code 0. It waits for the end.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Kill is SIGKILL to the program and its children, and the wait for its end.
func (p *Process) Kill() { p.end(syscall.SIGKILL, 0) }

// Stop is SIGTERM, and SIGKILL when the program is still there after grace.
func (p *Process) Stop(grace time.Duration) { p.end(syscall.SIGTERM, grace) }

// Pause is SIGSTOP: the program keeps its sockets and answers nothing. When it
// returns, every thread has come to a halt: the signal alone lets them run on
// for a moment.
func (p *Process) Pause() error {
	if err := syscall.Kill(-p.PID(), syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(haltTimeout); !halted(p.PID()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("devstack: %s does not halt", p.Name)
		}
	}
	return nil
}

// haltTimeout is for all threads to come to a halt.
const haltTimeout = 5 * time.Second

// halted says whether all threads of a process and of its children are stopped
// (proc(5): the state in stat, and children).
func halted(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(filepath.Join(thread, "stat"))
		if err != nil {
			continue // a thread that has ended
		}
		// The state is behind the program's name, which is in parentheses and may hold anything.
		if _, state, _ := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" ")); len(state) == 0 || state[0] != 'T' {
			return false
		}
		children, err := os.ReadFile(filepath.Join(thread, "children"))
		if err != nil {
			continue
		}
		for _, child := range strings.Fields(string(children)) {
			if id, err := strconv.Atoi(child); err == nil && !halted(id) {
				return false
			}
		}
	}
	return true
}

// Resume is SIGCONT.
func (p *Process) Resume() error { return syscall.Kill(-p.PID(), syscall.SIGCONT) }

func (p *Process) end(sig syscall.Signal, grace time.Duration) {
	_ = syscall.Kill(-p.PID(), sig)
	_ = syscall.Kill(-p.PID(), syscall.SIGCONT)
	if grace > 0 {
		select {
		case <-p.done:
			return
		case <-time.After(grace):
			_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
		}
	}
	<-p.done
}

// AwaitReady asks check every 50 ms until it succeeds, the program ends or ctx does.
func (p *Process) AwaitReady(ctx context.Context, check func(context.Context) error) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	err := errors.New("not asked yet")
	for {
		select {
		case <-p.done:
			return fmt.Errorf("devstack: %s ended before it was ready: %w; its log: %s\n%s", p.Name, cmp.Or(p.err, errors.New("exit status 0")), p.Log, tail(p.Log))
		case <-ctx.Done():
			return fmt.Errorf("devstack: %s is not ready: %w; its log: %s\n%s", p.Name, err, p.Log, tail(p.Log))
		case <-ticker.C:
			if err = check(ctx); err == nil {
				return nil
			}
		}
	}
}

// CacheDir is where hack/deps puts what it fetches: $REGISTRAR_CACHE, else
// registrar in the user's cache directory.
func CacheDir() (string, error) {
	if dir := os.Getenv("REGISTRAR_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "registrar"), nil
}

// tail is the last 2,000 bytes of a log.
func tail(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-2000):]
}
