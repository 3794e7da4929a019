package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Register is a RegisterRequest; empty elements are left out.
type Register struct {
	RequestID, Username, Email, Password, FirstName, LastName, MobileNumber, Locale, MarketingConsent, ExternalID, CallerOutcome string
}

// Receipt is a RegisterResponse.
type Receipt struct {
	RegistrationID string `xml:"registrationId"`
	Status         string `xml:"status"`
	Message        string `xml:"message"`
	RegisteredAt   string `xml:"registeredAt"`
}

// Fault is a RegistrationFault as it came, in either SOAP version.
type Fault struct { //nolint:errname // the contract's term
	HTTPStatus int
	Code       string       `xml:"code"`
	Message    string       `xml:"message"`
	Retryable  bool         `xml:"retryable"`
	Fields     []FaultField `xml:"field"`
}

// FaultField is one field of a Fault.
type FaultField struct {
	Name string `xml:"name"`
	Code string `xml:"code"`
}

func (f *Fault) Error() string {
	names := make([]string, len(f.Fields))
	for i, field := range f.Fields {
		names[i] = field.Name + "=" + field.Code
	}
	return fmt.Sprintf("HTTP %d, %s %v: %s", f.HTTPStatus, f.Code, names, f.Message)
}

// Registration is a GetRegistrationResponse.
type Registration struct {
	RegistrationID   string         `xml:"registrationId"`
	Status           string         `xml:"status"`
	Username         string         `xml:"username"`
	Email            string         `xml:"email"`
	FirstName        string         `xml:"firstName"`
	MobileNumber     string         `xml:"mobileNumber"`
	Locale           string         `xml:"locale"`
	ExternalID       string         `xml:"externalId"`
	EmailVerifiedAt  string         `xml:"emailVerifiedAt"`
	MobileVerifiedAt string         `xml:"mobileVerifiedAt"`
	Notifications    []Notification `xml:"notification"`
}

// Notification is one of a Registration's.
type Notification struct {
	ID      string `xml:"notificationId"`
	Channel string `xml:"channel"`
	Kind    string `xml:"kind"`
	State   string `xml:"state"`
}

type reply struct {
	Body struct {
		Register *Receipt      `xml:"urn:registrar:registration:v1 RegisterResponse"`
		Get      *Registration `xml:"urn:registrar:registration:v1 GetRegistrationResponse"`
		Verify   *Verified     `xml:"urn:registrar:registration:v1 VerifyContactResponse"`
		Resend   *Resent       `xml:"urn:registrar:registration:v1 ResendCodeResponse"`
		Password *Verdict      `xml:"urn:registrar:registration:v1 VerifyPasswordResponse"`
		Fault    *struct {
			Detail11 *Fault `xml:"detail>RegistrationFault"`
			Detail12 *Fault `xml:"Detail>RegistrationFault"`
			Text     string `xml:"faultstring"`
		} `xml:"Fault"`
	} `xml:"Body"`
}

// Envelope wraps a body in a SOAP 1.1 envelope.
func Envelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:r="urn:registrar:registration:v1"><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

// Body is r's body element.
func (r Register) Body() string {
	var b strings.Builder
	b.WriteString("<r:RegisterRequest>")
	for _, e := range [][2]string{
		{"requestId", r.RequestID}, {"username", r.Username}, {"email", r.Email}, {"password", r.Password}, {"firstName", r.FirstName},
		{"lastName", r.LastName}, {"mobileNumber", r.MobileNumber}, {"locale", r.Locale}, {"marketingConsent", r.MarketingConsent}, {"externalId", r.ExternalID},
		{"callerOutcome", r.CallerOutcome},
	} {
		if e[1] != "" {
			b.WriteString(element(e[0], e[1]))
		}
	}
	b.WriteString("</r:RegisterRequest>")
	return b.String()
}

func element(name, value string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(value))
	return "<r:" + name + ">" + b.String() + "</r:" + name + ">"
}

// Register posts r. The error is a *Fault when the service answered one.
func (s *Service) Register(ctx context.Context, r Register) (Receipt, error) {
	rep, err := s.call(ctx, r.Body())
	if err != nil {
		return Receipt{}, err
	}
	if rep.Body.Register == nil {
		return Receipt{}, errors.New("an answer without a RegisterResponse")
	}
	return *rep.Body.Register, nil
}

