package service_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"registrar/test/harness"
)

// TestTheSecondProviderTakesOver: the first one takes no connections; the code
// goes by the second one at once, and both channels keep their own lists.
func TestTheSecondProviderTakesOver(t *testing.T) {
	t.Parallel()
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = away.Close() // its port refuses
	var taken atomic.Int64
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		taken.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(here.Close)
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+fmt.Sprintf(`
sms:
  providers:
  - {name: away, driver: http, rate: 50, http: {url: "http://%s/", body: "{{.To}} {{.Text}}", timeout: 5s}}
  - {name: here, driver: http, http: {url: "%s/", body: "{{.To}} {{.Text}}", timeout: 5s}}
`, away.Addr(), here.URL)))
	s.Start(t)
	if _, err := s.Register(t.Context(), amina); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		_, page, err := s.Get(ctx, s.Admin+"/metrics")
		if err != nil {
			return err
		}
		for _, want := range []string{
			`registrar_notification_attempts_total{lane="sms.otp",provider="here",state="ACCEPTED"} 1`,
			`registrar_provider_open{provider="away"} 0`,
			`registrar_provider_open{provider="here"} 0`,
			`registrar_provider_open{provider="inbox"} 0`,
		} {
			if !strings.Contains(string(page), want) {
				return fmt.Errorf("no %s in the metrics", want)
			}
		}
		return nil
	})
	if n := taken.Load(); n != 1 {
		t.Errorf("the second provider took %d messages", n)
	}
	quiet(t, s)
}
