// Package balancer_test puts deploy/haproxy/haproxy.cfg in front of running
// servers, and looks at what callers see when those come, go, die and hang.
package balancer_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// modes are the two forms of the configuration.
var modes = []string{"http", "tcp"}

// system is a balancer and what is behind it.
type system struct {
	*devstack.HAProxy
	webs []*harness.Service
}

// behind is the configuration of web servers behind a balancer.
const behind = "trusted_proxies: [127.0.0.1/32]\nproxy_protocol: true\ndrain_delay: 1500ms\n"

// start starts web servers, as `registrar serve` with further lines of
// configuration, and a balancer.
func start(t *testing.T, n int, settings string, o devstack.HAProxyOptions) *system {
	t.Helper()
	file := harness.Config(t, behind+settings)
	s := &system{}
	var all sync.WaitGroup
	for i := range n {
		web := harness.New(t, "--config", file)
		s.webs = append(s.webs, web)
		o.Webs = append(o.Webs, upstream(fmt.Sprintf("web%d", i+1), web))
		all.Go(func() {
			if err := web.TryStart(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	o.Dir = t.TempDir()
	b, err := devstack.StartHAProxy(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.Kill()
		if t.Failed() {
			log, _ := os.ReadFile(b.About().Log)
			t.Logf("the balancer's log:\n%s", log)
		}
	})
	s.HAProxy = b
	return s
}

func upstream(name string, web *harness.Service) devstack.Upstream {
	address, _, _ := strings.Cut(strings.TrimPrefix(web.URL, "http://"), "/")
	return devstack.Upstream{Name: name, Address: address, Admin: strings.TrimPrefix(web.Admin, "http://")}
}

func (s *system) url() string { return "http://" + s.About().Address + "/registration" }

// await waits until the balancer has a web server in a state.
func (s *system) await(t *testing.T, web, state string) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		webs, err := s.Webs(ctx)
		if err != nil {
			return err
		}
		for _, w := range webs {
			if w.Name == web && w.Status == state {
				return nil
			}
		}
		return fmt.Errorf("%s is not %s: %v", web, state, webs)
	})
}

var lookUp = harness.Envelope("<r:GetRegistrationRequest><r:username>nobody</r:username></r:GetRegistrationRequest>")

// call looks somebody up who is not there.
func call(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// Without GetBody: the client does not repeat what failed, not even where it may.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, io.NopCloser(strings.NewReader(lookUp)))
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(lookUp))
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && !strings.Contains(string(answer), "NOT_FOUND") {
		err = fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	return err
}

// load is a steady stream of calls by some callers, each over a connection that
// it keeps, or over a new one for each call.
type load struct {
	stop    context.CancelFunc
	callers sync.WaitGroup
	done    atomic.Int64

	mu     sync.Mutex
	failed []failure
}

type failure struct {
	from, to time.Time
	err      error
}

func startLoad(ctx context.Context, url string, callers int, keep bool) *load {
	ctx, stop := context.WithCancel(ctx)
	l := &load{stop: stop}
	for range callers {
		l.callers.Go(func() {
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !keep}}
			defer client.CloseIdleConnections()
			for pause := time.NewTicker(10 * time.Millisecond); ; {
				select {
				case <-ctx.Done():
					pause.Stop()
					return
				case <-pause.C:
				}
				from := time.Now()
				err := call(context.WithoutCancel(ctx), client, url)
				l.done.Add(1)
				if err != nil {
					l.mu.Lock()
					l.failed = append(l.failed, failure{from, time.Now(), err})
					l.mu.Unlock()
				}
			}
		})
	}
	return l
}

// end ends the calls and gives what failed.
func (l *load) end(t *testing.T) []failure {
	t.Helper()
	l.stop()
	l.callers.Wait()
	t.Logf("%d calls, %d failed", l.done.Load(), len(l.failed))
	return l.failed
}
