package main

import (
	"context"
	"net"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"registrar/internal/channel/inbox"
	"registrar/internal/config"
	"registrar/internal/endpoint"
	"registrar/internal/telemetry"
	"registrar/soap"
	"registrar/soap/xmlreader"
	"registrar/wsdl"
)

const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	checkTimeout  = time.Second // of one part's health
)

// servers are the HTTP servers of the SOAP service and of the operators' pages.
func (p *parts) servers(c config.Config, l *listeners) (service, admin *http.Server, err error) {
	handler, err := p.soapHandler(c, l)
	if err != nil {
		return nil, nil, err
	}
	p.health = telemetry.NewHealth(checkTimeout, map[string]telemetry.Component{
		"database": {Required: true, Check: p.db.Ready},
		"queue":    {Check: p.queueHealth},
	})
	service = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       c.RequestTimeout,
		WriteTimeout:      2 * c.RequestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    32 << 10,
	}
	admin = &http.Server{
		Handler:           onlyHosts(c.Hosts, p.adminHandler(c, l)),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       idleTimeout,
	}
	return service, admin, nil
}

func (p *parts) soapHandler(c config.Config, l *listeners) (http.Handler, error) {
	e := &endpoint.Endpoint{
		Registrar: p.service, Rules: p.service.Rules,
		TraceParent: telemetry.TraceParent, CorrelationID: telemetry.CorrelationID,
		Failed: func(ctx context.Context, err error) { p.log.WarnContext(ctx, "a call failed", "error", err) },
	}
	public := c.PublicURL
	if public == "" {
		public = baseURL(l.soap)
	}
	var proxies []netip.Prefix
	for _, cidr := range c.TrustedProxies {
		prefix, err := netip.ParsePrefix(cidr)
		if err != nil {
			return nil, err
		}
		proxies = append(proxies, prefix)
	}
	server, err := soap.New(soap.Config{
		Path:           servicePath,
		Description:    wsdl.Description,
		Schemas:        map[string][]byte{"registration.xsd": wsdl.Schema},
		Operations:     e.Operations(),
		FaultDetails:   endpoint.FaultDetails(),
		Faults:         e.Fault,
		PublicURL:      public,
		Hosts:          c.Hosts,
		TrustedProxies: proxies,
		BodyLimit:      int64(c.Limits.BodyBytes),
		Limits:         xmlreader.Limits{Depth: c.Limits.Depth, Attributes: c.Limits.Attributes, Elements: c.Limits.Elements, NameBytes: c.Limits.NameBytes},
		Observe:        p.observe,
		Log:            p.log,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(servicePath, onlyOwnPages(c, withDeadline(c.RequestTimeout, server)))
	mux.Handle("GET /{$}", http.RedirectHandler(servicePath, http.StatusFound))
	return telemetry.Correlate(mux), nil
}

// withDeadline gives each call the time that it may take in all.
func withDeadline(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (p *parts) observe(_ context.Context, x soap.Exchange) {
	operation, result := x.Operation, "ok"
	if operation == "" {
		operation = "unknown"
	}
	if x.Err != nil {
		result = endpoint.Code(x.Err)
	}
	p.metrics.Request(operation, x.Version.String(), result, x.Duration)
}

func (p *parts) adminHandler(c config.Config, l *listeners) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", p.health.Live)
	mux.HandleFunc("GET /readyz", p.health.Ready)
	mux.Handle("GET /metrics", p.metrics.Handler())
	mux.Handle("GET /{$}", http.RedirectHandler("/inbox", http.StatusFound))
	messages := inbox.NewHandler(p.db.Inbox(), inbox.Options{
		Brand: c.Brand, From: mail.Address{Name: c.Brand, Address: c.Email.From}, FirstRequest: firstRequest(l.soapURL()),
	}, p.log)
	for _, path := range messages.Paths() {
		mux.Handle(path, messages)
	}
	return mux
}

// onlyHosts answers requests for an IP address or one of the hosts. Any other
// name in Host may be an attacker's that resolves to this machine, asked for by
// his page in an operator's browser (DNS rebinding).
func onlyHosts(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isOwn(hosts, r.Host) {
			http.Error(w, "This name is not one of the configured hosts.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onlyOwnPages refuses what a page of another site makes a browser send, also
// one whose name resolves to this machine. Programs send no Origin.
func onlyOwnPages(c config.Config, next http.Handler) http.Handler {
	hosts := c.Hosts
	if public, err := url.Parse(c.PublicURL); err == nil && public.Hostname() != "" {
		hosts = append(slices.Clone(hosts), strings.ToLower(public.Hostname()))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" {
			if u, err := url.Parse(origin); err != nil || u.Host == "" || !isOwn(hosts, u.Host) {
				http.Error(w, "Pages of other sites may not call this service.", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// isOwn says whether host, with or without a port, is an IP address or one of hosts.
func isOwn(hosts []string, host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || slices.Contains(hosts, strings.ToLower(host))
}

// depth is the outbox as the leader last saw it.
type depth struct{ rows, oldest atomic.Int64 }

func (d *depth) set(rows int, oldest time.Duration) {
	d.rows.Store(int64(rows))
	d.oldest.Store(int64(oldest))
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
	p.metrics.Gauge("registrar_outbox_rows", "Notifications that are not settled, as the leading relay last counted them.", func() float64 { return float64(p.outbox.rows.Load()) })
	p.metrics.Gauge("registrar_outbox_oldest_seconds", "Age of the oldest of them.", func() float64 { return time.Duration(p.outbox.oldest.Load()).Seconds() })
}
