package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReadyTellsWhatIsNotReady(t *testing.T) {
	t.Parallel()
	broken := func(context.Context) error { return errors.New("no answer") }
	works := func(context.Context) error { return nil }
	for _, tt := range []struct {
		name       string
		components map[string]telemetry.Component
		drain      bool
		status     int
	}{
		{"all work", map[string]telemetry.Component{"database": {Check: works, Required: true}, "queue": {Check: works}}, false, http.StatusOK},
		{"one that is not required is down", map[string]telemetry.Component{"database": {Check: works, Required: true}, "queue": {Check: broken}}, false, http.StatusOK},
		{"a required one is down", map[string]telemetry.Component{"database": {Check: broken, Required: true}, "queue": {Check: works}}, false, http.StatusServiceUnavailable},
		{"draining", map[string]telemetry.Component{"database": {Check: works, Required: true}}, true, http.StatusServiceUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := telemetry.NewHealth(time.Second, tt.components)
			if tt.drain {
				h.Drain()
			}
			rec := httptest.NewRecorder()
			h.Ready(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
			if rec.Code != tt.status {
				t.Errorf("status %d, want %d", rec.Code, tt.status)
			}
			var rep struct {
				Ready      bool
				Components map[string]struct {
					OK      bool
					Problem string
				}
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &rep); err != nil {
				t.Fatal(err)
			}
			if rep.Ready != (tt.status == http.StatusOK) || len(rep.Components) != len(tt.components) {
				t.Errorf("the report says %+v", rep)
			}
			for name, c := range rep.Components {
				if c.OK != (c.Problem == "") {
					t.Errorf("%s: ok %v with problem %q", name, c.OK, c.Problem)
				}
			}
		})
	}
}

func TestReadyDoesNotWaitForAHangingPart(t *testing.T) {
	t.Parallel()
	h := telemetry.NewHealth(20*time.Millisecond, map[string]telemetry.Component{"database": {Required: true, Check: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}}})
	rec := httptest.NewRecorder()
	h.Ready(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
	if rec.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", rec.Code)
	}
}

func TestCorrelation(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, tt := range []struct{ name, header, want string }{
		{"a traceparent is kept", parent, parent},
		{"one of another form is not", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n", ""},
		{"nor one of zeros", "00-00000000000000000000000000000000-b7ad6b7169203331-01", ""},
		{"none", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var logged strings.Builder
			logger, err := telemetry.NewLogger(&logged, "json", "info")
			if err != nil {
				t.Fatal(err)
			}
			var id, trace string
			h := telemetry.Correlate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				id, trace = telemetry.CorrelationID(r.Context()), telemetry.TraceParent(r.Context())
				logger.With(slog.String("part", "test")).InfoContext(r.Context(), "told")
			}))
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			req.Header.Set("Traceparent", tt.header)
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			if len(id) != 36 || rec.Header().Get("X-Correlation-Id") != id || !strings.Contains(logged.String(), id) {
				t.Errorf("id %q, header %q, log %s", id, rec.Header().Get("X-Correlation-Id"), logged.String())
			}
			if trace != tt.want {
				t.Errorf("trace %q, want %q", trace, tt.want)
			}
		})
	}
}

func TestLoggerRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	if _, err := telemetry.NewLogger(io.Discard, "xml", "info"); err == nil {
		t.Error("format xml was taken")
	}
	if _, err := telemetry.NewLogger(io.Discard, "text", "loud"); err == nil {
		t.Error("level loud was taken")
	}
}

func TestMetricsAreServed(t *testing.T) {
	t.Parallel()
	m := telemetry.NewMetrics("test")
	m.Request("Register", "1.1", "ok", 20*time.Millisecond)
	m.Attempt("email.transactional", "inbox", "DELIVERED")
	m.Latency("email.transactional", 30*time.Millisecond)
	m.Published(2, true)
	m.Poison("sms.otp")
	m.Total("registrar_hash_shed_total", "Shed.", func() float64 { return 3 })
	m.Gauge("registrar_outbox_rows", "Rows.", func() float64 { return 7 })
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`registrar_soap_requests_total{operation="Register",result="ok",soap="1.1"} 1`,
		`registrar_notification_attempts_total{lane="email.transactional",provider="inbox",state="DELIVERED"} 1`,
		`registrar_notification_latency_seconds_count{lane="email.transactional"} 1`,
		`registrar_outbox_published_total{result="ok"} 2`,
		`registrar_queue_poison_total{lane="sms.otp"} 1`,
		`registrar_outbox_rows 7`,
		`registrar_hash_shed_total 3`,
		`registrar_build_info{version="test"} 1`,
	} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("/metrics does not show %s", want)
		}
	}
}
