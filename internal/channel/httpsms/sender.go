package httpsms

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Config is a gateway. URL, the values of Headers and Body are Go templates
// over Data.
type Config struct {
	Name     string // in the ledger, in logs and in metrics; default "httpsms"
	Method   string // GET, POST or PUT; default POST
	URL      string
	Headers  map[string]string
	Body     string
	Secrets  map[string]string
	IDPath   string        // to the provider's id in a JSON answer, such as messages.0.id; "" for none
	Timeout  time.Duration // of one request; default 10 s
	Statuses Statuses
	// Transport is for a proxy or authorities of one's own; nil for the default.
	Transport *http.Transport
}

// Sender is one gateway. Several goroutines may use it.
type Sender struct {
	config    Config
	request   *request
	statuses  *table
	transport *http.Transport
	client    http.Client
}

// idleTimeout is shorter than the shortest keep-alive time that is common among
// servers (5 s): a request that meets a closing connection has an unknown end.
const idleTimeout = 4 * time.Second

// New checks config, and that its templates make a request.
func New(config Config) (*Sender, error) {
	if config.Name == "" {
		config.Name = "httpsms"
	}
	if config.Method == "" {
		config.Method = http.MethodPost
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	var problems []error
	if config.Method != http.MethodGet && config.Method != http.MethodPost && config.Method != http.MethodPut {
		problems = append(problems, errors.New("httpsms: the method must be GET, POST or PUT"))
	}
	if config.Timeout < 0 {
		problems = append(problems, errors.New("httpsms: the time-out must be above zero"))
	}
	request, err := newRequest(config)
	if err != nil {
		problems = append(problems, err)
	}
	statuses, err := config.Statuses.table()
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	transport := config.Transport
	if transport == nil {
		transport = http.DefaultTransport.(*http.Transport)
	}
	transport = transport.Clone()
	transport.IdleConnTimeout = idleTimeout
	// net/http repeats a GET by itself when a kept connection breaks under it,
	// for a GET should change nothing. Here it sends an SMS.
	transport.DisableKeepAlives = config.Method == http.MethodGet
	return &Sender{config: config, request: request, statuses: statuses, transport: transport, client: http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name is the configured one.
func (s *Sender) Name() string { return s.config.Name }

// Repeatable is false: few gateways tell a repeated request by its id.
func (s *Sender) Repeatable() bool { return false }

// maxAnswer is how much of an answer is read, in octets.
const maxAnswer = 64 << 10

// Send makes one request. A failure before the request's headers left is
// Transient and the gateway's; one after that and before the answer's is Ambiguous; an answer is
// what Statuses say.
func (s *Sender) Send(ctx context.Context, m notify.Message) (notify.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	var left atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }})
	req, err := s.request.build(traced, Data{To: m.To, Text: m.Text, ID: m.NotificationID.String()})
	if err != nil {
		return notify.Receipt{}, &notify.SendError{Class: notify.Permanent, Status: "REQUEST", Err: err}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		class, status := notify.Transient, "connect"
		if left.Load() {
			class, status = notify.Ambiguous, "answer"
		}
		ours := errors.Is(err, context.Canceled) // nobody's failure
		return notify.Receipt{}, &notify.SendError{Class: class, Status: status, Provider: !ours, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	// Read also on a failure, so that the connection can be used again. The
	// status is the answer; a body that breaks off changes nothing of it.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if class := s.statuses.of(resp.StatusCode); class != accepted {
		return notify.Receipt{}, &notify.SendError{
			Class: class, Status: "HTTP " + strconv.Itoa(resp.StatusCode),
			Provider: isGateways(class, resp.StatusCode), RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
		}
	}
	return notify.Receipt{Ref: pick(body, s.config.IDPath), State: registration.Accepted}, nil
}

// withoutURL drops net/http's wrapper, whose text is the URL: there may be a
// number or a secret in it.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// Close ends kept connections.
func (s *Sender) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}
