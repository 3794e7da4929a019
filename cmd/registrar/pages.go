package main

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"registrar/internal/config"
)

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
