package soap

import (
	"html"
	"strings"
)

// page is what a person sees at the service's URL; address is where it stands.
func (s *Server) page(address string) string {
	var b strings.Builder
	name := html.EscapeString(s.contract.service)
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + name + "</title>" +
		"<style>body{font-family:sans-serif;max-width:50em;margin:2em auto;padding:0 1em;line-height:1.5}code{background:#eee;padding:0 .2em}</style>" +
		"</head><body><h1>" + name + "</h1>\n" +
		"<p>A SOAP 1.1 and SOAP 1.2 service, document/literal. Send envelopes by POST to <code>" + address + "</code>.</p>\n" +
		"<p>Description: <a href=\"?wsdl\">WSDL</a>")
	for _, location := range s.contract.locations {
		l := html.EscapeString(location)
		b.WriteString(", <a href=\"?xsd=" + l + "\">" + l + "</a>")
	}
	b.WriteString("</p>\n<h2>Operations</h2>\n<dl>\n")
	for _, name := range s.contract.names {
		o := s.contract.operations[name]
		b.WriteString("<dt><b>" + html.EscapeString(o.Name) + "</b>, SOAPAction <code>" + html.EscapeString(o.Action) + "</code></dt><dd>" +
			html.EscapeString(o.Documentation) + "</dd>\n")
	}
	b.WriteString("</dl>\n<h2>Clients with quirks</h2>\n<ul>\n")
	for _, q := range s.config.Quirks {
		b.WriteString("<li>" + html.EscapeString(q.Reason) + "</li>\n")
	}
	b.WriteString("</ul>\n</body></html>\n")
	return b.String()
}
