package telemetry

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Check says whether a part works, within ctx. Its error is told to whoever
// asks /readyz: it must name no value of a request.
type Check func(ctx context.Context) error

// Component is one part that health speaks of.
type Component struct {
	Check Check
	// Required: while the part does not work, the process is not ready. One
	// that is not required is told and changes nothing.
	Required bool
}

// Health answers /livez and /readyz. Its zero value is not usable; see NewHealth.
type Health struct {
	components map[string]Component
	draining   atomic.Bool
	timeout    time.Duration
}

// NewHealth watches the named components; each Check has timeout.
func NewHealth(timeout time.Duration, components map[string]Component) *Health {
	return &Health{components: maps.Clone(components), timeout: timeout}
}

// Drain makes the process not ready for good, before it stops.
func (h *Health) Drain() { h.draining.Store(true) }

// Live answers 200 while the process can answer at all.
func (h *Health) Live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

type componentReport struct {
	OK       bool   `json:"ok"`
	Required bool   `json:"required"`
	Problem  string `json:"problem,omitempty"`
}

type report struct {
	Ready      bool                       `json:"ready"`
	Draining   bool                       `json:"draining,omitempty"`
	Components map[string]componentReport `json:"components"`
}

// Ready answers 200 when every required component works, else 503, and says
// in JSON how each component is.
func (h *Health) Ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), h.timeout)
	defer cancel()
	rep := report{Ready: !h.draining.Load(), Draining: h.draining.Load(), Components: map[string]componentReport{}}
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(h.components))
	for _, name := range slices.Sorted(maps.Keys(h.components)) {
		go func() { results <- result{name, h.components[name].Check(ctx)} }()
	}
	for range h.components {
		res := <-results
		c := h.components[res.name]
		one := componentReport{OK: res.err == nil, Required: c.Required}
		if res.err != nil {
			one.Problem = res.err.Error()
			rep.Ready = rep.Ready && !c.Required
		}
		rep.Components[res.name] = one
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !rep.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(rep)
}
