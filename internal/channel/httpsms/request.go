package httpsms

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/net/http/httpguts"
)

// Data is what the templates of a request may name.
type Data struct {
	To      string // E.164
	Text    string
	ID      string // the notification's: the same for every attempt
	Secrets map[string]string
}

// functions of the templates:
//
//	json   a JSON string, quotes included
//	query  a value in a query or a form (also named urlescape)
//	path   a segment of a path
//	basic  user and password as the credentials of RFC 7617
var functions = template.FuncMap{
	"json":      quoteJSON,
	"query":     url.QueryEscape,
	"urlescape": url.QueryEscape,
	"path":      url.PathEscape,
	"basic": func(user, password string) string {
		return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	},
}

func quoteJSON(s string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// request is a parsed template of a request.
type request struct {
	method  string
	url     *template.Template
	headers map[string]*template.Template
	body    *template.Template
	secrets map[string]string
}

// sample tries the templates before the first message.
var sample = Data{To: "+447700900123", Text: `it's "5%" & more + ☎ <b>` + "\n", ID: "01990000-0000-7000-8000-000000000001"}

// newRequest parses the templates and renders them once. Its errors name the
// field, not what is in it.
func newRequest(c Config) (*request, error) {
	r := &request{method: c.Method, headers: make(map[string]*template.Template), secrets: c.Secrets}
	var problems []error
	parse := func(field, text string) *template.Template {
		t, err := template.New(field).Funcs(functions).Option("missingkey=error").Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("httpsms: %s is not a template", field))
			return nil
		}
		if _, err := r.execute(t, sample); err != nil {
			problems = append(problems, fmt.Errorf("httpsms: %s names what there is not; there are To, Text, ID and Secrets.NAME", field))
		}
		return t
	}
	r.url = parse("the URL", c.URL)
	r.body = parse("the body", c.Body)
	for name, value := range c.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			problems = append(problems, errors.New("httpsms: a header's name is not one"))
			continue
		}
		r.headers[name] = parse("the header "+name, value)
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(problems...)
	}
	if _, err := r.build(context.Background(), sample); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *request) execute(t *template.Template, d Data) (string, error) {
	d.Secrets = r.secrets
	var b strings.Builder
	err := t.Execute(&b, d)
	return b.String(), err
}

var errRequest = errors.New("httpsms: the templates do not make a request: the URL must be http or https, headers one line")

// build renders a request.
func (r *request) build(ctx context.Context, d Data) (*http.Request, error) {
	address, err := r.execute(r.url, d)
	if err != nil {
		return nil, errRequest
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errRequest
	}
	body, err := r.execute(r.body, d)
	if err != nil {
		return nil, errRequest
	}
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), reader)
	if err != nil {
		return nil, errRequest
	}
	req.Header.Set("User-Agent", "registrar")
	for name, t := range r.headers {
		value, err := r.execute(t, d)
		if err != nil || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errRequest
		}
		if strings.EqualFold(name, "Host") {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	return req, nil
}
