package soap

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"maps"
	"path"
	"slices"
	"strings"

	"registrar/soap/charset"
)

// pagePolicy is that of the help page: it takes everything from its own
// origin, sends only there, and stands in no frame.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// pageAddress is where the service's address stands in the page that is kept.
// No host has a name like this (RFC 2606).
const pageAddress = "http://address-of-the-service.invalid/"

//go:embed page
var pageFiles embed.FS

var pageTemplate = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"asset": func(name string) string { return "?" + name + "=" + pageAssets[name].version },
	"join":  strings.Join,
}).ParseFS(pageFiles, "page/page.html"))

// pageAsset is a file that the page needs, served at the same path as it:
// ?NAME=VERSION, where another version than the present one is not to be kept.
type pageAsset struct {
	contentType, version string
	body                 []byte
}

var pageAssets = func() map[string]pageAsset {
	all := map[string]pageAsset{}
	for name, contentType := range map[string]string{
		"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "page.svg": "image/svg+xml",
	} {
		body, err := pageFiles.ReadFile(path.Join("page", name))
		if err != nil {
			panic("soap: " + err.Error()) // it is a part of the program
		}
		sum := sha256.Sum256(body)
		all[name] = pageAsset{contentType, hex.EncodeToString(sum[:8]), body}
	}
	return all
}()

// pageData is what the page tells.
type pageData struct {
	Service, About, Address string
	PortType                Name
	Operations              []pageOperation
	Schemas                 []string
	Faults                  []pageElement
	Blocks                  []pageBlocks
	Quirks                  []Quirk
	Deprecation             Deprecation
	OtherVersions           map[string]string
	BodyLimit               string
	Charsets                []string
}

// pageOperation is an operation with its messages.
type pageOperation struct {
	Name, Action, Documentation string
	Unique                      []string
	Messages                    []pageElement // input and output
	Samples                     []pageSample
}

// pageElement is an element as the schema has it.
type pageElement struct {
	Title         string
	Name          Name
	Documentation []string
	Rows          []referenceRow
}

// Codes are the values of enumerations that stand directly in the element.
func (e pageElement) Codes() []referenceRow {
	return slices.DeleteFunc(slices.Clone(e.Rows), func(r referenceRow) bool { return len(r.Values) == 0 || len(r.Within) > 0 })
}

// pageSample is an example of an operation's messages in one version.
type pageSample struct {
	ID, Version, ContentType string
	SOAPAction               string // "" where Content-Type says it
	Request, Response, Fault string
	FaultStatus              string
	Curl                     string
}

// pageBlocks are the header blocks of one namespace that are understood.
type pageBlocks struct {
	Space  string
	Locals []string
}

// page is what a person sees at the service's URL; address is where it stands.
func (s *Server) page(address string) (string, error) {
	reference, err := newReference(s.config.Schemas)
	if err != nil {
		return "", err
	}
	element := func(title string, name Name) pageElement {
		e := pageElement{Title: title, Name: name}
		e.Documentation, e.Rows = reference.element(name)
		return e
	}
	data := pageData{
		Service: s.contract.service, About: s.contract.about, Address: address, PortType: s.contract.portType,
		Schemas: s.contract.locations, Quirks: s.config.Quirks, BodyLimit: size(s.config.BodyLimit), Charsets: charset.Names,
		Blocks: s.blocks(), Deprecation: s.config.Deprecation, OtherVersions: s.config.OtherVersions,
	}
	for _, name := range s.contract.faults {
		data.Faults = append(data.Faults, element("Fault detail", name))
	}
	for _, name := range s.contract.names {
		o := s.contract.operations[name]
		sample := s.config.Samples[name]
		for _, part := range []struct {
			text *string
			name Name
		}{{&sample.Request, o.Input}, {&sample.Response, o.Output}} {
			if *part.text == "" {
				*part.text = reference.skeleton(part.name)
			}
		}
		if sample.Fault == "" && len(s.contract.faults) > 0 {
			sample.Fault = reference.skeleton(s.contract.faults[0])
		}
		if sample.Reason == "" {
			sample.Reason = "What is wrong, for a person."
		}
		data.Operations = append(data.Operations, pageOperation{
			Name: name, Action: o.Action, Documentation: o.Documentation, Unique: sample.Unique,
			Messages: []pageElement{element("Request", o.Input), element("Answer", o.Output)},
			Samples:  []pageSample{sample.of(SOAP11, o, address), sample.of(SOAP12, o, address)},
		})
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		return "", fmt.Errorf("the page: %w", err)
	}
	return b.String(), nil
}

// of shows the sample in one version.
func (s Sample) of(v Version, o described, address string) pageSample {
	p := pageSample{
		ID: strings.ReplaceAll(v.String(), ".", ""), Version: v.String(),
		Request:     sampleEnvelope(v, s.Request),
		Response:    sampleEnvelope(v, s.Response),
		Fault:       sampleEnvelope(v, sampleFault(v, s.Reason, s.Fault)),
		FaultStatus: "500",
		ContentType: v.mediaType(),
	}
	header := ""
	if v == SOAP12 {
		p.ContentType += `; action="` + o.Action + `"`
		p.FaultStatus = "400"
	} else {
		p.SOAPAction = `"` + o.Action + `"`
		header = " -H 'SOAPAction: " + p.SOAPAction + "'"
	}
	p.Curl = "curl -sS -H 'Content-Type: " + p.ContentType + "'" + header + " --data-binary @request.xml '" + address + "'"
	return p
}

// blocks are the header blocks that are understood, by namespace.
func (s *Server) blocks() (all []pageBlocks) {
	bySpace := map[string][]string{}
	for name := range s.understands {
		bySpace[name.Space] = append(bySpace[name.Space], name.Local)
	}
	for _, space := range slices.Sorted(maps.Keys(bySpace)) {
		slices.Sort(bySpace[space])
		all = append(all, pageBlocks{space, bySpace[space]})
	}
	return all
}

// size puts a number of bytes into words.
func size(n int64) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
