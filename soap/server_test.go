package soap_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

func fail(how string) string {
	return `<FailRequest xmlns="urn:test:echo"><how>` + how + `</how></FailRequest>`
}

func TestAPanicBecomesAServerFaultAndIsLogged(t *testing.T) {
	e := newEcho(t, nil)
	for _, envelope := range []string{envelope11(fail("PANIC")), envelope12(fail("PANIC"))} {
		a := e.xml11(t, envelope)
		if a.status != 500 || a.kind() != soap.Internal || !strings.Contains(a.body, "The service failed.") {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	if log := e.log.String(); !strings.Contains(log, "panic") || !strings.Contains(log, "operation=Fail") || !strings.Contains(log, "echo_test.go") || strings.Contains(log, "s3cr3t") {
		t.Errorf("the log is %s", log)
	}
}

func TestAbortingAHandlerIsNotSwallowed(t *testing.T) {
	e := newEcho(t, func(c *soap.Config) {
		c.Headers = []soap.HeaderHandler{{Process: func(context.Context, *soap.Message) (context.Context, error) { panic(http.ErrAbortHandler) }}}
	})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // a panic's value
			t.Errorf("recovered %v", p)
		}
	}()
	e.xml11(t, envelope11(say(hello)))
	t.Error("not aborted")
}

