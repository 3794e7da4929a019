// Package wsi_test checks the built service against the WS-I Basic Profile 1.1
// (ISO/IEC 29361): the description and schemas that it serves, and messages
// that it answers, all over HTTP. Each row of a table is an assertion with its
// number, its sense in words of our own, and a check; for each check there is
// a spoilt document or message that it refuses.
//
// The Profile is about SOAP 1.1. The second binding of the description, of SOAP
// 1.2, is outside of it, as are requirements on clients, on one-way and
// rpc-literal operations, and on UDDI.
package wsi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"registrar/test/harness"
)

// service starts one for a test.
func service(t *testing.T) *harness.Service {
	t.Helper()
	s := harness.New(t)
	s.Start(t)
	return s
}

// fetch gets a document as anybody does.
func fetch(t *testing.T, address string) *document {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v", address, response.StatusCode, err)
	}
	d, err := parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	d.url, d.contentType = address, response.Header.Get("Content-Type")
	return d
}

// describe gets the description and all that it imports.
func describe(t *testing.T, address string) *description {
	t.Helper()
	d := &description{document: fetch(t, address+"?wsdl"), schemas: map[string]*document{}}
	for _, i := range d.root.all(xsd, "import") {
		at := i.attr("schemaLocation")
		d.schemas[at] = fetch(t, at)
	}
	return d
}

func TestDescription(t *testing.T) {
	d := describe(t, service(t).URL)
	if len(d.schemas) == 0 || len(d.bindings()) != 1 {
		t.Fatalf("%d schemas and %d bindings of SOAP 1.1 are served", len(d.schemas), len(d.bindings()))
	}
	for _, a := range descriptionAssertions {
		var wrong report
		if a.check(d, &wrong); len(wrong) > 0 {
			t.Errorf("%s (%s): %s", a.id, a.sense, strings.Join(wrong, "; "))
		}
	}
}

func TestMessages(t *testing.T) {
	s := service(t)
	d := describe(t, s.URL)
	exchanges := talk(t, s)
	for _, a := range messageAssertions {
		seen := 0
		for _, x := range exchanges {
			if a.applies != nil && !a.applies(x) {
				continue
			}
			seen++
			var wrong report
			if a.check(x, d, &wrong); len(wrong) > 0 {
				t.Errorf("%s (%s): %s: %s\n%s", a.id, a.sense, x.about, strings.Join(wrong, "; "), x.body)
			}
		}
		if seen == 0 {
			t.Errorf("%s (%s): no message is about it", a.id, a.sense)
		}
	}
}

// TestEveryDescriptionCheckCanFail: each refuses what is spoilt for it.
func TestEveryDescriptionCheckCanFail(t *testing.T) {
	served := describe(t, service(t).URL)
	for _, a := range descriptionAssertions {
		spoils := spoiltDescriptions[a.id]
		if len(spoils) == 0 {
			t.Errorf("%s: nothing is spoilt for it", a.id)
		}
		for _, spoil := range spoils {
			d, err := spoil.apply(served)
			if err != nil {
				t.Errorf("%s: %v", a.id, err)
				continue
			}
			var wrong report
			if a.check(d, &wrong); len(wrong) == 0 {
				t.Errorf("%s (%s) accepts %s", a.id, a.sense, spoil.with)
			}
		}
	}
	if len(spoiltDescriptions) != len(descriptionAssertions) {
		t.Errorf("%d assertions, %d of them with something spoilt", len(descriptionAssertions), len(spoiltDescriptions))
	}
}

// TestEveryMessageCheckCanFail: each refuses what is spoilt for it.
func TestEveryMessageCheckCanFail(t *testing.T) {
	s := service(t)
	d := describe(t, s.URL)
	exchanges := talk(t, s)
	for _, a := range messageAssertions {
		spoil, ok := spoiltMessages[a.id]
		if !ok {
			t.Errorf("%s: nothing is spoilt for it", a.id)
			continue
		}
		refused := false
		for _, x := range exchanges {
			if a.applies != nil && !a.applies(x) {
				continue
			}
			spoil(&x)
			if x.envelope != nil {
				var err error
				if x.envelope, err = parse(x.body); err != nil {
					t.Fatalf("%s: %v: %s", a.id, err, x.body)
				}
			}
			var wrong report
			a.check(x, d, &wrong)
			refused = refused || len(wrong) > 0
		}
		if !refused {
			t.Errorf("%s (%s) accepts what is spoilt for it", a.id, a.sense)
		}
	}
	if len(spoiltMessages) != len(messageAssertions) {
		t.Errorf("%d assertions, %d of them with something spoilt", len(messageAssertions), len(spoiltMessages))
	}
}

// spoil changes one place of what is served.
type spoil struct {
	schema    bool // of the schema, not the WSDL
	old, with string
}

func (s spoil) apply(served *description) (*description, error) {
	address := ""
	for at := range served.schemas {
		address = at
	}
	raw := served.raw
	if s.schema {
		raw = served.schemas[address].raw
	}
	old, with := strings.ReplaceAll(s.old, "{XSD}", address), strings.ReplaceAll(s.with, "{XSD}", address)
	if !bytes.Contains(raw, []byte(old)) {
		return nil, fmt.Errorf("there is no %s", old)
	}
	d, err := parse(bytes.Replace(raw, []byte(old), []byte(with), 1))
	if err != nil {
		return nil, err
	}
	if s.schema {
		return &description{document: served.document, schemas: map[string]*document{address: d}}, nil
	}
	schemas := served.schemas
	for _, i := range d.root.all(xsd, "import") { // what else it leads to is no document
		if schemas[i.attr("schemaLocation")] == nil {
			schemas = map[string]*document{address: served.schemas[address], i.attr("schemaLocation"): d}
		}
	}
	return &description{document: d, schemas: schemas}, nil
}
