package main

import (
	"sync/atomic"
	"time"

	"registrar/internal/lane"
	"registrar/internal/notify/gate"
	"registrar/internal/telemetry"
	"registrar/internal/transport"
)

// depth is the outbox as the leader last saw it.
type depth struct{ rows, oldest atomic.Int64 }

func (d *depth) set(rows int, oldest time.Duration) {
	d.rows.Store(int64(rows))
	d.oldest.Store(int64(oldest))
}

// gateObserver shows what happens at the providers' gates.
type gateObserver struct{ metrics *telemetry.Metrics }

// Breaker implements gate.Observer.
func (o gateObserver) Breaker(provider string, state gate.State) {
	o.metrics.ProviderOpen(provider, map[gate.State]float64{gate.Open: 1, gate.HalfOpen: 0.5}[state])
}

// Throttled implements gate.Observer.
func (o gateObserver) Throttled(provider string) { o.metrics.ProviderThrottled(provider) }

// Waited implements gate.Observer.
func (o gateObserver) Waited(provider string, l lane.Lane, took time.Duration) {
	o.metrics.ProviderWait(provider, string(l), took)
}

// watchConnections shows the connections of callers at each scrape.
func watchConnections(m *telemetry.Metrics, l *transport.Listener) {
	m.Gauge("registrar_connections_open", "Connections to the SOAP service.", func() float64 { open, _ := l.Connections(); return float64(open) })
	m.Total("registrar_connections_evicted_total", "Waiting connections that were closed to make room for new ones since the start.", func() float64 { _, evicted := l.Connections(); return float64(evicted) })
}

// watch shows what is asked for at each scrape.
func (p *parts) watch() {
	hashes := func(read func(queued, running, shed float64) float64) func() float64 {
		return func() float64 {
			s := p.hashes.Stats()
			return read(float64(s.Queued), float64(s.Running), float64(s.Shed))
		}
	}
	p.metrics.Gauge("registrar_hash_queued", "Callers that wait for a password hash.", hashes(func(queued, _, _ float64) float64 { return queued }))
	p.metrics.Gauge("registrar_hash_running", "Password hashes that run.", hashes(func(_, running, _ float64) float64 { return running }))
	p.metrics.Total("registrar_hash_shed_total", "Callers turned away since the start because the hash queue was full.", hashes(func(_, _, shed float64) float64 { return shed }))
	p.metrics.Total("registrar_database_writer_moves_total", "How often another node of the database cluster was gone to for writing since the start.", func() float64 { return float64(p.db.WriterMoves()) })
	p.metrics.Gauge("registrar_outbox_rows", "Notifications that are not settled, as the leading relay last counted them.", func() float64 { return float64(p.outbox.rows.Load()) })
	p.metrics.Gauge("registrar_outbox_oldest_seconds", "Age of the oldest of them.", func() float64 { return time.Duration(p.outbox.oldest.Load()).Seconds() })
}
