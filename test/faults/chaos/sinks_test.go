package chaos_test

import (
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// The kinds of notifications that persons are sent.
const (
	kindCode = "VERIFICATION_CODE"
	kindNews = "REGISTRATION_COMPLETED"
)

// sinks are where notifications end: what came is read from the disks of the
// mail server and the message centre, whether these run or not.
type sinks struct {
	mail *devstack.SMTP
	smsc *devstack.SMSC

	mu      sync.Mutex
	journal int64 // read so far
	firsts  []int // the number of the first person of each round
	rounds  map[int]*arrivals
	codes   map[string]string // the last one, by recipient
	stray   []violation
	failed  error
}

// arrivals are what came for the persons of a round.
type arrivals struct {
	mails map[string]*arrival // by notification
	texts map[text]int
}

// arrival is a notification by e-mail.
type arrival struct {
	times    int
	to, kind string
}

// text is all that tells one SMS from another here.
type text struct{ to, kind string }

func newSinks(mail *devstack.SMTP, smsc *devstack.SMSC) *sinks {
	return &sinks{mail: mail, smsc: smsc, rounds: map[int]*arrivals{}, codes: map[string]string{}}
}

// watch reads what comes until the returned function is called.
func (s *sinks) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = s.read() // told to whoever asks next
			}
		}
	}()
	return func() {
		cancel()
		<-over
	}
}

// begin opens a round whose first person has this number, and forgets those
// before the last one.
func (s *sinks) begin(round, first int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.firsts) <= round {
		s.firsts = append(s.firsts, first)
	}
	s.rounds[round] = &arrivals{mails: map[string]*arrival{}, texts: map[text]int{}}
	delete(s.rounds, round-2)
	clear(s.codes)
}

// of gives what came for a round, up to now. Nobody may be adding to it.
func (s *sinks) of(round int) (*arrivals, []violation, error) {
	err := s.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	stray := s.stray
	s.stray = nil
	return s.rounds[round], stray, err
}

// read takes in what has come.
func (s *sinks) read() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	s.failed = s.take()
	return s.failed
}

func (s *sinks) take() error {
	mails, err := s.mail.Take()
	if err != nil {
		return err
	}
	for _, m := range mails {
		if err := s.takeMail(m); err != nil {
			return err
		}
	}
	events, next, err := s.smsc.EventsFrom(s.journal)
	s.journal = next
	for _, e := range events {
		if e.Event == "submit" && e.Status == 0 {
			s.takeText("+"+strings.TrimPrefix(e.Destination, "+"), e.Text)
		}
	}
	return err
}

func (s *sinks) takeMail(m *mail.Message) error {
	to, err := m.Header.AddressList("To")
	if err != nil || len(to) != 1 {
		return fmt.Errorf("a mail to %d: %w", len(to), err)
	}
	body, err := plain(m)
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(m.Header.Get("Message-ID"), "<"), "@")
	address, kind := to[0].Address, s.kind(to[0].Address, body)
	round := s.rounds[roundOf(address)]
	if round == nil {
		s.stray = append(s.stray, violation{"stray", "a mail to " + address + ", long after its round"})
		return nil
	}
	if round.mails[id] == nil {
		round.mails[id] = &arrival{to: address, kind: kind}
	}
	round.mails[id].times++
	return nil
}

func (s *sinks) takeText(to, body string) {
	kind := s.kind(to, body)
	number, err := strconv.Atoi(to[len(to)-min(len(to), 7):])
	if err != nil {
		s.stray = append(s.stray, violation{"stray", "an SMS to " + to})
		return
	}
	i, exact := slices.BinarySearch(s.firsts, number)
	if !exact {
		i--
	}
	round := s.rounds[i]
	if round == nil {
		s.stray = append(s.stray, violation{"stray", "an SMS to " + to + ", long after its round"})
		return
	}
	round.texts[text{to, kind}]++
}

// kind tells codes, which are remembered, from news.
func (s *sinks) kind(to, body string) string {
	if code := harness.CodeIn(body); code != "" {
		s.codes[to] = code
		return kindCode
	}
	return kindNews
}

// plain is the text part of a mail, which comes before its HTML.
func plain(m *mail.Message) (string, error) {
	kind, with, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	body := m.Body
	if strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(m.Body, with["boundary"]).NextPart()
		if err != nil {
			return "", err
		}
		body = part
	}
	text, err := io.ReadAll(body)
	return string(text), err
}

// await waits for a recipient's code as long as a person has patience, and no
// longer than a second after the load is over. It gives "" for none.
func (s *sinks) await(loading context.Context, to string) string {
	var over <-chan time.Time
	loaded := loading.Done()
	given := time.After(patience)
	for {
		s.mu.Lock()
		code := s.codes[to]
		s.mu.Unlock()
		if code != "" {
			return code
		}
		select {
		case <-loaded:
			over, loaded = time.After(time.Second), nil
		case <-over:
			return ""
		case <-given:
			return ""
		case <-time.After(50 * time.Millisecond):
		}
	}
}
