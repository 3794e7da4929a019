package soap

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"registrar/soap/xsd"
)

// documents are what GET serves.
type documents struct {
	description document
	page        document
}

// document is a text with places for the service's address.
type document struct {
	contentType string
	parts       []string // the address stands between two of them
}

func (d document) at(address string) []byte {
	return []byte(strings.Join(d.parts, string(xsd.AppendText(nil, address))))
}

// prepareDocuments finds the places for the address once.
func (s *Server) prepareDocuments() error {
	text := string(s.config.Description)
	const mark = "\x00" // XML holds no such character
	var wrong []error
	replace := func(attribute, value, with string) {
		found := false
		for _, quote := range []string{`"`, `'`} {
			old := attribute + "=" + quote + value + quote
			for _, space := range []string{" ", "\n", "\t"} {
				found = found || strings.Contains(text, space+old)
				text = strings.ReplaceAll(text, space+old, space+attribute+"="+quote+with+quote)
			}
		}
		if !found {
			wrong = append(wrong, fmt.Errorf("the description's %s is not written as %s=%q", attribute, attribute, value))
		}
	}
	for _, address := range slices.Compact(slices.Sorted(slices.Values(s.contract.addresses))) {
		replace("location", address, mark)
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(s.contract.locations))) {
		replace("schemaLocation", name, mark+"?xsd="+url.QueryEscape(name))
	}
	s.documents.description = document{"text/xml; charset=utf-8", strings.Split(text, mark)}
	page, err := s.page(pageAddress)
	s.documents.page = document{"text/html; charset=utf-8", strings.Split(page, pageAddress)}
	return errors.Join(append(wrong, err)...)
}

// get serves the description, a schema, or the page.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	query, _, _ := strings.Cut(r.URL.RawQuery, "&")
	key, name, _ := strings.Cut(query, "=")
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache") // it may depend on the headers of a proxy
	switch strings.ToLower(key) {
	case "wsdl":
		d := s.documents.description
		write(w, r, http.StatusOK, d.contentType, d.at(s.address(r)))
	case "xsd":
		name, err := url.QueryUnescape(name)
		schema, ok := s.config.Schemas[name]
		if err != nil || !ok {
			refuse(w, http.StatusNotFound, "There is no such schema. See ?wsdl.")
			return
		}
		write(w, r, http.StatusOK, "text/xml; charset=utf-8", schema)
	case "":
		d := s.documents.page
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "same-origin")
		write(w, r, http.StatusOK, d.contentType, d.at(s.address(r)))
	default:
		if a, ok := pageAssets[key]; ok {
			if name == a.version {
				h.Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			write(w, r, http.StatusOK, a.contentType, a.body)
			return
		}
		refuse(w, http.StatusNotFound, "There is ?wsdl, ?xsd=NAME, and a page without a query.")
	}
}

// address is the service's URL as the caller knows it, as far as that can be
// believed: a Host that is not expected could lead other callers elsewhere.
func (s *Server) address(r *http.Request) string {
	scheme, host := "http", r.Host
	if s.config.HTTPS(r) {
		scheme = "https"
	}
	if s.fromTrustedProxy(r) {
		switch proto := strings.ToLower(firstOf(r.Header.Get("X-Forwarded-Proto"))); proto {
		case "http", "https":
			scheme = proto
		}
		if forwarded := firstOf(r.Header.Get("X-Forwarded-Host")); forwarded != "" {
			host = forwarded
		}
	}
	if !s.expectedHost(host) {
		return strings.TrimRight(s.config.PublicURL, "/") + s.config.Path
	}
	return scheme + "://" + host + s.config.Path
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// expectedHost tells whether a Host header names one of Hosts, at any port.
func (s *Server) expectedHost(host string) bool {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || strings.HasSuffix(host, ":") {
		return false
	}
	return slices.ContainsFunc(s.config.Hosts, func(known string) bool { return strings.EqualFold(known, u.Hostname()) })
}

func (s *Server) fromTrustedProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(s.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}
