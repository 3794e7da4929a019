package soap

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"registrar/soap/charset"
	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// Server answers for one contract at one URL: messages by POST, the documents
// and a page by GET. It may be used by several goroutines.
type Server struct {
	config      Config
	contract    *contract
	operations  []*operation // in the description's order
	byInput     map[Name]*operation
	understands map[Name]bool
	details     map[reflect.Type]*xsd.Binding
	documents   documents
	memory      memory
}

var readers = sync.Pool{New: func() any { return new(xmlreader.Reader) }}

// ServeHTTP answers any request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !r.ProtoAtLeast(1, 1) && r.Header["Content-Length"] == nil || len(r.TransferEncoding) > 0 {
		// A body of HTTP/1.0 without a length ends with the connection, and
		// chunks are none: what follows is no request. What follows chunks may
		// be the rest of a body to somebody in between, who went by a
		// Content-Length beside them that net/http does not show (RFC 9112, 6.1).
		w.Header().Set("Connection", "close")
	}
	s.config.Deprecation.tell(w.Header())
	switch r.Method {
	case http.MethodPost:
		s.post(w, r)
	case http.MethodGet, http.MethodHead:
		s.get(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		refuse(w, http.StatusMethodNotAllowed, "This is a SOAP service: send envelopes by POST, or GET ?wsdl.")
	}
}

// refuse answers what is no message at all.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.Error(w, text, status)
}

// call is one message on its way.
type call struct {
	server   *Server
	request  *http.Request
	began    time.Time
	version  Version // of the answer
	envelope envelope
	message  Message
	size     int   // of the request
	memory   share // of it
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	m, ok := parseMedia(r.Header)
	if !ok {
		w.Header().Set("Accept-Post", "text/xml, application/soap+xml") // there is no SOAP to answer in
		refuse(w, http.StatusUnsupportedMediaType, "The Content-Type must be text/xml (SOAP 1.1) or application/soap+xml (SOAP 1.2). Attachments are not supported.")
		return
	}
	c := &call{server: s, request: r, began: time.Now(), version: m.version, memory: share{of: &s.memory, patience: patience}}
	defer c.memory.release()
	out := buffer()
	defer putBuffer(out)
	ctx := r.Context()
	answer, err := c.answer(ctx, m, out.AvailableBuffer())
	var lost *readError
	switch {
	case errors.Is(err, errCoding):
		w.Header().Set("Accept-Encoding", "gzip, identity")
		refuse(w, http.StatusUnsupportedMediaType, "The Content-Encoding must be gzip or none.")
		return
	case errors.As(err, &lost):
		w.Header().Set("Connection", "close")
		refuse(w, lost.status(), "The request did not arrive in full.")
		return
	}
	status := http.StatusOK
	if err != nil {
		answer, status = c.fault(ctx, w, err, out.AvailableBuffer())
	}
	_, _ = out.Write(answer) // into memory, mostly in place
	write(w, r, status, c.version.mediaType(), out.Bytes())
	if s.config.Observe != nil {
		x := Exchange{
			Version: c.version, Err: err, Status: status, Duration: time.Since(c.began),
			RequestBytes: c.size, ResponseBytes: out.Len(),
		}
		if c.envelope.operation != nil {
			x.Operation = c.envelope.operation.Name
		}
		s.config.Observe(ctx, x)
	}
}

// answer reads the message, does what it asks for and appends the answer.
func (c *call) answer(ctx context.Context, m media, dst []byte) ([]byte, error) {
	if err := c.read(ctx, m); err != nil {
		return nil, err
	}
	return c.do(ctx, dst)
}

// read reads the message, without any effect.
func (c *call) read(ctx context.Context, m media) error {
	// A body that is too large is a fault and not HTTP's 413. SOAP 1.1 (6.2)
	// asks for status 500 with a fault for an error while processing the
	// request, and clients of that age look at a body only then. The version
	// is not known yet, so the answer is of the version of the media type.
	text, err := c.text(ctx, m)
	if err != nil {
		return err
	}
	reader, _ := readers.Get().(*xmlreader.Reader)
	defer readers.Put(reader)
	reader.Reset(text, c.server.config.Limits)
	defer reader.Reset("", c.server.config.Limits)
	c.envelope = envelope{server: c.server, reader: reader}
	err = c.envelope.read(m.actions)
	c.envelope.reader = nil
	c.message = Message{PortType: c.server.contract.portType, Blocks: c.envelope.blocks, HTTP: c.request}
	if o := c.envelope.operation; o != nil {
		c.message.Operation, c.message.Action = o.Name, o.Action
	}
	if c.envelope.version != 0 {
		c.version = c.envelope.version
	} else if err != nil && isKind(err, VersionMismatch) {
		c.version = SOAP11 // SOAP 1.2 part 1, appendix A
	}
	c.message.Version = c.envelope.version
	return err
}

