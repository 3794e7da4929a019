package main

import (
	"context"
	"sync/atomic"
	"time"

	"registrar/internal/config"
	"registrar/internal/outbox"
)

// eventFigures are what /metrics shows of events for other systems.
type eventFigures struct {
	waiting                       depth
	published, failed, unrecorded atomic.Int64
}

// openEvents makes what brings events to the brokers, where there are any.
func (p *parts) openEvents(c config.Config) {
	if !c.PublishesEvents() {
		return
	}
	f := &p.eventFigures
	p.events = outbox.NewEvents(outbox.Settings{Owner: p.instance.name, LeaseTTL: leaseTTL(c)}, p.db.Events(), p.db.Leases(), p.queue.EventPublisher(c.EventSource()), time.Now, p.log, outbox.EventObserver{
		Published: func(n int) { f.published.Add(int64(n)) },
		Failed:    func(n int) { f.failed.Add(int64(n)) },
		Depth:     f.waiting.set,
	})
	of := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	p.metrics.Gauge("registrar_events_waiting", "Events that no broker has, as the leading relay last counted them.", of(&f.waiting.rows))
	p.metrics.Gauge("registrar_events_oldest_seconds", "Age of the oldest of them.", func() float64 { return time.Duration(f.waiting.oldest.Load()).Seconds() })
	p.metrics.Total("registrar_events_published_total", "Events that this server has published since the start.", of(&f.published))
	p.metrics.Total("registrar_events_failed_total", "Attempts to publish an event that failed since the start; each is repeated.", of(&f.failed))
	p.metrics.Total("registrar_events_unrecorded_total", "Refused registrations since the start whose event could not be stored: it is lost.", of(&f.unrecorded))
}

// unrecorded counts and logs a refused registration of which nothing is kept.
func (p *parts) unrecorded(ctx context.Context, err error) {
	p.eventFigures.unrecorded.Add(1)
	p.auditFigures.unrecorded.Add(1)
	p.log.WarnContext(ctx, "a refused registration cannot be recorded: its audit entry, and its event, are lost", "error", err)
}
