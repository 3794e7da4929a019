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

// servers are the HTTP servers of the SOAP service and of the operators' pages.
func (p *parts) servers(c config.Config, l *listeners) (service, admin *http.Server, err error) {
	handler, err := p.soapHandler(c, l)
	if err != nil {
		return nil, nil, err
	}
	service = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: c.Limits.HeaderTimeout,
		ReadTimeout:       c.RequestTimeout,
		WriteTimeout:      2 * c.RequestTimeout,
		IdleTimeout:       c.Limits.IdleTimeout,
		MaxHeaderBytes:    int(c.Limits.HeaderBytes),
	}
	l.soap.Attach(service, p.log)
	mux := p.operations()
	mux.Handle("GET /{$}", http.RedirectHandler("/inbox", http.StatusFound))
	messages := inbox.NewHandler(p.db.Inbox(), inbox.Options{
		Brand: c.Brand, From: mail.Address{Name: c.Brand, Address: c.Email.From}, FirstRequest: firstRequest(l.soapURL()),
	}, p.log)
	for _, path := range messages.Paths() {
		mux.Handle(path, messages)
	}
	return service, adminServer(c, mux), nil
}

// operations are the pages that every server has for its operators.
func (p *parts) operations() *http.ServeMux {
	p.health = telemetry.NewHealth(checkTimeout, map[string]telemetry.Component{
		"database": {Required: true, Check: p.db.Ready},
		"queue":    {Check: p.queueHealth},
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", p.health.Live)
	mux.HandleFunc("GET /readyz", p.health.Ready)
	mux.Handle("GET /metrics", p.metrics.Handler())
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
