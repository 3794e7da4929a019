package wsi_test

import (
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"registrar/test/harness"
)

// exchange is a request and its answer.
type exchange struct {
	about    string
	sent     *document // of a success
	status   int
	proto    string
	header   http.Header
	body     []byte
	envelope *document // nil where the answer is no XML
}

const ns = "urn:registrar:registration:v1"

func enveloped(header, body string) string {
	return `<s:Envelope xmlns:s="` + soapenv + `"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

func register(name string) string {
	return `<r:RegisterRequest xmlns:r="` + ns + `"><r:username>` + name + `</r:username><r:email>` + name + `@example.com</r:email><r:password>velvet-anchor-tuesday</r:password></r:RegisterRequest>`
}

func lookup(name string) string {
	return `<r:GetRegistrationRequest xmlns:r="` + ns + `"><r:username>` + name + `</r:username></r:GetRegistrationRequest>`
}

// ofNobody is a request about a contact of nobody's.
func ofNobody(operation, rest string) string {
	return `<r:` + operation + `Request xmlns:r="` + ns + `"><r:registrationId>01890a5d-ac96-774b-bcce-b302099a8057</r:registrationId><r:channel>EMAIL</r:channel>` + rest + `</r:` + operation + `Request>`
}

func password(login string) string {
	return `<r:VerifyPasswordRequest xmlns:r="` + ns + `"><r:login>` + login + `</r:login><r:password>velvet-anchor-monday</r:password></r:VerifyPasswordRequest>`
}

// talk sends each kind of message that an assertion is about.
func talk(t *testing.T, s *harness.Service) (all []exchange) {
	t.Helper()
	const (
		mandatory = `<x:B xmlns:x="urn:x" s:mustUnderstand="1"/>`
		encoding  = ` s:encodingStyle="` + soapenc + `"`
	)
	for _, m := range []struct{ about, body, contentType, action, method string }{
		{about: "success", body: enveloped("", register("first")), action: `"` + ns + `/Register"`},
		{about: "success of the other operation", body: enveloped("", lookup("first")), action: `"` + ns + `/GetRegistration"`},
		{about: "success, XML declaration", body: `<?xml version="1.0" encoding="UTF-8"?>` + enveloped("", lookup("first"))},
		{about: "success, byte order mark", body: "\ufeff" + enveloped("", lookup("first"))},
		{about: "success, UTF-16", body: utf16LE(enveloped("", lookup("first"))), contentType: "text/xml; charset=utf-16"},
		{about: "success, SOAPAction unquoted", body: enveloped("", lookup("first")), action: ns + "/GetRegistration"},
		{about: "success, SOAPAction empty", body: enveloped("", lookup("first")), action: `""`},
		{about: "success, SOAPAction absent", body: enveloped("", lookup("first"))},
		{about: "success, a block that nobody described", body: enveloped(`<x:B xmlns:x="urn:x"/>`, lookup("first"))},
		{about: "success, a block for somebody else", body: enveloped(`<x:B xmlns:x="urn:x" s:mustUnderstand="1" s:actor="urn:somebody"/>`, lookup("first"))},
		{about: "inconsistent, schema", body: enveloped("", strings.Replace(register("x"), "velvet-anchor-tuesday", "x", 1))},
		{about: "inconsistent, unknown element", body: enveloped("", `<r:Unregister xmlns:r="`+ns+`"/>`)},
		{about: "inconsistent, action of the other operation", body: enveloped("", lookup("first")), action: `"` + ns + `/Register"`},
		{about: "inconsistent, encoded", body: enveloped("", strings.Replace(lookup("first"), " xmlns", encoding+" xmlns", 1))},
		{about: "inconsistent, two children", body: enveloped("", lookup("first")+lookup("first"))},
		{about: "fault, taken", body: enveloped("", register("first"))},
		{about: "fault, not found", body: enveloped("", lookup("nobody"))},
		{about: "fault, no contact to verify", body: enveloped("", ofNobody("VerifyContact", "<r:code>000000</r:code>")), action: `"` + ns + `/VerifyContact"`},
		{about: "fault, no contact to send to", body: enveloped("", ofNobody("ResendCode", "")), action: `"` + ns + `/ResendCode"`},
		{about: "success, a wrong password", body: enveloped("", password("first")), action: `"` + ns + `/VerifyPassword"`},
		{about: "fault, not well-formed", body: enveloped("", "<x>")},
		{about: "fault, DOCTYPE", body: "<!DOCTYPE x>" + enveloped("", lookup("first"))},
		{about: "fault, processing instruction", body: enveloped("", "<?x y?>"+lookup("first"))},
		{about: "fault, behind the Body", body: strings.Replace(enveloped("", lookup("first")), "</s:Body>", "</s:Body><x/>", 1)},
		{about: "fault, unknown charset", body: enveloped("", lookup("first")), contentType: "text/xml; charset=ebcdic-cp-us"},
		{about: "fault, too deep", body: enveloped("", strings.Repeat("<x>", 40)+strings.Repeat("</x>", 40))},
		{about: "mandatory block", body: enveloped(mandatory, register("second"))},
		{about: "mandatory block, inconsistent", body: enveloped(mandatory, "<x/>")},
		{about: "another version", body: strings.ReplaceAll(enveloped("", register("second")), soapenv, "urn:other")},
		{about: "another version, mandatory block, inconsistent", body: strings.ReplaceAll(enveloped(mandatory, "<x/>"), soapenv, "urn:other")},
		{about: "nothing was done for a mandatory block", body: enveloped("", lookup("second"))},
		{about: "format, method", body: enveloped("", register("second")), method: http.MethodPut},
		{about: "format, media type", body: "{}", contentType: "application/json"},
		{about: "format, attachments", body: enveloped("", register("second")), contentType: "multipart/related; type=\"text/xml\"; boundary=x"},
	} {
		method, contentType := http.MethodPost, "text/xml; charset=utf-8"
		if m.method != "" {
			method = m.method
		}
		if m.contentType != "" {
			contentType = m.contentType
		}
		r, err := http.NewRequestWithContext(t.Context(), method, s.URL, strings.NewReader(m.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		if m.action != "" {
			r.Header.Set("SOAPAction", m.action)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		x := received(t, m.about, response)
		if strings.HasPrefix(m.about, "success") {
			plain := m.body
			if strings.HasSuffix(m.about, "UTF-16") {
				plain = enveloped("", lookup("first"))
			}
			if x.sent, err = parse([]byte(plain)); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, x)
	}
	return append(all, garbage(t, s.URL))
}

// garbage sends what is no HTTP.
func garbage(t *testing.T, address string) exchange {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, "POST /registration HTTP/1.1\r\nno field\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, "format, no HTTP", response)
}

func received(t *testing.T, about string, response *http.Response) exchange {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	x := exchange{about: about, status: response.StatusCode, proto: response.Proto, header: response.Header, body: body}
	if strings.Contains(response.Header.Get("Content-Type"), "xml") {
		if x.envelope, err = parse(body); err != nil {
			t.Fatalf("%s: %v: %s", about, err, body)
		}
	}
	return x
}

func utf16LE(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// bodyOf is the Body's element, nil for none.
func (x exchange) bodyOf() *node {
	if x.envelope == nil {
		return nil
	}
	for _, b := range x.envelope.root.named(soapenv, "Body") {
		if len(b.children) > 0 {
			return b.children[0]
		}
	}
	return nil
}

// fault is the answer's, nil for none.
func (x exchange) fault() *node {
	if b := x.bodyOf(); b != nil && b.is(soapenv, "Fault") {
		return b
	}
	return nil
}

// parts are the children of the answer's fault, none where it is no fault;
// R1029 tells that.
func (x exchange) parts() []*node {
	if f := x.fault(); f != nil {
		return f.children
	}
	return nil
}

// details are the elements of the fault's detail.
func (x exchange) details() (all []*node) {
	for _, p := range x.parts() {
		if p.is("", "detail") {
			all = append(all, p.children...)
		}
	}
	return all
}

// code is the local name of the fault's code, where that is one of SOAP's.
func (x exchange) code() string {
	for _, p := range x.parts() {
		if name, err := p.resolve(p.text); p.is("", "faultcode") && err == nil && name.Space == soapenv {
			return name.Local
		}
	}
	return ""
}

// messageAssertion is one requirement on messages, or on what answers them.
type messageAssertion struct {
	id      string
	sense   string
	applies func(x exchange) bool // nil for all
	check   func(x exchange, d *description, r *report)
}

func isEnvelope(x exchange) bool { return x.envelope != nil }
func isFault(x exchange) bool    { return x.envelope != nil && !strings.HasPrefix(x.about, "success") }
func about(prefixes ...string) func(exchange) bool {
	return func(x exchange) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(x.about, p) })
	}
}

// succeeds checks that the message did what it is for.
func succeeds(x exchange, _ *description, r *report) {
	r.when(x.status != http.StatusOK || x.bodyOf() == nil || x.fault() != nil, "HTTP %d", x.status)
}

// failsWith checks for a code of SOAP's.
func failsWith(code string) func(exchange, *description, *report) {
	return func(x exchange, _ *description, r *report) { r.when(x.code() != code, "the code is %q", x.code()) }
}

func answers(status ...int) func(exchange, *description, *report) {
	return func(x exchange, _ *description, r *report) {
		r.when(!slices.Contains(status, x.status), "HTTP %d", x.status)
	}
}

// noAttribute checks that no element of the envelope has an attribute.
func noAttribute(wrong func(e *node, a xml.Attr) bool) func(exchange, *description, *report) {
	return func(x exchange, _ *description, r *report) {
		for _, e := range x.envelope.root.all("", "") {
			for _, a := range e.attrs {
				r.when(wrong(e, a), "%s of %s", a.Name.Local, e.Local)
			}
		}
	}
}

var encodingStyle = xml.Name{Space: soapenv, Local: "encodingStyle"}

var messageAssertions = []messageAssertion{
	{"R9980", "an envelope is an optional Header and a Body", isEnvelope, func(x exchange, _ *description, r *report) {
		var order []string
		for _, c := range x.envelope.root.children {
			r.when(c.Space != soapenv, "%s stands in the envelope", c.Local)
			order = append(order, c.Local)
		}
		r.when(!x.envelope.root.is(soapenv, "Envelope") || !slices.Equal(order, []string{"Body"}) && !slices.Equal(order, []string{"Header", "Body"}), "%s of %v", x.envelope.root.Local, order)
	}},
	{"R9981", "a Body holds one element at most", isEnvelope, func(x exchange, _ *description, r *report) {
		for _, b := range x.envelope.root.named(soapenv, "Body") {
			r.when(len(b.children) > 1, "%d", len(b.children))
		}
	}},
	{"R1000", "a Fault holds faultcode, faultstring, faultactor and detail alone", isFault, func(x exchange, _ *description, r *report) {
		for _, c := range x.parts() {
			r.when(!slices.Contains([]string{"faultcode", "faultstring", "faultactor", "detail"}, c.Local), "%s", c.Local)
		}
	}},
	{"R1001", "the children of a Fault are in no namespace", isFault, func(x exchange, _ *description, r *report) {
		for _, c := range x.parts() {
			r.when(c.Space != "", "%s is in %s", c.Local, c.Space)
		}
	}},
	{"R1004", "the faultcode is a QName of SOAP's own", isFault, func(x exchange, _ *description, r *report) {
		r.when(!slices.Contains([]string{"VersionMismatch", "MustUnderstand", "Client", "Server"}, x.code()), "%q", x.code())
	}},
	{"R1031", "the faultcode is not refined by a dot", isFault, func(x exchange, _ *description, r *report) {
		for _, c := range x.parts() {
			r.when(c.Local == "faultcode" && strings.Contains(c.text, "."), "%s", c.text)
		}
	}},
	{"R1005", "no encodingStyle on elements of SOAP", isEnvelope, noAttribute(func(e *node, a xml.Attr) bool { return e.Space == soapenv && a.Name == encodingStyle })},
	{"R1006", "no encodingStyle on the children of the Body", isEnvelope, noAttribute(func(e *node, a xml.Attr) bool {
		return e.parent != nil && e.parent.is(soapenv, "Body") && a.Name == encodingStyle
	})},
	{"R1008", "no document type", isEnvelope, func(x exchange, _ *description, r *report) { r.when(x.envelope.doctype, "there is one") }},
	{"R1009", "no processing instructions", isEnvelope, func(x exchange, _ *description, r *report) {
		r.when(x.envelope.pis > 0, "there are %d", x.envelope.pis)
	}},
	{"R1011", "nothing behind the Body", isEnvelope, func(x exchange, _ *description, r *report) {
		last := x.envelope.root.children[len(x.envelope.root.children)-1]
		r.when(!last.is(soapenv, "Body") || x.envelope.behind > 0, "%s", last.Local)
	}},
	{"R1012", "UTF-8 or UTF-16", isEnvelope, func(x exchange, _ *description, r *report) {
		r.when(!unicode(x.envelope) || !utf8.Valid(x.body), "declared is %q", x.envelope.encoding)
	}},
	{"R1018", "the media type's charset is that of the envelope", isEnvelope, func(x exchange, _ *description, r *report) {
		r.when(x.header.Get("Content-Type") != "text/xml; charset=utf-8" || !utf8.Valid(x.body), "%s", x.header.Get("Content-Type"))
	}},
	{"R1013", "mustUnderstand is 0 or 1", isEnvelope, noAttribute(func(_ *node, a xml.Attr) bool {
		return a.Name == xml.Name{Space: soapenv, Local: "mustUnderstand"} && a.Value != "0" && a.Value != "1"
	})},
	{"R1014", "the children of the Body are in a namespace", isEnvelope, func(x exchange, _ *description, r *report) { r.when(x.bodyOf() == nil || x.bodyOf().Space == "", "") }},
	{"R1032", "Envelope, Header and Body have no attributes of SOAP", isEnvelope, noAttribute(func(e *node, a xml.Attr) bool {
		return e.Space == soapenv && slices.Contains([]string{"Envelope", "Header", "Body"}, e.Local) && a.Name.Space == soapenv
	})},
	{"R1033", "the prefix xml is not declared", isEnvelope, func(x exchange, _ *description, r *report) { r.when(x.envelope.root.declaresXML(), "it is") }},
	{"R2113", "no arrayType", isEnvelope, noAttribute(func(_ *node, a xml.Attr) bool { return a.Name == xml.Name{Space: soapenc, Local: "arrayType"} })},
	{"R2712", "the Body holds the element of the operation's message", about("success"), func(x exchange, d *description, r *report) {
		want := d.answerTo(x.sent)
		r.when(x.bodyOf() == nil || x.bodyOf().Name != want, "it should be %s", want.Local)
	}},
	{"R2740", "a fault's detail is the one that the description tells", about("inconsistent", "fault"), func(x exchange, d *description, r *report) {
		for _, c := range x.details() {
			r.when(!slices.Contains(d.faults(), c.Name), "%s", c.Local)
		}
		r.when(len(x.details()) == 0, "there is none")
	}},

	{"R1010", "an XML declaration is accepted", about("success, XML declaration"), succeeds},
	{"R4001", "a byte order mark is accepted", about("success, byte order mark", "success, UTF-16"), succeeds},
	{"R1017", "no xsi:type is asked for", about("success"), succeeds},
	{"R1015", "another envelope than SOAP's gets a fault", about("another version"), failsWith("VersionMismatch")},
	{"R1025", "mandatory blocks are looked at before anything is done", about("nothing was done"), func(x exchange, _ *description, r *report) {
		r.when(x.fault() == nil || !strings.Contains(string(x.body), "NOT_FOUND"), "it was")
	}},
	{"R1027", "a mandatory block that is not understood gets MustUnderstand", about("mandatory block"), failsWith("MustUnderstand")},
	{"R1029", "a fault comes in the answer's place", isFault, func(x exchange, _ *description, r *report) { r.when(x.fault() == nil, "") }},
	{"R1109", "a quoted SOAPAction is accepted", func(x exchange) bool { return x.about == "success" || x.about == "success of the other operation" }, succeeds},
	{"R1127", "SOAPAction is not relied on", about("success, SOAPAction"), succeeds},
	{"R2739", "blocks that the description does not tell are accepted", about("success, a block"), succeeds},
	{"R2724", "what is inconsistent with the description gets Client", about("inconsistent"), failsWith("Client")},
	{"R2725", "VersionMismatch before MustUnderstand before Client", about("another version, ", "mandatory block, "), func(x exchange, _ *description, r *report) {
		want := "MustUnderstand"
		if strings.HasPrefix(x.about, "another version") {
			want = "VersionMismatch"
		}
		r.when(x.code() != want, "the code is %q", x.code())
	}},
	{"R1111", "an answer that is no fault comes with 200", about("success"), answers(http.StatusOK)},
	{"R1124", "success comes with 2xx", about("success"), func(x exchange, _ *description, r *report) { r.when(x.status/100 != 2, "HTTP %d", x.status) }},
	{"R1126", "a fault comes with 500", isFault, answers(http.StatusInternalServerError)},
	{"R1113", "no HTTP gets 400", about("format, no HTTP"), answers(http.StatusBadRequest)},
	{"R1114", "another method gets 405", about("format, method"), func(x exchange, _ *description, r *report) {
		r.when(x.status != http.StatusMethodNotAllowed || !strings.Contains(x.header.Get("Allow"), "POST"), "HTTP %d", x.status)
	}},
	{"R1115", "another media type gets 415", about("format, media type", "format, attachments"), answers(http.StatusUnsupportedMediaType)},
	{"R1125", "what is wrong with a request's format gets 4xx", about("format"), func(x exchange, _ *description, r *report) { r.when(x.status/100 != 4, "HTTP %d", x.status) }},
	{"R1121", "no cookie is asked for", nil, func(x exchange, _ *description, r *report) { r.when(x.header.Get("Set-Cookie") != "", "one is") }},
	{"R1130", "a redirection is 307", nil, func(x exchange, _ *description, r *report) {
		r.when(x.status/100 == 3 && x.status != http.StatusTemporaryRedirect, "HTTP %d", x.status)
	}},
	{"R1140", "HTTP/1.1 is spoken", nil, func(x exchange, _ *description, r *report) { r.when(x.proto != "HTTP/1.1", "%s", x.proto) }},
	{"R1141", "HTTP/1.1 or HTTP/1.0 is spoken", nil, func(x exchange, _ *description, r *report) {
		r.when(x.proto != "HTTP/1.1" && x.proto != "HTTP/1.0", "%s", x.proto)
	}},
}

// answerTo is the element of the output message for a request.
func (d *description) answerTo(sent *document) xml.Name {
	in := sent.root.named(soapenv, "Body")[0].children[0].Name
	for _, b := range d.bindings() {
		for _, o := range b.named(wsdl, "operation") {
			if d.element(d.message(o.named(wsdl, "input")[0])) == in {
				return d.element(d.message(o.named(wsdl, "output")[0]))
			}
		}
	}
	return xml.Name{}
}

// faults are the elements of the operations' fault messages.
func (d *description) faults() (all []xml.Name) {
	for _, f := range d.root.all(wsdl, "fault") {
		if m := d.component(f, f.attr("message"), "message"); f.has("message") && m != nil {
			all = append(all, d.element(m))
		}
	}
	return all
}

// element is that of a message's part.
func (d *description) element(message *node) xml.Name {
	part := message.named(wsdl, "part")[0]
	name, err := part.resolve(part.attr("element"))
	if err != nil {
		panic(fmt.Sprint("R2102 holds: ", err))
	}
	return name
}
