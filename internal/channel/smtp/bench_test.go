package smtp_test

import (
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"registrar/internal/channel/smtp"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// processorTime is what this process has used so far, in user and kernel mode.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// newsletter is a campaign's message of about 3 KiB.
func newsletter() notify.Message {
	m := messageTo("ada@example.com")
	m.Kind = registration.CampaignMessage
	m.Name, m.Subject = "Ada Lovelace", "News of the week"
	m.Text = strings.Repeat("Hello Ada, this is a line of some text.\n", 20)
	m.HTML = strings.Repeat("<p>Hello Ada, this is a line of some text.</p>\n", 40)
	m.Unsubscribe = "https://api.example.com/unsubscribe/0199c2a45c3e7b1f9a0d0f4e5a6b7c8d"
	return m
}

// benchmark sends by as many goroutines as there are connections, to a server
// in a process of its own, and reports the client's processor time a message.
func benchmark(b *testing.B, config smtp.Config) {
	b.Helper()
	config.Host, config.Port, config.Security, config.From = "127.0.0.1", startSink(b, "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN"), smtp.Plaintext, from
	s, err := smtp.New(config)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := newsletter()
	if _, err := s.Send(b.Context(), m); err != nil {
		b.Fatal(err)
	}
	before := processorTime(b)
	b.ReportAllocs()
	b.ResetTimer()
	var senders sync.WaitGroup
	for i := range config.Connections {
		senders.Go(func() {
			for range (b.N + i) / config.Connections {
				if _, err := s.Send(b.Context(), m); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	senders.Wait()
	b.StopTimer()
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N)/1000, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkSend(b *testing.B) {
	for _, connections := range []int{1, 2, 4, 8, 16} {
		b.Run(strconv.Itoa(connections), func(b *testing.B) { benchmark(b, smtp.Config{Connections: connections}) })
	}
}

// BenchmarkSigned is the same with signatures.
func BenchmarkSigned(b *testing.B) {
	for _, algorithms := range [][]string{{"ed25519"}, {"rsa"}, {"ed25519", "rsa"}} {
		b.Run(strings.Join(algorithms, " and "), func(b *testing.B) {
			var d smtp.DKIM
			for _, a := range algorithms {
				file, _ := newKey(b, a)
				d.Keys = append(d.Keys, smtp.DKIMKey{Selector: a, File: file})
			}
			benchmark(b, smtp.Config{Connections: 8, DKIM: d})
		})
	}
}

// BenchmarkCompose is the mail alone.
func BenchmarkCompose(b *testing.B) {
	s, err := smtp.New(smtp.Config{Host: "127.0.0.1", Port: 1, Security: smtp.Plaintext, From: from})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := newsletter()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Compose(m); err != nil {
			b.Fatal(err)
		}
	}
}