func TestAHandlerWithoutAnAnswerIsAServerFault(t *testing.T) {
	e := newEcho(t, nil)
	if a := e.xml11(t, envelope11(fail("NOTHING"))); a.status != 500 || a.kind() != soap.Internal {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestADetailOfAnUnknownTypeIsLeftOutAndLogged(t *testing.T) {
	e := newEcho(t, nil)
	if a := e.xml11(t, envelope11(fail("DETAIL"))); a.status != 500 || strings.Contains(a.body, "<detail>") || !strings.Contains(a.body, "<faultstring>No detail.</faultstring>") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if !strings.Contains(e.log.String(), "soap_test.field") {
		t.Errorf("the log is %s", e.log.String())
	}
}

func TestObserveIsToldOfEachExchange(t *testing.T) {
	e := newEcho(t, nil)
	e.xml12(t, envelope12(say(hello)))
	e.xml11(t, envelope11(fail("RECEIVER")))
	e.xml11(t, "x")
	for _, want := range []soap.Exchange{
		{Operation: "Echo", Version: soap.SOAP12, Status: 200, RequestBytes: len(envelope12(say(hello)))},
		{Operation: "Fail", Version: soap.SOAP11, Status: 500, Err: errReceiver, RequestBytes: len(envelope11(fail("RECEIVER")))},
		{Version: soap.SOAP11, Status: 500, RequestBytes: 1},
	} {
		x := <-e.exchanges
		if x.Operation != want.Operation || x.Version != want.Version || x.Status != want.Status || x.RequestBytes != want.RequestBytes || x.ResponseBytes == 0 || x.Duration <= 0 {
			t.Errorf("got %+v, want %+v", x, want)
		}
		if want.Err != nil && x.Err != want.Err || (x.Err != nil) != (x.Status != 200) { //nolint:errorlint // the very same
			t.Errorf("error %v", x.Err)
		}
	}
}

func TestNewTellsWhatIsWrong(t *testing.T) {
	replace := func(old, with string) func(*soap.Config) {
		return func(c *soap.Config) {
			if !bytes.Contains(c.Description, []byte(old)) {
				t.Errorf("the description has no %s", old)
			}
			c.Description = bytes.ReplaceAll(c.Description, []byte(old), []byte(with))
		}
	}
	type other struct {
		XMLName xml.Name `xml:"urn:test:echo FailRequest"`
	}
	for name, test := range map[string]struct {
		change func(*soap.Config)
		want   string
	}{
		"no description":      {func(c *soap.Config) { c.Description = nil }, "no root"},
		"not a description":   {func(c *soap.Config) { c.Description = []byte("<a/>") }, "wsdl:definitions"},
		"no Faults":           {func(c *soap.Config) { c.Faults = nil }, "no Faults"},
		"no public URL":       {func(c *soap.Config) { c.PublicURL = "" }, "PublicURL"},
		"relative public URL": {func(c *soap.Config) { c.PublicURL = "/x" }, "PublicURL"},
		"missing operation":   {func(c *soap.Config) { c.Operations = c.Operations[:1] }, "Fail of the description has no handler"},
		"unknown operation": {func(c *soap.Config) {
			c.Operations = append(c.Operations, soap.Operation[failRequest, failResponse]{Name: "X"})
		}, "no operation X"},
		"no Handle": {func(c *soap.Config) { c.Operations[1] = soap.Operation[failRequest, failResponse]{Name: "Fail"} }, "no Handle"},
		"wrong types": {func(c *soap.Config) {
			c.Operations[1] = soap.Operation[failResponse, failResponse]{Name: "Fail", Handle: func(context.Context, *failResponse) (*failResponse, error) { return nil, nil }}
		}, "FailRequest"}, //nolint:nilnil // never called
		"a type that is wrong": {func(c *soap.Config) {
			c.Operations[1] = soap.Operation[other, failResponse]{Name: "Fail", Handle: func(context.Context, *other) (*failResponse, error) { return nil, nil }}
		}, "no field for how"}, //nolint:nilnil // never called
		"missing detail":      {func(c *soap.Config) { c.FaultDetails = nil }, "EchoFault"},
		"unknown detail":      {func(c *soap.Config) { c.FaultDetails = append(c.FaultDetails, &field{}) }, "fault detail"},
		"detail by value":     {func(c *soap.Config) { c.FaultDetails = append(c.FaultDetails, echoFault{}, nil) }, "not a pointer"},
		"missing schema":      {func(c *soap.Config) { c.Schemas = nil }, "imports of the given schemas"},
		"schema not imported": {func(c *soap.Config) { c.Schemas["x.xsd"] = c.Schemas["echo.xsd"] }, "not imported"},
		"broken schema":       {func(c *soap.Config) { c.Schemas = map[string][]byte{"echo.xsd": []byte("<a/>")} }, "echo.xsd"},
		"other namespace":     {replace(`<xs:import namespace="urn:test:echo"`, `<xs:import namespace="urn:test:other"`), "another namespace"},
		"rpc":                 {replace(`style="document" transport`, `style="rpc" transport`), "document style"},
		"other transport":     {replace(`http://schemas.xmlsoap.org/soap/http`, `urn:jms`), "over HTTP"},
		"actions differ":      {replace(`<soap12:operation soapAction="urn:test:echo/Fail"`, `<soap12:operation soapAction="urn:test:echo/F"`), "another soapAction"},
		"no binding":          {replace(`wsdl:binding`, `wsdl:x`), "no SOAP binding"},
		"no service":          {replace(`wsdl:service`, `wsdl:x`), "no service"},
		"no portType":         {replace(`wsdl:portType`, `wsdl:x`), "one portType"},
		"part by type":        {replace(`<wsdl:part name="parameters" element="tns:FailRequest"/>`, `<wsdl:part name="parameters" type="tns:How"/>`), "one part with an element"},
		"message that is not": {replace(`<wsdl:input message="tns:FailRequest"/>`, `<wsdl:input message="tns:X"/>`), "no message"},
		"one-way":             {replace(`<wsdl:output message="tns:FailResponse"/>`, ``), "one input and one output"},
	} {
		t.Run(name, func(t *testing.T) {
			c := new(echo).config(t)
			test.change(&c)
			if _, err := soap.New(c); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %q", err, test.want)
			}
		})
	}
}

// FuzzServer: whatever arrives, the answer is a well-formed envelope or a
// plain refusal, and a handler has run only for what is answered with 200.
func FuzzServer(f *testing.F) {
	for _, doc := range []string{
		envelope11(say(hello)), envelope12(say(hello)), envelope11(fail("SENDER")), envelope12(fail("RETRY")), envelope12(say("<text/>")), "<a/>", "",
		withHeader(envelope12(say(hello)), `<x xmlns="u" s:mustUnderstand="1"/><Token xmlns="urn:test:token"><a/></Token>`), utf16LE(envelope11(say(hello))),
	} {
		f.Add("POST", "/echo", "text/xml; charset=utf-8", `"urn:test:echo/Echo"`, "", doc)
		f.Add("POST", "/echo", `application/soap+xml; action="urn:test:echo/Echo"`, "", "gzip", zipped(f, doc))
	}
	requests, err := filepath.Glob("testdata/golden/*.request")
	if err != nil || len(requests) == 0 {
		f.Fatalf("no requests: %v", err)
	}
	for _, name := range requests {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(file(f, name))))
		if err != nil {
			f.Fatal(name, err)
		}
		_, body, _ := strings.Cut(string(file(f, name)), "\n\n") // without a length, there is none for net/http
		f.Add(r.Method, r.URL.String(), r.Header.Get("Content-Type"), r.Header.Get("Soapaction"), r.Header.Get("Content-Encoding"), body)
	}
	f.Add("GET", "/echo?wsdl", "", "", "", "")
	f.Add("PUT", "/echo", "", "", "", "")
	e := newEcho(f, func(c *soap.Config) {
		c.BodyLimit = 64 << 10
		c.Headers = []soap.HeaderHandler{{
			Understands: []soap.Name{token},
			Process:     func(ctx context.Context, _ *soap.Message) (context.Context, error) { return ctx, nil },
			Reply:       func(_ context.Context, m *soap.Message, _ error) []*xmlreader.Element { return m.Blocks },
		}}
	})
	f.Fuzz(func(t *testing.T, method, target, contentType, action, coding, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Soapaction", action)
		r.Header.Set("Content-Encoding", coding)
		e.effects.Store(0)
		e.log.Reset()
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if e.log.Len() > 0 && !strings.Contains(e.log.String(), "FailRequest") && e.effects.Load() == 0 {
			t.Fatalf("logged %s", e.log.String())
		}
		if w.Code == http.StatusOK {
			return
		}
		switch kind := w.Header().Get("Content-Type"); {
		case strings.HasPrefix(kind, "text/plain"):
			if w.Code/100 != 4 || e.effects.Load() != 0 {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		case kind == "text/xml; charset=utf-8" && w.Code == 500, kind == "application/soap+xml; charset=utf-8" && (w.Code == 400 || w.Code == 500):
			var envelope struct {
				XMLName xml.Name
				Body    struct {
					Fault *struct{} `xml:"Fault"`
				} `xml:"Body"`
			}
			if err := xml.Unmarshal(w.Body.Bytes(), &envelope); err != nil || envelope.XMLName.Local != "Envelope" || envelope.Body.Fault == nil {
				t.Fatalf("%v: %s", err, w.Body)
			}
		default:
			t.Fatalf("%d %s %s", w.Code, kind, w.Body)
		}
	})
}