// Lookup is GetRegistration by one key ("username", "email", ...).
func (s *Service) Lookup(ctx context.Context, key, value string) (Registration, error) {
	rep, err := s.call(ctx, "<r:GetRegistrationRequest>"+element(key, value)+"</r:GetRegistrationRequest>")
	if err != nil {
		return Registration{}, err
	}
	if rep.Body.Get == nil {
		return Registration{}, errors.New("an answer without a GetRegistrationResponse")
	}
	return *rep.Body.Get, nil
}

func (s *Service) call(ctx context.Context, body string) (reply, error) {
	status, answer, err := s.Post(ctx, "text/xml; charset=utf-8", Envelope(body))
	if err != nil {
		return reply{}, err
	}
	var rep reply
	if err := xml.Unmarshal(answer, &rep); err != nil {
		return reply{}, fmt.Errorf("HTTP %d: %w: %s", status, err, answer)
	}
	if f := rep.Body.Fault; f != nil {
		detail := f.Detail11
		if detail == nil {
			detail = f.Detail12
		}
		if detail == nil {
			return reply{}, fmt.Errorf("HTTP %d: a fault without detail: %s", status, answer)
		}
		detail.HTTPStatus = status
		return reply{}, detail
	}
	if status != http.StatusOK {
		return reply{}, fmt.Errorf("HTTP %d: %s", status, answer)
	}
	return rep, nil
}

// Post sends any body to the SOAP endpoint.
func (s *Service) Post(ctx context.Context, contentType, body string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", contentType)
	return s.do(req)
}

// Get fetches a page.
func (s *Service) Get(ctx context.Context, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	return s.do(req)
}

func (s *Service) do(req *http.Request) (int, []byte, error) {
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, b, err
}

// InboxMessage is a message as the inbox's API lists it.
type InboxMessage struct {
	ID      string
	Subject string
	Snippet string
	Tags    []string
	To      []struct{ Name, Address string }
}

// InboxCount is how many messages the inbox has.
func (s *Service) InboxCount(ctx context.Context) (int, error) {
	status, b, err := s.Get(ctx, s.Admin+"/api/v1/messages?limit=1")
	if err != nil {
		return 0, err
	}
	var list struct {
		Total int `json:"total"`
	}
	if err := json.Unmarshal(b, &list); err != nil || status != http.StatusOK {
		return 0, fmt.Errorf("inbox: HTTP %d: %w", status, err)
	}
	return list.Total, nil
}

// Inbox lists every message.
func (s *Service) Inbox(ctx context.Context) ([]InboxMessage, error) {
	const page = 500
	var all []InboxMessage
	for {
		status, b, err := s.Get(ctx, fmt.Sprintf("%s/api/v1/messages?start=%d&limit=%d", s.Admin, len(all), page))
		if err != nil {
			return nil, err
		}
		if status != http.StatusOK {
			return nil, fmt.Errorf("inbox: HTTP %d: %s", status, b)
		}
		var list struct {
			Total    int            `json:"total"`
			Messages []InboxMessage `json:"messages"`
		}
		if err := json.NewDecoder(bytes.NewReader(b)).Decode(&list); err != nil {
			return nil, err
		}
		all = append(all, list.Messages...)
		if len(all) >= list.Total || len(list.Messages) == 0 {
			return all, nil
		}
	}
}

// Text is the whole text of a message in the inbox.
func (s *Service) Text(ctx context.Context, id string) (string, error) {
	status, b, err := s.Get(ctx, s.Admin+"/api/v1/message/"+id)
	if err != nil {
		return "", err
	}
	var whole struct{ Text string }
	if err := json.Unmarshal(b, &whole); err != nil || status != http.StatusOK {
		return "", fmt.Errorf("inbox: HTTP %d: %w", status, err)
	}
	return whole.Text, nil
}

// Endpoint is a service that runs already, at the URL of its SOAP endpoint. It
// answers calls alone: it has no process, no log and no admin listener here.
func Endpoint(url string, client *http.Client) *Service { return &Service{URL: url, http: client} }
