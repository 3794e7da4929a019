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
	"sync/atomic"
	"testing"
	"time"

	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/devstack"
	"registrar/internal/lane"
	"registrar/internal/registration"
	"registrar/test/harness"
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

// at is when a code's mail came.
func (s *mailSink) at(n registration.Notification) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.came[n.ID.String()]
	return t, ok
}

// smsSink is an SMSC that notes messages to the numbers of codes alone.
type smsSink struct {
	*devstack.SMSC
	mu   sync.Mutex
	came map[string]time.Time // submit_sm, by number
	read time.Time            // the journal, last
}

// codeNumbers is how the numbers begin that codes go to, and no campaign.
const codeNumbers = "9665"

func startSMSSink(b *testing.B) *smsSink {
	b.Helper()
	smsc, err := devstack.StartSMSC(b.Context(), b.TempDir(), devstack.SMSCOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(smsc.Stop)
	if err := smsc.Behave(b.Context(), devstack.SMSCBehaviour{JournalPrefix: codeNumbers}); err != nil {
		b.Fatal(err)
	}
	return &smsSink{SMSC: smsc, came: map[string]time.Time{}}
}

// at is when a code's SMS came.
func (s *smsSink) at(n registration.Notification) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number := strings.TrimPrefix(n.Recipient, "+")
	if t, ok := s.came[number]; ok {
		return t, true
	}
	if time.Since(s.read) < time.Second {
		return time.Time{}, false
	}
	s.read = time.Now()
	submits, err := s.Submits()
	if err != nil {
		return time.Time{}, false
	}
	for _, m := range submits {
		to := strings.TrimPrefix(m.Destination, "+")
		if _, again := s.came[to]; !again {
			s.came[to] = time.UnixMicro(m.At)
		}
	}
	t, ok := s.came[number]
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
	next    registration.Announcer
	channel registration.Channel
	mu      sync.Mutex
	codes   []committed
}

type committed struct {
	registration.Notification
	at time.Time
}

func (s *stamps) Announce(notifications []registration.Notification) {
	now := time.Now()
	s.mu.Lock()
	for _, n := range notifications {
		if n.Kind == registration.VerificationCode && n.Channel == s.channel {
			s.codes = append(s.codes, committed{n, now})
		}
	}
	s.mu.Unlock()
	s.next.Announce(notifications)
}

// codeLoad is a service whose codes are watched from the commit to the wire.
type codeLoad struct {
	parts  *parts
	stamps *stamps
	wire   func(registration.Notification) (time.Time, bool)
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
	request := registration.Request{
		Username: strings.ToLower(name)[:min(60, len(name))], Email: fmt.Sprintf("person%d@example.com", l.people), Password: "velvet-anchor-tuesday", Locale: "en",
	}
	if l.stamps.channel == registration.SMSChannel {
		request.MobileNumber = fmt.Sprintf("+%s%08d", codeNumbers, 10_000_000+l.people)
	}
	if _, err := l.parts.service.Register(b.Context(), request); err != nil {
		b.Error(err)
	}
}

