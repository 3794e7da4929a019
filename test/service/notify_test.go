package service_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// lanesOf are the lanes in which a process has sent something.
func lanesOf(t *testing.T, s *harness.Service) (lanes []string) {
	t.Helper()
	_, page, err := s.Get(t.Context(), s.Admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if rest, found := strings.CutPrefix(line, `registrar_notification_attempts_total{lane="`); found {
			lane, _, _ := strings.Cut(rest, `"`)
			lanes = append(lanes, lane)
		}
	}
	slices.Sort(lanes)
	return slices.Compact(lanes)
}

// TestLanesInProcessesOfTheirOwn: codes by one, news by another, registrations by
// a third; each goes on while another is away.
func TestLanesInProcessesOfTheirOwn(t *testing.T) {
	t.Parallel()
	_, database := harness.MariaDB(t)
	_, kafka := harness.Kafka(t)
	shared := harness.CheapHash + database + kafka
	s := harness.New(t, "--config", harness.Config(t, shared+"notify: {lanes: [none]}\n"))
	s.Start(t)
	config := harness.Config(t, shared)
	codes := harness.Notifier(t, "--config", config, "--lanes", "sms.otp,email.otp")
	news := harness.Notifier(t, "--config", config, "--lanes", "email.transactional,sms.transactional")
	news.Start(t)

	// Without a process for codes they wait.
	first, err := s.Register(t.Context(), amina)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if n, err := s.InboxCount(t.Context()); err != nil || n != 0 {
		t.Errorf("%d messages without anybody for their lanes, %v", n, err)
	}
	codes.Start(t)
	verify := func(id, address string) {
		t.Helper()
		if v, err := s.Verify(t.Context(), id, "EMAIL", awaitCode(t, s, address, 1)); err != nil || v.Status != "ACTIVE" {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	verify(first.RegistrationID, amina.Email)
	awaitAddresses(t, s, "+966512345678", "+966512345678", "amina@example.com", "amina@example.com")

	// Without a process for news codes come as before, and the news waits.
	if err := news.Stop(20 * time.Second); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, news.Log(t))
	}
	second, err := s.Register(t.Context(), noura)
	if err != nil {
		t.Fatal(err)
	}
	verify(second.RegistrationID, noura.Email)
	time.Sleep(2 * time.Second)
	awaitAddresses(t, s, "+966512345678", "+966512345678", "amina@example.com", "amina@example.com", "noura@example.com")
	news.Start(t)
	awaitAddresses(t, s, "+966512345678", "+966512345678", "amina@example.com", "amina@example.com", "noura@example.com", "noura@example.com")

	harness.Eventually(t, 10*time.Second, func(context.Context) error { // it is counted when it is settled
		for _, p := range []struct {
			of   *harness.Service
			want []string
		}{{s, nil}, {codes, []string{"email.otp", "sms.otp"}}, {news, []string{"email.transactional"}}} {
			if got := lanesOf(t, p.of); !slices.Equal(got, p.want) {
				return fmt.Errorf("a process has sent in the lanes %v, want %v", got, p.want)
			}
		}
		return nil
	})
	for _, p := range []*harness.Service{codes, news} {
		if status, _, err := p.Get(t.Context(), p.Admin+"/inbox"); err != nil || status != 404 {
			t.Errorf("a process of lanes has an inbox: HTTP %d, %v", status, err)
		}
		if err := p.Stop(20 * time.Second); err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.Log(t))
		}
	}
}
