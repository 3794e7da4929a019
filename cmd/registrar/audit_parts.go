package main

import (
	"sync/atomic"
	"time"

	"registrar/internal/audit"
	"registrar/internal/config"
)

// auditFigures are what /metrics shows of the audit log.
type auditFigures struct {
	waiting            depth
	sealed, unrecorded atomic.Int64
}

func (p *parts) watchAudit() {
	f := &p.auditFigures
	of := func(n *atomic.Int64) func() float64 { return func() float64 { return float64(n.Load()) } }
	p.metrics.Gauge("registrar_audit_waiting", "Entries of the audit log that are not in its chain yet, as this server last counted them.", of(&f.waiting.rows))
	p.metrics.Gauge("registrar_audit_waiting_oldest_seconds", "Age of the oldest of them.", func() float64 { return time.Duration(f.waiting.oldest.Load()).Seconds() })
	p.metrics.Total("registrar_audit_sealed_total", "Entries that this server has put into the chain since the start.", of(&f.sealed))
	p.metrics.Total("registrar_audit_unrecorded_total", "Refused registrations since the start whose entry could not be stored: it is lost.", of(&f.unrecorded))
}

// sealer puts entries of the audit log into its chain.
func (p *parts) sealer(c config.Config) *audit.Sealer {
	return &audit.Sealer{
		Store: p.db.Audit(), Leases: p.db.Leases(), Owner: p.instance.name, LeaseTTL: leaseTTL(c), Now: time.Now, Log: p.log,
		Sealed:  func(n int) { p.auditFigures.sealed.Add(int64(n)) },
		Waiting: p.auditFigures.waiting.set,
	}
}
