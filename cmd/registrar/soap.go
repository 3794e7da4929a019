package main

import (
	"context"
	"net/http"
	"slices"
	"time"

	"registrar/internal/config"
	"registrar/internal/endpoint"
	"registrar/internal/gateway"
	"registrar/internal/telemetry"
	"registrar/internal/transport"
	"registrar/soap"
	"registrar/soap/wsa"
	"registrar/soap/xmlreader"
	"registrar/wsdl"
)

// soapServer answers callers.
func (e *edge) soapServer(c config.Config, l *listeners) (*http.Server, error) {
	handler, err := e.handler(c, l)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: c.Limits.HeaderTimeout,
		ReadTimeout:       c.RequestTimeout,
		WriteTimeout:      2 * c.RequestTimeout,
		IdleTimeout:       c.Limits.IdleTimeout,
		MaxHeaderBytes:    int(c.Limits.HeaderBytes),
	}
	l.soap.Attach(server, e.log)
	return server, nil
}

func (e *edge) handler(c config.Config, l *listeners) (http.Handler, error) {
	operations := &endpoint.Endpoint{
		Registrar: e.backend.registrar, Rules: e.rules,
		Caller: callerOf, Challenge: gateway.Challenge, MessageID: wsa.MessageID,
		TraceParent: telemetry.TraceParent, CorrelationID: telemetry.CorrelationID,
		Failed: func(ctx context.Context, err error) { e.log.WarnContext(ctx, "a call failed", "error", err) },
	}
	public := c.PublicURL
	if public == "" {
		public = l.soapBase()
	}
	samples, err := endpoint.Samples()
	if err != nil {
		return nil, err
	}
	server, err := soap.New(soap.Config{
		Path:           servicePath,
		Description:    wsdl.Description,
		Schemas:        map[string][]byte{"registration.xsd": wsdl.Schema},
		Operations:     operations.Operations(),
		FaultDetails:   endpoint.FaultDetails(),
		Faults:         operations.Fault,
		Headers:        []soap.HeaderHandler{e.gateway.HeaderHandler(), wsa.HeaderHandler(wsa.Settings{FaultName: "RegistrationFault"})},
		Samples:        samples,
		PublicURL:      public,
		Hosts:          c.Hosts,
		TrustedProxies: e.peers.Proxies,
		HTTPS:          e.peers.HTTPS,
		BodyLimit:      int64(c.Limits.BodyBytes),
		MemoryLimit:    int64(c.Limits.Memory),
		Limits:         xmlreader.Limits{Depth: c.Limits.Depth, Attributes: c.Limits.Attributes, Elements: c.Limits.Elements, NameBytes: c.Limits.NameBytes},
		Quirks:         quirks(c.Quirks),
		Observe:        e.observe,
		Log:            e.log,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(servicePath, onlyOwnPages(c, withDeadline(c.RequestTimeout, server)))
	if e.links != nil {
		mux.Handle(config.UnsubscribePath, withDeadline(c.RequestTimeout, e.unsubscribePage(c)))
	}
	mux.Handle("GET /{$}", http.RedirectHandler(servicePath, http.StatusFound))
	return e.untilDrained(telemetry.Correlate(transport.WithoutForwarded(mux))), nil
}

// withDeadline gives each call the time that it may take in all.
func withDeadline(timeout time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (e *edge) observe(_ context.Context, x soap.Exchange) {
	operation, result := x.Operation, "ok"
	if operation == "" {
		operation = "unknown"
	}
	if x.Err != nil {
		result = endpoint.Code(x.Err)
	}
	e.metrics.Request(operation, x.Version.String(), result, x.Duration)
}

// quirks are the built-in ones and the configured ones.
func quirks(c config.Quirks) []soap.Quirk {
	all := slices.Clone(soap.DefaultQuirks)
	for _, agent := range c.FaultStatus500 {
		all = append(all, soap.Quirk{UserAgent: agent, Needs: soap.FaultStatus500, Reason: "Configured: every SOAP 1.2 fault has HTTP status 500."})
	}
	for _, agent := range c.ChallengeFirst {
		all = append(all, soap.Quirk{UserAgent: agent, Needs: soap.ChallengeFirst, Reason: "Configured: asked for a user name and password by HTTP status 401."})
	}
	return all
}
