package service_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

var (
	family = regexp.MustCompile(`(?m)^# TYPE (registrar_\w+) `)
	told   = regexp.MustCompile("`(registrar_\\w+)")
)

// names are the first groups of a pattern's matches, each once.
func names(pattern *regexp.Regexp, text []byte) (all []string) {
	for _, m := range pattern.FindAllSubmatch(text, -1) {
		all = append(all, string(m[1]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TestMetricsAreDocumented: with all parts configured, /metrics has what
// docs/operations.md explains, and nothing else of this program's, once somebody
// has registered.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	_, kafka := harness.Kafka(t)
	centre, err := devstack.StartSMSC(t.Context(), t.TempDir(), devstack.SMSCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(centre.Kill)
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+kafka+fmt.Sprintf(`
sms:
  driver: smpp
  smpp: {host: %s, port: %d, system_id: %s, password: %s, source: Example, timeout: 5s}
bounces: {maildir: %s}
`, centre.Host, centre.Port, centre.SystemID, centre.Password, filepath.Join(t.TempDir(), "bounces"))))
	s.Start(t)
	if _, err := s.Register(t.Context(), amina); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(names(told, page), func(n string) bool { return strings.HasPrefix(n, "registrar_tier_") }) // see TestTiers
	if len(want) < 20 {
		t.Fatalf("docs/operations.md explains %v", want)
	}
	harness.Eventually(t, 20*time.Second, func(ctx context.Context) error {
		_, text, err := s.Get(ctx, s.Admin+"/metrics")
		if err != nil {
			return err
		}
		got := names(family, text)
		var wrong []error
		for _, n := range want {
			if !slices.Contains(got, n) {
				wrong = append(wrong, errors.New("not on /metrics: "+n))
			}
		}
		for _, n := range got {
			if !slices.Contains(want, n) {
				wrong = append(wrong, errors.New("not in docs/operations.md: "+n))
			}
		}
		return errors.Join(wrong...)
	})
}
