package smtp_test

import (
	"testing"

	"registrar/internal/channel/smtp"
)

// BenchmarkSend is one message over a kept connection, against a server that
// does nothing with it.
func BenchmarkSend(b *testing.B) {
	p := newPeer(b, map[string]string{})
	s, err := smtp.New(smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, From: from})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for b.Loop() {
		if _, err := s.Send(b.Context(), messageTo("ada@example.com")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDialAndSend is the same with a connection for each message.
func BenchmarkDialAndSend(b *testing.B) {
	p := newPeer(b, map[string]string{})
	for b.Loop() {
		s, err := smtp.New(smtp.Config{Host: p.host, Port: p.port, Security: smtp.Plaintext, From: from})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Send(b.Context(), messageTo("ada@example.com")); err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
