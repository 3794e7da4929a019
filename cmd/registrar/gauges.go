package main

import (
	"sync/atomic"
	"time"
)

// depth is the outbox as the leader last saw it.
type depth struct{ rows, oldest atomic.Int64 }

func (d *depth) set(rows int, oldest time.Duration) {
	d.rows.Store(int64(rows))
	d.oldest.Store(int64(oldest))
}

// watch shows what is asked for at each scrape.
func (p *parts) watch(l *listeners) {
	hashes := func(read func(queued, running, shed float64) float64) func() float64 {
		return func() float64 {
			s := p.hashes.Stats()
			return read(float64(s.Queued), float64(s.Running), float64(s.Shed))
		}
	}
	p.metrics.Gauge("registrar_hash_queued", "Callers that wait for a password hash.", hashes(func(queued, _, _ float64) float64 { return queued }))
	p.metrics.Gauge("registrar_hash_running", "Password hashes that run.", hashes(func(_, running, _ float64) float64 { return running }))
	p.metrics.Total("registrar_hash_shed_total", "Callers turned away since the start because the hash queue was full.", hashes(func(_, _, shed float64) float64 { return shed }))
	p.metrics.Gauge("registrar_connections_open", "Connections to the SOAP service.", func() float64 { open, _ := l.soap.Connections(); return float64(open) })
	p.metrics.Total("registrar_connections_evicted_total", "Waiting connections that were closed to make room for new ones since the start.", func() float64 { _, evicted := l.soap.Connections(); return float64(evicted) })
	p.metrics.Gauge("registrar_outbox_rows", "Notifications that are not settled, as the leading relay last counted them.", func() float64 { return float64(p.outbox.rows.Load()) })
	p.metrics.Gauge("registrar_outbox_oldest_seconds", "Age of the oldest of them.", func() float64 { return time.Duration(p.outbox.oldest.Load()).Seconds() })
}
