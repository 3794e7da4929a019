package telemetry

import (
	"cmp"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is every figure that /metrics shows. Labels have few values, fixed
// by the program: operations, codes, lanes, providers.
type Metrics struct {
	registry      *prometheus.Registry
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	callers       *prometheus.CounterVec
	notifications *prometheus.CounterVec
	latency       *prometheus.HistogramVec
	published     *prometheus.CounterVec
	poison        *prometheus.CounterVec
	fed           prometheus.Counter
	swept         *prometheus.CounterVec
	providers     *prometheus.GaugeVec
	throttled     *prometheus.CounterVec
	paced         *prometheus.HistogramVec
	receipts      *prometheus.CounterVec
	bounces       *prometheus.CounterVec
	shadow        *prometheus.CounterVec
	tierCalls     *prometheus.CounterVec
	tierDuration  *prometheus.HistogramVec
	tierRepeats   *prometheus.CounterVec
	tierGivenUp   prometheus.Counter
	tierServed    *prometheus.CounterVec
	tierServing   *prometheus.HistogramVec
	passwords     *prometheus.CounterVec
}

// tierBuckets are for calls between web servers and application servers.
var tierBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewMetrics makes the metrics in a registry of their own.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_soap_requests_total", Help: "SOAP requests by operation, SOAP version and result: ok or the fault's code.",
		}, []string{"operation", "soap", "result"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "registrar_soap_request_seconds", Help: "Time from the request's headers to the answer's end.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		callers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_caller_requests_total", Help: "SOAP requests by caller and what the gateway decided; the caller is empty where it is not known.",
		}, []string{"caller", "result"}),
		notifications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_notification_attempts_total", Help: "Attempts to send a notification by lane, provider and the state that they led to.",
		}, []string{"lane", "provider", "state"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "registrar_notification_latency_seconds", Help: "Time from a notification's creation to a provider's acceptance.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
		}, []string{"lane"}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_outbox_published_total", Help: "Messages published from the outbox by result: ok or error.",
		}, []string{"result"}),
		poison: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_queue_poison_total", Help: "Messages that could not be decoded and went to the dead-letter topic, by lane.",
		}, []string{"lane"}),
		fed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "registrar_campaign_chosen_total", Help: "Notifications that were queued for campaigns.",
		}),
		swept: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_notifications_swept_total", Help: "Messages that a notifier found in the ledger because no queue had brought them in time, by lane.",
		}, []string{"lane"}),
		providers: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "registrar_provider_open", Help: "1 while the provider is left alone because it failed several times in a row, 0.5 while it is tried again, 0 while it works.",
		}, []string{"provider"}),
		throttled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_provider_throttled_total", Help: "Messages that a provider did not take because of its own limit.",
		}, []string{"provider"}),
		paced: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "registrar_provider_wait_seconds", Help: "How long messages waited for their turn in a provider's rate, of those that had to.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 30},
		}, []string{"provider", "lane"}),
		receipts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_delivery_receipts_total", Help: "Delivery receipts by provider and result: changed, unchanged, postponed (asked for again) or dropped (of no message that is known).",
		}, []string{"provider", "result"}),
		bounces: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_bounces_total", Help: "Mail that came back by result: failed, delivered, complaint, unchanged, unmatched (of nothing that was sent), no_report or unreadable.",
		}, []string{"result"}),
		shadow: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_shadow_total", Help: "Registrations in shadow mode by caller, what they came to here, and what the caller says that they came to there.",
		}, []string{"caller", "ours", "theirs"}),
		tierCalls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_tier_calls_total", Help: "Calls of this web server to application servers by method and result: ok or the error's code.",
		}, []string{"method", "result"}),
		tierDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "registrar_tier_call_seconds", Help: "How long such calls took in all, with what was made again.", Buckets: tierBuckets,
		}, []string{"method"}),
		tierRepeats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_tier_repeats_total", Help: "Calls that were made again at another application server, since one was lost under them, by method.",
		}, []string{"method"}),
		tierGivenUp: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "registrar_tier_given_up_total", Help: "Application servers that did not answer any more, and whose connections were ended for that.",
		}),
		tierServed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_tier_served_total", Help: "Calls of web servers that this application server answered, by method and result: ok or the error's code.",
		}, []string{"method", "result"}),
		tierServing: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "registrar_tier_serve_seconds", Help: "How long such calls took here.", Buckets: tierBuckets,
		}, []string{"method"}),
		passwords: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "registrar_password_verifications_total", Help: "Passwords that were to be verified by outcome: valid, invalid, limited (too many wrong ones) or error.",
		}, []string{"outcome"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "registrar_build_info", Help: "1; the version is the label.", ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	m.shadow.WithLabelValues("", "REGISTERED", "REGISTERED") // shown before anybody is in shadow mode
	for _, result := range []string{"ok", "error"} {
		m.published.WithLabelValues(result)
	}
	m.registry.MustRegister(m.requests, m.duration, m.callers, m.notifications, m.latency, m.published, m.poison, m.fed, m.swept, m.providers, m.throttled, m.paced, m.receipts, m.bounces, m.shadow, m.tierCalls, m.tierDuration, m.tierRepeats, m.tierServed, m.tierServing, m.passwords, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics in Prometheus' text form.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gauge shows what read gives at each scrape. It panics on a name given twice.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// Total shows what read gives at each scrape, which only grows; its name ends
// in _total. It panics on a name given twice.
func (m *Metrics) Total(name, help string, read func() float64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Request counts a SOAP request.
func (m *Metrics) Request(operation, soapVersion, result string, took time.Duration) {
	m.requests.WithLabelValues(operation, soapVersion, result).Inc()
	m.duration.WithLabelValues(operation).Observe(took.Seconds())
}

// Web shows what only a web server counts, with nothing counted.
func (m *Metrics) Web() { m.registry.MustRegister(m.tierGivenUp) }

// TierCall counts a call to an application server by the code of its error, ""
// for none, and notes how long it took.
func (m *Metrics) TierCall(method, code string, took time.Duration) {
	m.tierCalls.WithLabelValues(method, cmp.Or(code, "ok")).Inc()
	m.tierDuration.WithLabelValues(method).Observe(took.Seconds())
}

// TierRepeat counts a call that is made at another application server.
func (m *Metrics) TierRepeat(method string) { m.tierRepeats.WithLabelValues(method).Inc() }

// TierGivenUp counts an application server that does not answer.
func (m *Metrics) TierGivenUp() { m.tierGivenUp.Inc() }

// TierServed is TierCall at the application server.
func (m *Metrics) TierServed(method, code string, took time.Duration) {
	m.tierServed.WithLabelValues(method, cmp.Or(code, "ok")).Inc()
	m.tierServing.WithLabelValues(method).Observe(took.Seconds())
}

// PasswordVerifications shows what is counted of an outcome, with nothing counted.
func (m *Metrics) PasswordVerifications(outcome string) { m.passwords.WithLabelValues(outcome) }

// PasswordVerification counts a password that was to be verified.
func (m *Metrics) PasswordVerification(outcome string) {
	m.passwords.WithLabelValues(outcome).Inc()
}

// Admission counts what was decided about a caller's request.
func (m *Metrics) Admission(caller, result string) { m.callers.WithLabelValues(caller, result).Inc() }

// Lane shows what is counted of a lane from now on, with nothing counted: an
// alert on an increase sees the first one too.
func (m *Metrics) Lane(lane string) {
	m.latency.WithLabelValues(lane)
	m.swept.WithLabelValues(lane)
	m.poison.WithLabelValues(lane)
}

// Provider is as Lane, of a lane's provider.
func (m *Metrics) Provider(provider, lane string) {
	m.throttled.WithLabelValues(provider)
	m.paced.WithLabelValues(provider, lane)
}

// Receipts is as Lane, of a provider's delivery receipts.
func (m *Metrics) Receipts(provider string, results ...string) {
	for _, r := range results {
		m.receipts.WithLabelValues(provider, r)
	}
}

// Bounces is as Lane, of a result of mail that comes back.
func (m *Metrics) Bounces(result string) { m.bounces.WithLabelValues(result) }

// Attempt counts an attempt to send a notification.
func (m *Metrics) Attempt(lane, provider, state string) {
	m.notifications.WithLabelValues(lane, provider, state).Inc()
}

// Latency notes how long a notification took until a provider had it.
func (m *Metrics) Latency(lane string, took time.Duration) {
	m.latency.WithLabelValues(lane).Observe(took.Seconds())
}

// Swept counts messages that were found in the ledger.
func (m *Metrics) Swept(lane string, messages int) {
	m.swept.WithLabelValues(lane).Add(float64(messages))
}

// ProviderOpen tells how far a provider is left alone: 0, 0.5 or 1.
func (m *Metrics) ProviderOpen(provider string, open float64) {
	m.providers.WithLabelValues(provider).Set(open)
}

// ProviderThrottled counts a message that a provider did not take because of its own limit.
func (m *Metrics) ProviderThrottled(provider string) { m.throttled.WithLabelValues(provider).Inc() }

// ProviderWait notes how long a message waited for its turn in a provider's rate.
func (m *Metrics) ProviderWait(provider, lane string, took time.Duration) {
	m.paced.WithLabelValues(provider, lane).Observe(took.Seconds())
}

// Receipt counts a delivery receipt.
func (m *Metrics) Receipt(provider, result string) {
	m.receipts.WithLabelValues(provider, result).Inc()
}

// Bounce counts a mail that came back.
func (m *Metrics) Bounce(result string) { m.bounces.WithLabelValues(result).Inc() }

// Shadow counts a registration in shadow mode.
func (m *Metrics) Shadow(caller, ours, theirs string) {
	m.shadow.WithLabelValues(caller, ours, theirs).Inc()
}

// Fed counts people who were chosen for campaigns.
func (m *Metrics) Fed(notifications int) { m.fed.Add(float64(notifications)) }

// Published counts messages that the outbox gave to the queue, or could not.
func (m *Metrics) Published(n int, ok bool) {
	result := "ok"
	if !ok {
		result = "error"
	}
	m.published.WithLabelValues(result).Add(float64(n))
}

// Poison counts a message for the dead-letter topic.
func (m *Metrics) Poison(lane string) { m.poison.WithLabelValues(lane).Inc() }
