package balancer_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

const callers = 4

// TestFaults: of what callers do while a web server goes, hangs or dies, only
// that is lost which was in it.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		for _, keep := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s keep=%v", mode, keep), func(t *testing.T) {
				t.Parallel()
				f := &faults{start(t, 2, "", devstack.HAProxyOptions{Mode: mode}), keep}
				f.drain(t)
				f.hang(t)
				f.die(t)
			})
		}
	}
}

type faults struct {
	*system
	keep bool
}

func (f *faults) load(t *testing.T) *load {
	t.Helper()
	l := startLoad(t.Context(), f.url(), callers, f.keep)
	time.Sleep(500 * time.Millisecond)
	return l
}

// drain: the web servers are started again, one after the other, and no call
// fails, not even a slow one.
func (f *faults) drain(t *testing.T) {
	t.Helper()
	l := f.load(t)
	for i, web := range f.webs {
		name := fmt.Sprintf("web%d", i+1)
		slow := f.slowCalls(t)
		stopped := make(chan error, 1)
		go func() { stopped <- web.Stop(20 * time.Second) }()
		f.await(t, name, "NOLB")
		for _, finish := range slow {
			if answer, err := finish(); err != nil || !strings.Contains(answer, "NOT_FOUND") {
				t.Errorf("a slow call: %v in %q", err, answer)
			}
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		web.Start(t)
		f.await(t, name, "UP")
	}
	for _, failed := range l.end(t) {
		t.Errorf("a call failed while web servers were started again: %v", failed.err)
	}
}

// slowCalls are one at each web server whose body is not whole yet. To finish one
// gives the answer.
func (f *faults) slowCalls(t *testing.T) (finish []func() (string, error)) {
	t.Helper()
	for range f.webs {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", f.About().Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		half := len(lookUp) / 2
		if _, err := fmt.Fprintf(conn, "POST /registration HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(lookUp), lookUp[:half]); err != nil {
			t.Fatal(err)
		}
		finish = append(finish, func() (string, error) {
			if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				return "", err
			}
			if _, err := io.WriteString(conn, lookUp[half:]); err != nil {
				return "", err
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return "", err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return string(body), err
		})
	}
	return finish
}

// hang: a web server that is paused gets nothing any more, and who waits for it
// is told.
func (f *faults) hang(t *testing.T) {
	t.Helper()
	l := f.load(t)
	process := f.webs[0].Process()
	if err := process.Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	f.await(t, "web1", "DOWN")
	out := time.Now()
	t.Logf("out after %v", out.Sub(began))
	time.Sleep(500 * time.Millisecond)
	if err := process.Resume(); err != nil {
		t.Fatal(err)
	}
	f.await(t, "web1", "UP")
	f.within(t, l.end(t), out)
}

// die: a web server dies by SIGKILL.
func (f *faults) die(t *testing.T) {
	t.Helper()
	l := f.load(t)
	f.webs[0].Kill()
	dead := time.Now()
	f.await(t, "web1", "DOWN")
	out := time.Now()
	t.Logf("out after %v", out.Sub(dead))
	time.Sleep(500 * time.Millisecond)
	f.webs[0].Start(t)
	f.await(t, "web1", "UP")
	failed := l.end(t)
	f.within(t, failed, out)
	late := 0
	for _, one := range failed {
		if one.from.After(dead) {
			late++
		}
	}
	if late > callers { // what the balancer was connecting, or had kept a connection for, in the moment that it noticed
		t.Errorf("%d calls failed that began after its death", late)
	}
}

// within: what failed had begun before the web server was out, and no caller
// had to do with it for long.
func (f *faults) within(t *testing.T, failed []failure, out time.Time) {
	t.Helper()
	for _, one := range failed {
		if began := one.from.Sub(out); began > 0 {
			t.Errorf("a call that began %v after the web server was out: %v", began, one.err)
		}
		if ended := one.to.Sub(out); ended > 2*time.Second {
			t.Errorf("a call was held for %v after the web server was out: %v", ended, one.err)
		}
	}
}

// TestRefused: a connection that a web server does not take is made to another
// one, as long as it is thought to be well.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := start(t, 1, "", devstack.HAProxyOptions{Mode: mode})
			nobody, err := devstack.Loopback().Address()
			if err != nil {
				t.Fatal(err)
			}
			well := upstream("web1", s.webs[0])
			if err := s.Reload(t.Context(), []devstack.Upstream{well, {Name: "web2", Address: nobody, Admin: well.Admin}}); err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			for range 50 {
				if err := call(t.Context(), client, s.url()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestReload: web servers are added and taken away without a call that fails.
func TestReload(t *testing.T) {
	t.Parallel()
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := start(t, 2, "", devstack.HAProxyOptions{Mode: mode})
			l := startLoad(t.Context(), s.url(), callers, false)
			for i := range 6 {
				if err := s.Reload(t.Context(), []devstack.Upstream{upstream("web1", s.webs[i%2])}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Millisecond)
			}
			for _, failed := range l.end(t) {
				t.Errorf("a call failed: %v", failed.err)
			}
			webs, err := s.Webs(t.Context())
			if err != nil || len(webs) != 1 || webs[0].Connections == 0 {
				t.Errorf("after it: %v, %v", webs, err)
			}
		})
	}
}

// TestTwoBalancers: each goes on when the other dies.
func TestTwoBalancers(t *testing.T) {
	t.Parallel()
	s := start(t, 1, "", devstack.HAProxyOptions{Name: "balancer1"})
	second, err := devstack.StartHAProxy(t.Context(), devstack.HAProxyOptions{Name: "balancer2", Dir: t.TempDir(), Webs: []devstack.Upstream{upstream("web1", s.webs[0])}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Kill)
	l := startLoad(t.Context(), "http://"+second.About().Address+"/registration", callers, true)
	s.Kill()
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := startLoad(t.Context(), s.url(), callers, true)
	time.Sleep(500 * time.Millisecond)
	for _, failed := range append(l.end(t), other.end(t)...) {
		t.Errorf("a call failed: %v", failed.err)
	}
}
