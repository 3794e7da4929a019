package soap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"time"

	"golang.org/x/sync/semaphore"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// Config is what a Server is made of.
type Config struct {
	// Path is where the service is mounted, such as /registration.
	Path string
	// Description is the WSDL 1.1 document. Operations, actions and messages
	// are taken from it.
	Description []byte
	// Schemas are the schema documents that it imports, by their schemaLocation.
	Schemas map[string][]byte
	// Operations has one for each of the description.
	Operations []AnyOperation
	// FaultDetails are pointers to structs, one for each fault element of the
	// description; a Fault's Detail is one of their types.
	FaultDetails []any
	// Faults makes a fault of any error, an *Error or one of a handler's.
	Faults func(ctx context.Context, err error) Fault
	// Headers are asked in this order.
	Headers []HeaderHandler
	// Samples are shown on the help page, by the operation's name. One that is
	// not valid against the schema is an error of New.
	Samples map[string]Sample

	// OtherVersions are the paths at which other versions of the contract are
	// served, by their namespace. A message that belongs to one of them is told so.
	OtherVersions map[string]string
	// Deprecation says that clients are to use another contract.
	Deprecation Deprecation

	// PublicURL is the base of the service's address as callers know it, such
	// as https://register.example.com, without Path. It is served in the
	// description where the Host header is not one of Hosts.
	PublicURL string
	// Hosts are the host names, without a port, that are reflected.
	Hosts []string
	// TrustedProxies are those whose X-Forwarded-Proto and X-Forwarded-Host are believed.
	TrustedProxies []netip.Prefix
	// HTTPS says whether a client's own connection is TLS, where more is known
	// of it than its request tells; nil is request.TLS.
	HTTPS func(*http.Request) bool

	// BodyLimit is the size of a request in bytes, as it arrives and also
	// unpacked; 0 is 1 MiB.
	BodyLimit int64
	// MemoryLimit is how many bytes the bodies of all requests may take at
	// once, with what is made of them; 0 is 24 MiB, or what one body of
	// BodyLimit may take, six times its size, if that is more. Bodies of up to
	// 8 KiB are not counted and never wait. One for which there is no room is
	// refused as Overloaded, at once or after a quarter of a second.
	MemoryLimit int64
	// Limits are those of the document.
	Limits xmlreader.Limits
	// Quirks are clients that need another answer than the specification's; nil is DefaultQuirks.
	Quirks []Quirk

	// Observe, if not nil, is told of each message that was answered with an envelope.
	Observe func(ctx context.Context, x Exchange)
	// Log gets panics and answers that could not be written; nil is slog's default.
	Log *slog.Logger
}

// Exchange is a message and its answer, as metrics see it.
type Exchange struct {
	Operation     string // "" where it was not found out
	Version       Version
	Err           error // what the fault was made of, nil for none
	Status        int   // of HTTP
	Duration      time.Duration
	RequestBytes  int // unpacked
	ResponseBytes int // unpacked
}

// New makes a Server. All that is wrong with the configuration is told at once.
func New(c Config) (*Server, error) {
	contract, err := readContract(c.Description, c.Schemas)
	if err != nil {
		return nil, fmt.Errorf("soap: %w", err)
	}
	s := &Server{
		config:      c,
		contract:    contract,
		byInput:     map[Name]*operation{},
		understands: map[Name]bool{},
		details:     map[reflect.Type]*xsd.Binding{},
	}
	if s.config.BodyLimit <= 0 {
		s.config.BodyLimit = 1 << 20
	}
	largest := largestWeight * s.config.BodyLimit
	if s.config.MemoryLimit <= 0 {
		s.config.MemoryLimit = max(defaultMemory, largest)
	}
	s.memory.bytes = semaphore.NewWeighted(s.config.MemoryLimit)
	if s.config.HTTPS == nil {
		s.config.HTTPS = func(r *http.Request) bool { return r.TLS != nil }
	}
	if s.config.Quirks == nil {
		s.config.Quirks = DefaultQuirks
	}
	if s.config.Log == nil {
		s.config.Log = slog.Default()
	}
	var wrong []error
	if c.Faults == nil {
		wrong = append(wrong, errors.New("no Faults are given"))
	}
	if s.config.MemoryLimit < largest {
		wrong = append(wrong, fmt.Errorf("a MemoryLimit of %d bytes has no room for one request of BodyLimit, which takes %d", s.config.MemoryLimit, largest))
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		wrong = append(wrong, errors.New("the PublicURL is not an absolute http or https URL"))
	}
	wrong = append(wrong, c.Deprecation.check())
	if _, own := c.OtherVersions[contract.portType.Space]; own {
		wrong = append(wrong, errors.New("one of OtherVersions is this one"))
	}
	for _, h := range c.Headers {
		for _, name := range h.Understands {
			s.understands[name] = true
		}
	}
	wrong = append(wrong, s.bindOperations(), s.bindDetails())
	if errors.Join(wrong...) == nil { // else there is nothing to check them against
		wrong = append(wrong, s.checkSamples())
	}
	wrong = append(wrong, s.prepareDocuments())
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("soap: %w", err)
	}
	return s, nil
}

func (s *Server) bindOperations() error {
	var wrong []error
	bound := map[string]*operation{}
	for _, unbound := range s.config.Operations {
		o, err := unbound.bind(s.contract)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		if s.byInput[o.Input] != nil {
			wrong = append(wrong, fmt.Errorf("the element %s is the input of two operations", o.Input.Local))
		}
		bound[o.Name], s.byInput[o.Input] = o, o
	}
	for _, name := range s.contract.names {
		if bound[name] == nil {
			wrong = append(wrong, fmt.Errorf("operation %s of the description has no handler", name))
			continue
		}
		s.operations = append(s.operations, bound[name])
	}
	return errors.Join(wrong...)
}

func (s *Server) bindDetails() error {
	var wrong []error
	bound := map[Name]bool{}
	for _, d := range s.config.FaultDetails {
		t := reflect.TypeOf(d)
		if t == nil || t.Kind() != reflect.Pointer {
			wrong = append(wrong, fmt.Errorf("fault detail %T is not a pointer to a struct", d))
			continue
		}
		name, _ := xsd.ElementOf(t.Elem())
		b, err := s.contract.bind(name, t.Elem())
		if err != nil {
			wrong = append(wrong, fmt.Errorf("fault detail %T: %w", d, err))
			continue
		}
		s.details[t], bound[name] = b, true
	}
	for _, name := range s.contract.faults {
		if !bound[name] {
			wrong = append(wrong, fmt.Errorf("the fault %s of the description has no type in FaultDetails", name.Local))
		}
	}
	return errors.Join(wrong...)
}