// text reads the body as text.
func (c *call) text(ctx context.Context, m media) (string, error) {
	body := buffer()
	defer putBuffer(body)
	if err := readBody(c.request, c.server.config.BodyLimit, &c.memory, body); err != nil {
		return "", err
	}
	c.size = body.Len()
	text, err := charset.Decode(body.Bytes(), m.charset)
	if err != nil {
		return "", charsetError(err)
	}
	return text, c.memory.holdText(ctx, len(text))
}

func isKind(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

func charsetError(err error) *Error {
	var unknown *charset.UnknownError
	if errors.As(err, &unknown) {
		return failure(UnsupportedCharset, "The charset of the request is not supported; it is one of %s.", strings.Join(charset.Names, ", "))
	}
	var invalid *charset.InvalidError
	if errors.As(err, &invalid) {
		return failure(Malformed, "The request is not in the charset that it declares: not %s (at byte %d).", invalid.Charset, invalid.Offset)
	}
	return &Error{Kind: Internal, Reason: "The request could not be read.", cause: err}
}

// do runs header handlers and the operation, and appends the answer.
func (c *call) do(ctx context.Context, dst []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // the value that net/http compares, too
				panic(p)
			}
			c.server.config.Log.ErrorContext(ctx, "soap: panic in a handler",
				"operation", c.envelope.operation.Name, "value", reflect.TypeOf(p).String(), "stack", string(debug.Stack()))
			answer, err = nil, failure(Internal, "The service failed.")
		}
	}()
	handling, err := c.process(ctx)
	if err != nil {
		return nil, err
	}
	o := c.envelope.operation
	if len(c.envelope.violations) > 0 {
		violations := o.violations(c.envelope.in, c.envelope.violations)
		if o.refused != nil {
			o.refused(handling, c.envelope.in, violations)
		}
		return nil, &Error{Kind: Invalid, Reason: "The request breaks the rules of the contract.", Violations: violations}
	}
	out, err := o.handle(handling, c.envelope.in)
	if err != nil {
		return nil, err
	}
	dst = appendEnvelopeStart(dst, c.version, "", c.reply(handling, nil))
	if dst, err = o.output.Append(dst, out); err != nil {
		return nil, &Error{Kind: Internal, Reason: "The answer could not be written.", cause: err}
	}
	return appendEnvelopeEnd(dst), nil
}

// process asks the header handlers.
func (c *call) process(ctx context.Context) (context.Context, error) {
	for _, h := range c.server.config.Headers {
		next, err := h.Process(ctx, &c.message)
		if err != nil {
			return nil, err
		}
		ctx = next
	}
	return ctx, nil
}

// reply asks the header handlers for blocks of the answer.
func (c *call) reply(ctx context.Context, err error) (blocks []*xmlreader.Element) {
	if c.message.Version == 0 {
		return nil
	}
	for _, h := range c.server.config.Headers {
		if h.Reply != nil {
			blocks = append(blocks, h.Reply(ctx, &c.message, err)...)
		}
	}
	return blocks
}

// fault appends the fault for an error and gives its status.
func (c *call) fault(ctx context.Context, w http.ResponseWriter, err error, dst []byte) (answer []byte, status int) {
	f := c.server.config.Faults(ctx, err)
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", retryAfter(f.RetryAfter))
	}
	message := faultMessage{version: c.version, reason: f.Reason, lang: f.Lang, blocks: c.reply(ctx, err)}
	if message.lang == "" {
		message.lang = "en"
	}
	var kind Kind
	var own *Error
	if errors.As(err, &own) {
		kind, message.subcodes = own.Kind, own.subcodes()
	}
	message.code = c.version.code(kind, f.Sender)
	switch kind {
	case VersionMismatch:
		message.own = upgrade
	case MustUnderstand:
		if c.version == SOAP12 {
			message.own = notUnderstood(own.notUnderstood)
		}
	default:
		message.detail = c.detail(ctx, f.Detail)
	}
	answer, err = message.append(dst)
	if err != nil {
		c.server.config.Log.ErrorContext(ctx, "soap: a fault's detail could not be written", "error", err)
		message.detail = nil
		answer, _ = message.append(dst) // without a detail it has no error
	}
	if f.Challenge != "" && c.needs(ChallengeFirst) {
		w.Header().Set("WWW-Authenticate", f.Challenge)
		return answer, http.StatusUnauthorized
	}
	return answer, c.status(message.code)
}

// detail gives the writer of a fault's detail, nil for none.
func (c *call) detail(ctx context.Context, v any) func([]byte) ([]byte, error) {
	if v == nil {
		return nil
	}
	b := c.server.details[reflect.TypeOf(v)]
	if b == nil {
		c.server.config.Log.ErrorContext(ctx, "soap: a fault's detail is of no type of FaultDetails", "type", reflect.TypeOf(v).String())
		return nil
	}
	return func(dst []byte) ([]byte, error) {
		return b.Append(dst, v) //nolint:wrapcheck // logged by the caller
	}
}

// status is that of a fault: always 500 in SOAP 1.1 (6.2); in SOAP 1.2 400 for
// the sender's (part 2, table 20), but for clients that cannot take it.
func (c *call) status(code string) int {
	if code != "Sender" || c.needs(FaultStatus500) {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