// run registers n people as a Poisson process of 20 a second, whatever the
// answers take, and gives how long their codes took from the commit to the wire.
func (l *codeLoad) run(b *testing.B, n int) []time.Duration {
	b.Helper()
	l.stamps.mu.Lock()
	l.stamps.codes = nil
	l.stamps.mu.Unlock()
	var calls sync.WaitGroup
	next := time.Now()
	for range n {
		next = next.Add(time.Duration(rand.ExpFloat64() * float64(time.Second/20)))
		time.Sleep(time.Until(next))
		calls.Go(func() { l.register(b) })
		calls.Wait() // the commit is not measured; the next arrival's time does not depend on it
	}
	var took []time.Duration
	deadline := time.Now().Add(30 * time.Second)
	for _, c := range l.stamps.codes {
		for {
			if at, ok := l.wire(c.Notification); ok {
				took = append(took, at.Sub(c.at))
				break
			}
			if time.Now().After(deadline) {
				b.Errorf("a code is not there after %v", time.Since(c.at))
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

// mailConfig is a service that writes to sink, on the embedded default.
func mailConfig(b *testing.B, sink *mailSink) config.Config {
	c := config.Default()
	c.DataDir, c.Email.Driver, c.Email.From, c.PublicURL = b.TempDir(), config.SMTP, "registrar@example.com", "https://registrar.example.com"
	c.Email.SMTP.Host, c.Email.SMTP.Port, c.Email.SMTP.Security = "127.0.0.1", sink.port, "none"
	return c
}

// populate makes n people who may be written to, and tells nobody.
func populate(b *testing.B, p *parts, n int) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				_, err := p.service.Register(context.Background(), registration.Request{
					Username: fmt.Sprintf("reader%d", i), Email: fmt.Sprintf("reader%d@example.com", i), Password: "velvet-anchor-tuesday", Locale: "en",
					FirstName: "Ada", MobileNumber: fmt.Sprintf("+4917%09d", i), MarketingConsent: true, Silent: true, Verified: true,
				})
				if err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// startCampaign starts a campaign to everybody.
func startCampaign(b *testing.B, p *parts, channel registration.Channel, name string) {
	b.Helper()
	s := campaignsOf(p.db)
	if _, err := s.Create(b.Context(), campaign.Campaign{Name: name, Channel: channel, Template: "welcome-back", Life: 24 * time.Hour}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Start(b.Context(), name); err != nil {
		b.Fatal(err)
	}
}

// number is a figure of the environment.
func number(b *testing.B, variable string, otherwise int) int {
	b.Helper()
	s := os.Getenv(variable)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		b.Fatalf("%s=%q is no number", variable, s)
	}
	return n
}

// providerRate is at how many messages a second the backlog is sent.
const providerRate = 1000

// BenchmarkOTP is how long a one-time code takes from the commit to the
// provider's wire, alternately on an empty queue and behind a backlog of
// marketing that is being sent at the provider's rate, all with the ledger and
// every write synced.
func BenchmarkOTP(b *testing.B) {
	mail := func(b *testing.B, what string, adjust func(*testing.B, *config.Config)) {
		sink := startMailSink(b, true)
		c := mailConfig(b, sink)
		adjust(b, &c)
		otp(b, what+", SMTP", c, registration.EmailChannel, sink.at)
	}
	sms := func(b *testing.B, what string, adjust func(*testing.B, *config.Config)) {
		sink := startSMSSink(b)
		c := config.Default()
		c.DataDir, c.SMS.Driver = b.TempDir(), config.SMPP
		c.SMS.SMPP.Host, c.SMS.SMPP.Port, c.SMS.SMPP.SystemID, c.SMS.SMPP.Password, c.SMS.SMPP.Source = sink.Host, sink.Port, sink.SystemID, config.Secret(sink.Password), "Registrar"
		adjust(b, &c)
		otp(b, what+", SMPP", c, registration.SMSChannel, sink.at)
	}
	embedded := func(*testing.B, *config.Config) {}
	b.Run("embedded-smtp", func(b *testing.B) { mail(b, "embedded broker, SQLite", embedded) })
	b.Run("embedded-smpp", func(b *testing.B) { sms(b, "embedded broker, SQLite", embedded) })
	b.Run("kafka-smtp", func(b *testing.B) { mail(b, "Kafka, MariaDB", useServers) })
	b.Run("kafka-smpp", func(b *testing.B) { sms(b, "Kafka, MariaDB", useServers) })
}

// useServers gives c a MariaDB and a Kafka broker of its own.
func useServers(b *testing.B, c *config.Config) {
	b.Helper()
	node, _ := harness.MariaDB(b)
	cluster, _ := harness.Kafka(b)
	c.Database.Driver, c.Database.Addresses, c.Database.User, c.Database.Password = config.MariaDB, []string{node.Address}, node.User, config.Secret(node.Password)
	c.Kafka.Brokers = cluster.Brokers()
	c.Codes.Key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
}

// otp measures one kind of installation: half of the codes on an empty queue,
// before and after those behind the backlog.
func otp(b *testing.B, what string, c config.Config, channel registration.Channel, wire func(registration.Notification) (time.Time, bool)) {
	codes, backlog := number(b, "OTP_CODES", 400), number(b, "OTP_BACKLOG", 20_000)
	c.Email.Rate, c.SMS.Rate, c.Events.Enabled = providerRate, providerRate, false
	lanes := map[registration.Channel]struct{ code, marketing lane.Lane }{
		registration.EmailChannel: {lane.EmailOTP, lane.EmailMarketing}, registration.SMSChannel: {lane.SMSOTP, lane.SMSMarketing},
	}[channel]
	l := &codeLoad{wire: wire}
	measure := func(stage string, n int, lanes []string, before func(p *parts)) []time.Duration {
		c.Notify.Lanes = lanes
		p, stop := startParts(b, c)
		defer stop()
		l.parts, l.stamps = p, &stamps{next: p.relay, channel: channel}
		p.service.Announcer = l.stamps
		if before != nil {
			before(p)
		}
		if n == 0 {
			return nil
		}
		l.run(b, 40)
		took := l.run(b, n)
		report(b, what+", "+stage, took)
		return took
	}
	for b.Loop() {
		empty := measure("empty", codes/2, nil, nil)
		measure("", 0, []string{string(lanes.code)}, func(p *parts) { enqueue(b, p, lanes.marketing, backlog) })
		behind := measure("behind the backlog", codes, nil, func(p *parts) { time.Sleep(5 * time.Second) })
		c.DataDir = b.TempDir()
		if c.Database.Driver == config.SQLite {
			empty = append(empty, measure("empty again", codes/2, nil, nil)...)
		}
		slices.Sort(empty)
		report(b, what+", empty in all", empty)
		for name, p := range map[string]float64{"p50": 0.5, "p99": 0.99, "max": 1} {
			b.ReportMetric(percentile(behind, p), name+"-ms-behind")
			b.ReportMetric(percentile(behind, p)/percentile(empty, p), name+"-ratio")
		}
	}
}

// enqueue has campaigns to many people put n messages at least into the queue,
// which nobody takes out.
func enqueue(b *testing.B, p *parts, l lane.Lane, n int) {
	b.Helper()
	const people = 20_000
	began := time.Now()
	populate(b, p, min(n, people))
	for i := range (n + people - 1) / people {
		startCampaign(b, p, l.Channel(), fmt.Sprintf("backlog-%d", i))
	}
	for have := 0; have < n; time.Sleep(time.Second) {
		var err error
		if have, _, err = p.db.Outbox().Depth(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	fed := time.Since(began)
	for {
		due, err := p.db.Outbox().Due(b.Context(), []lane.Lane{l}, time.Now().Add(time.Minute), 1)
		if err != nil {
			b.Fatal(err)
		}
		if len(due) == 0 {
			break
		}
		time.Sleep(time.Second)
	}
	fmt.Printf("%d marketing messages queued in %v, with the broker after %v\n", n, fed.Round(time.Second), time.Since(began).Round(time.Second))
}

// BenchmarkBulk is a campaign from its start to the last mail at the sink.
func BenchmarkBulk(b *testing.B) {
	sink := startMailSink(b, false)
	n := number(b, "BULK_PEOPLE", 100_000)
	p, stop := startParts(b, mailConfig(b, sink))
	defer stop()
	began := time.Now()
	populate(b, p, n)
	fmt.Printf("%d people in %v\n", n, time.Since(began).Round(time.Millisecond))
	for b.Loop() {
		before, cpu := sink.messages(), processCPU(b)
		began := time.Now()
		startCampaign(b, p, registration.EmailChannel, fmt.Sprintf("bulk-%d", began.UnixNano()))
		last, lastAt, most := before, began, 0
		var samples []int // by the second
		for last < before+n && time.Since(lastAt) < time.Minute {
			time.Sleep(time.Second)
			now := sink.messages()
			samples = append(samples, now)
			if n := len(samples); n > 10 {
				most = max(most, samples[n-1]-samples[n-11])
			}
			if now != last {
				fmt.Printf("%6.1fs %d\n", time.Since(began).Seconds(), now-before)
				last, lastAt = now, time.Now()
			}
		}
		took := lastAt.Sub(began)
		cpu = processCPU(b) - cpu
		if last != before+n {
			b.Errorf("%d messages, want %d", last-before, n)
		}
		b.ReportMetric(float64(n)/took.Minutes(), "messages/min")
		b.ReportMetric(float64(6*most), "messages/min-best-10s") // nobody is being chosen any more
		b.ReportMetric(float64(cpu.Microseconds())/float64(n), "µs-cpu/message")
	}
}
