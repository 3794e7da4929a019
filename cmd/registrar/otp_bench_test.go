package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/config"
	"registrar/internal/registration"
)

// mailSink is test/bench/sink in a process of its own.
type mailSink struct {
	port  int
	stdin io.WriteCloser
	mu    sync.Mutex
	came  map[string]time.Time // DATA, by notification
	count chan int
}

func startMailSink(b *testing.B, log bool) *mailSink {
	b.Helper()
	program := filepath.Join(b.TempDir(), "sink")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "registrar/test/bench/sink").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(context.Background(), program, "-log="+strconv.FormatBool(log))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	s := &mailSink{came: map[string]time.Time{}, count: make(chan int, 1)}
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatal("the sink says nothing")
	}
	if s.port, err = strconv.Atoi(lines.Text()); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines.Scan() {
			s.note(lines.Text())
		}
	}()
	b.Cleanup(func() {
		_ = s.stdin.Close()
		<-ended
		_ = cmd.Wait()
	})
	return s
}

func (s *mailSink) note(line string) {
	id, rest, _ := strings.Cut(line, " ")
	n, _ := strconv.ParseInt(rest, 10, 64)
	if id == "=" {
		s.count <- int(n)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.came[id]; !again {
		s.came[id] = time.UnixMicro(n)
	}
}

func (s *mailSink) at(id registration.ID) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.came[id.String()]
	return t, ok
}

// messages is how many the sink has taken.
func (s *mailSink) messages() int {
	_, _ = io.WriteString(s.stdin, "\n")
	return <-s.count
}

// stamps keeps when notifications were announced, which is when their
// transaction has been committed, and passes them on.
type stamps struct {
	next registration.Announcer
	mu   sync.Mutex
	at   map[registration.ID]time.Time
}

func (s *stamps) Announce(notifications []registration.Notification) {
	now := time.Now()
	s.mu.Lock()
	for _, n := range notifications {
		s.at[n.ID] = now
	}
	s.mu.Unlock()
	s.next.Announce(notifications)
}

// codeLoad is a service whose codes are watched from the commit to the wire.
type codeLoad struct {
	parts  *parts
	stamps *stamps
	wire   func(registration.ID) (time.Time, bool)
	people int
}

// start runs a service in this process until the returned function is called.
func startParts(b *testing.B, c config.Config) (p *parts, stop func()) {
	b.Helper()
	c.Listen, c.AdminListen = "127.0.0.1:0", "127.0.0.1:0"
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	l, err := listen(b.Context(), c, log)
	if err != nil {
		b.Fatal(err)
	}
	if p, err = open(b.Context(), c, log); err != nil {
		b.Fatal(err)
	}
	p.service.Hasher = readyMade("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.run(ctx, c, l, func() { close(ready) }); err != nil {
			b.Error(err)
		}
	})
	<-ready
	return p, func() {
		cancel()
		running.Wait()
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	}
}

func (l *codeLoad) register(b *testing.B) {
	l.people++
	name := fmt.Sprintf("person%d-%s", l.people, strings.ReplaceAll(b.Name(), "/", "-"))
	if _, err := l.parts.service.Register(b.Context(), registration.Request{
		Username: strings.ToLower(name)[:min(60, len(name))], Email: fmt.Sprintf("person%d@example.com", l.people), Password: "velvet-anchor-tuesday", Locale: "en",
	}); err != nil {
		b.Error(err)
	}
}

// run registers n people as a Poisson process of 20 a second, whatever the
// answers take, and gives how long their codes took from the commit to the wire.
func (l *codeLoad) run(b *testing.B, n int) []time.Duration {
	b.Helper()
	l.stamps.mu.Lock()
	l.stamps.at = map[registration.ID]time.Time{}
	l.stamps.mu.Unlock()
	var calls sync.WaitGroup
	next := time.Now()
	for range n {
		next = next.Add(time.Duration(rand.ExpFloat64() * float64(time.Second/20))) //nolint:gosec // a load
		time.Sleep(time.Until(next))
		calls.Go(func() { l.register(b) })
		calls.Wait() // the commit is not measured; the next arrival's time does not depend on it
	}
	var took []time.Duration
	deadline := time.Now().Add(30 * time.Second)
	for id, committed := range l.stamps.at {
		for {
			if at, ok := l.wire(id); ok {
				took = append(took, at.Sub(committed))
				break
			}
			if time.Now().After(deadline) {
				b.Errorf("a code is not there after %v", time.Since(committed))
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	slices.Sort(took)
	return took
}

// percentile of sorted durations, in milliseconds.
func percentile(sorted []time.Duration, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(p*float64(len(sorted))))].Microseconds()) / 1000
}

func report(b *testing.B, what string, took []time.Duration) {
	b.Helper()
	fmt.Printf("%-40s %5d codes  p50 %6.2f  p90 %6.2f  p99 %6.2f  max %6.2f ms\n", what, len(took), percentile(took, 0.5), percentile(took, 0.9), percentile(took, 0.99), percentile(took, 1))
}

// BenchmarkOTP is how long a one-time code takes from the commit to the
// provider's wire.
func BenchmarkOTP(b *testing.B) {
	sink := startMailSink(b, true)
	c := config.Default()
	c.DataDir, c.Email.Driver, c.Email.From = b.TempDir(), config.SMTP, "registrar@example.com"
	c.Email.SMTP.Host, c.Email.SMTP.Port, c.Email.SMTP.Security = "127.0.0.1", sink.port, "none"
	p, stop := startParts(b, c)
	defer stop()
	l := &codeLoad{parts: p, stamps: &stamps{next: p.relay, at: map[registration.ID]time.Time{}}, wire: sink.at}
	p.service.Announcer = l.stamps
	l.run(b, 40)
	for b.Loop() {
		report(b, "embedded broker, SQLite, SMTP, empty", l.run(b, 300))
	}
}
