package main

import (
	"net/http"
	"net/mail"
	"time"

	"registrar/internal/channel/inbox"
	"registrar/internal/config"
	"registrar/internal/telemetry"
)

// The bounds of the operators' pages; those of the service are configured.
const (
	adminTimeout = 30 * time.Second
	checkTimeout = time.Second // of one part's health
)

// withInbox adds the inbox to the operators' pages. firstRequest is what it
// tells to do while it is empty.
func (p *parts) withInbox(c config.Config, mux *http.ServeMux, firstRequest string) *http.ServeMux {
	mux.Handle("GET /{$}", http.RedirectHandler("/inbox", http.StatusFound))
	messages := inbox.NewHandler(p.db.Inbox(), inbox.Options{
		Brand: c.Brand, From: mail.Address{Name: c.Brand, Address: c.Email.From}, FirstRequest: firstRequest,
	}, p.log)
	for _, path := range messages.Paths() {
		mux.Handle(path, messages)
	}
	return mux
}

// operations are the pages that a server of the application or of
// notifications has for its operators.
func (p *parts) operations() *http.ServeMux {
	p.health = telemetry.NewHealth(checkTimeout, map[string]telemetry.Component{
		"database": {Required: true, Check: p.db.Ready},
		"queue":    {Check: p.queueHealth},
	})
	return operations(p.health, p.metrics)
}

// operations are the pages that every server has for its operators.
func operations(health *telemetry.Health, metrics *telemetry.Metrics) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", health.Live)
	mux.HandleFunc("GET /readyz", health.Ready)
	mux.Handle("GET /metrics", metrics.Handler())
	return mux
}

func adminServer(c config.Config, pages http.Handler) *http.Server {
	return &http.Server{
		Handler:           onlyHosts(c.Hosts, pages),
		ReadHeaderTimeout: adminTimeout,
		ReadTimeout:       adminTimeout,
		WriteTimeout:      adminTimeout,
		IdleTimeout:       4 * adminTimeout,
	}
}
