package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

type (
	correlationKey struct{}
	traceKey       struct{}
)

// Correlate gives every request a correlation id, a fresh UUID that a fault
// tells the caller and every log line of the request carries, and keeps the
// request's W3C traceparent. The id also goes into the X-Correlation-Id header.
func Correlate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		w.Header().Set("X-Correlation-Id", id)
		ctx := context.WithValue(r.Context(), correlationKey{}, id)
		if parent := r.Header.Get("Traceparent"); isTraceParent(parent) {
			ctx = context.WithValue(ctx, traceKey{}, parent)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// CorrelationID is the id of ctx's request, "" outside one.
func CorrelationID(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

// TraceParent is the W3C Trace Context of ctx's request, "" for none.
func TraceParent(ctx context.Context) string {
	parent, _ := ctx.Value(traceKey{}).(string)
	return parent
}

// Origin is what ctx's request is part of: its correlation id and its W3C Trace
// Context, "" for none.
func Origin(ctx context.Context) (correlation, traceParent string) {
	return CorrelationID(ctx), TraceParent(ctx)
}

// WithOrigin gives ctx the Origin that another process has told. What is not of
// its form is left out, and a correlation id is made where there is none.
func WithOrigin(ctx context.Context, correlation, traceParent string) context.Context {
	if _, err := uuid.Parse(correlation); err != nil {
		correlation = uuid.NewString()
	}
	ctx = context.WithValue(ctx, correlationKey{}, correlation)
	if isTraceParent(traceParent) {
		ctx = context.WithValue(ctx, traceKey{}, traceParent)
	}
	return ctx
}

// isTraceParent checks the form of version 00 (W3C Trace Context, section 3.2.2).
func isTraceParent(s string) bool {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	hex := s[3:35] + s[36:52] + s[53:]
	return strings.Trim(hex, "0123456789abcdef") == "" && strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}

// correlatingHandler adds the correlation id of a record's context.
type correlatingHandler struct{ slog.Handler }

func (h correlatingHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := CorrelationID(ctx); id != "" {
		r.AddAttrs(slog.String("correlation_id", id))
	}
	return h.Handler.Handle(ctx, r) //nolint:wrapcheck // a decorator
}

func (h correlatingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlatingHandler{h.Handler.WithAttrs(attrs)}
}

func (h correlatingHandler) WithGroup(name string) slog.Handler {
	return correlatingHandler{h.Handler.WithGroup(name)}
}
