package faults_test

import (
	"context"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/mail"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// mailServer takes mail, slowly and with faults when it is told to, and counts
// what it has taken by Message-ID.
type mailServer struct {
	Port int

	mu     sync.Mutex
	taken  map[string]int       // by notification
	codes  map[string]string    // the last code, by address
	first  map[string]time.Time // when the first one came, by notification
	faulty bool
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{Port: l.Addr().(*net.TCPAddr).Port, taken: map[string]int{}, codes: map[string]string{}, first: map[string]time.Time{}}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &mailSession{server: m, conn: c.Conn()}, nil }))
	server.Domain = "sink.example"
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return m
}

func (m *mailServer) setFaulty(faulty bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faulty = faulty
}

func (m *mailServer) code(address string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.codes[address]
}

func (m *mailServer) counts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.taken)
}

// arrivals says when each notification first came.
func (m *mailServer) arrivals() map[string]time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.first)
}

type mailSession struct {
	server *mailServer
	conn   net.Conn
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

// Data takes a message. A faulty server takes its time, now and then refuses
// for the moment, and now and then takes a message and has no answer.
func (s *mailSession) Data(r io.Reader) error {
	came := time.Now()
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(message.Body)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	faulty := s.server.faulty
	s.server.mu.Unlock()
	luck := 100
	if faulty {
		time.Sleep(rand.N(30 * time.Millisecond))
		luck = rand.IntN(100)
	}
	if luck < 3 {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not now"}
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(message.Header.Get("Message-ID"), "<"), "@")
	to, err := message.Header.AddressList("To")
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	s.server.taken[id]++
	if s.server.taken[id] == 1 {
		s.server.first[id] = came
	}
	if code := sixDigits.FindString(string(body)); code != "" {
		s.server.codes[to[0].Address] = code
	}
	s.server.mu.Unlock()
	if luck < 5 {
		_ = s.conn.Close()
	}
	return nil
}

// eventually asks for a value until it is there or ctx ends.
func eventually(ctx context.Context, ask func() string) string {
	for {
		if s := ask(); s != "" {
			return s
		}
		select {
		case <-ctx.Done():
			return ""
		case <-time.After(20 * time.Millisecond):
		}
	}
}
