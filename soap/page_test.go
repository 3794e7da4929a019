package soap_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"registrar/soap"
)

// withSamples gives the service a sample for Echo and leaves Fail without.
func withSamples(c *soap.Config) {
	c.Samples = map[string]soap.Sample{"Echo": {
		Request:  "<EchoRequest xmlns=\"urn:test:echo\">\n  <text>hello</text>\n</EchoRequest>\n",
		Response: `<e:EchoResponse xmlns:e="urn:test:echo"><e:text>hello</e:text><e:flag>false</e:flag><e:count>0</e:count><e:at>2026-01-31T12:00:00Z</e:at></e:EchoResponse>`,
		Fault:    `<EchoFault xmlns="urn:test:echo"><code>SENDER</code><retryable>false</retryable></EchoFault>`,
		Reason:   "Not <you>.",
		Unique:   []string{"text"},
	}}
}

func TestRow20ThePageTellsTheContract(t *testing.T) {
	a := newEcho(t, withSamples).get(t, "/echo", "localhost:8080")
	if a.status != 200 || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	for about, want := range map[string]string{
		"name":                     `<h1>EchoService</h1>`,
		"address":                  `<code id="address" aria-labelledby="address-label">http://localhost:8080/echo</code>`,
		"WSDL":                     `<a href="?wsdl">http://localhost:8080/echo?wsdl</a>`,
		"schema":                   `<a href="?xsd=echo.xsd">http://localhost:8080/echo?xsd=echo.xsd</a>`,
		"namespace":                `<code>urn:test:echo</code>`,
		"an operation":             `<h3 id="title-Echo">Echo</h3>`,
		"its documentation":        `Says what it was told &amp; no more.`,
		"its action":               `<code>urn:test:echo/Fail</code>`,
		"a facet":                  `<span class="rule">1 to 20 characters</span>`,
		"an enumeration":           `one of <code>SENDER</code>, <code>RECEIVER</code>`,
		"an optional element":      `<span class="badge">optional</span> <span class="badge">nillable</span>`,
		"a required element":       `<span class="badge needed">required</span>`,
		"a repeated element":       `<span class="badge">any number</span>`,
		"an element in another":    `<span class="within">field/</span><code>message</code>`,
		"an empty element":         `It is empty.`,
		"sample, 1.1":              "&lt;soap:Envelope xmlns:soap=&#34;http://schemas.xmlsoap.org/soap/envelope/&#34;&gt;\n  &lt;soap:Body&gt;\n    &lt;EchoRequest",
		"sample, 1.2":              "&lt;soap:Envelope xmlns:soap=&#34;http://www.w3.org/2003/05/soap-envelope&#34;&gt;\n  &lt;soap:Body&gt;\n    &lt;EchoRequest",
		"sample of an answer":      "&lt;e:count&gt;0&lt;/e:count&gt;",
		"sample of a fault":        "&lt;faultstring&gt;Not &amp;lt;you&amp;gt;.&lt;/faultstring&gt;",
		"sample of a 1.2 fault":    "&lt;soap:Value&gt;soap:Sender&lt;/soap:Value&gt;",
		"skeleton":                 "&lt;how&gt;SENDER&lt;/how&gt; &lt;!-- required --&gt;",
		"skeleton of a fault":      "&lt;field&gt; &lt;!-- any number --&gt;",
		"what the form sends":      `data-operation="Echo" data-version="1.1" data-mediatype="text/xml; charset=utf-8" data-soapaction="&#34;urn:test:echo/Echo&#34;" data-unique="text"`,
		"what the form sends, 1.2": `data-version="1.2" data-mediatype="application/soap&#43;xml; charset=utf-8; action=&#34;urn:test:echo/Echo&#34;"`,
		"curl":                     `curl -sS -H &#39;Content-Type: text/xml; charset=utf-8&#39; -H &#39;SOAPAction: &#34;urn:test:echo/Echo&#34;&#39; --data-binary @request.xml &#39;http://localhost:8080/echo&#39;`,
		"a quirk":                  `<dt><code>Apache-CXF/</code></dt><dd>Apache CXF reads no SOAP 1.2 fault`,
		"the limit":                `up to 1 MiB`,
		"the charsets":             `windows-1252`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%s: the page lacks %s", about, want)
		}
	}
	for _, not := range []string{"address-of-the-service", "ZgotmplZ", "public.example", "<style", " style=", " onclick", "//cdn"} {
		if strings.Contains(a.body, not) {
			t.Errorf("the page holds %s", not)
		}
	}
}

func TestRow20ThePageNamesHeaderBlocksAndDocumentedFaultCodes(t *testing.T) {
	e := newEcho(t, func(c *soap.Config) {
		withHeaders(c)
		schema := strings.Replace(string(c.Schemas["echo.xsd"]), `<xs:element name="code" type="xs:string"/>
        <xs:element name="retryable"`, `<xs:element name="code"><xs:simpleType><xs:restriction base="xs:string"><xs:enumeration value="ONE"><xs:annotation><xs:documentation>When &lt;one&gt;
          fails.</xs:documentation></xs:annotation></xs:enumeration><xs:enumeration value="TWO"/></xs:restriction></xs:simpleType></xs:element>
        <xs:element name="retryable"`, 1)
		c.Schemas = map[string][]byte{"echo.xsd": []byte(schema)}
	})
	a := e.get(t, "/echo", "localhost")
	for _, want := range []string{
		`<dt><code>ONE</code></dt><dd>When &lt;one&gt; fails.</dd>`, `<dt><code>TWO</code></dt><dd></dd>`,
		`Header blocks of <code>http://www.w3.org/2005/08/addressing</code> are understood: <code>Action</code>, `, `<code>Security</code>`,
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestRow20ThePageIsWellFormedAndItsReferencesHold(t *testing.T) {
	a := newEcho(t, withSamples).get(t, "/echo", "localhost")
	ids := map[string]bool{}
	var refers []string
	d := xml.NewDecoder(strings.NewReader(a.body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
			for _, attr := range e.Attr {
				switch name := attr.Name.Local; {
				case name == "id" && ids[attr.Value]:
					t.Errorf("the id %s stands twice", attr.Value)
				case name == "id":
					ids[attr.Value] = true
				case name == "for", name == "aria-labelledby", name == "aria-describedby", name == "data-copies":
					refers = append(refers, attr.Value)
				case name == "href" && strings.HasPrefix(attr.Value, "#"):
					refers = append(refers, attr.Value[1:])
				case (name == "href" || name == "src") && !strings.HasPrefix(attr.Value, "?"):
					t.Errorf("%s leads away from the page", attr.Value)
				}
			}
		case xml.EndElement:
			if last := open[len(open)-1]; last != e.Name.Local {
				t.Fatalf("%s ends as %s", last, e.Name.Local)
			}
			open = open[:len(open)-1]
		}
	}
	for _, id := range refers {
		if !ids[id] {
			t.Errorf("there is no %s", id)
		}
	}
	if len(ids) < 20 || len(refers) < 20 {
		t.Errorf("%d ids and %d references were found", len(ids), len(refers))
	}
}

func TestRow20NothingOfTheRequestIsInThePage(t *testing.T) {
	e := newEcho(t, nil)
	want := e.get(t, "/echo", "unknown").body
	for _, target := range []string{"/echo?", "/echo"} {
		a := e.get(t, target, `"><script>`, "X-Forwarded-Host", "<script>alert(1)</script>", "X-Forwarded-Proto", "javascript", "User-Agent", "<script>", "Referer", "<script>")
		if a.body != want || !strings.Contains(a.body, `>https://public.example/echo<`) {
			t.Errorf("%s: got another page", target)
		}
	}
	if a := e.get(t, "/echo?<script>", "localhost"); a.status != http.StatusNotFound || strings.Contains(a.body, "script") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestRow20ThePageIsSealed(t *testing.T) {
	a := newEcho(t, nil).get(t, "/echo", "localhost")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-cache",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestRow20AssetsAreKeptByTheirContent(t *testing.T) {
	e := newEcho(t, nil)
	page := e.get(t, "/echo", "localhost").body
	assets := regexp.MustCompile(`(?:href|src)="(\?page\.(\w+)=[0-9a-f]{16})"`).FindAllStringSubmatch(page, -1)
	if len(assets) < 3 {
		t.Fatalf("the page refers to %v", assets)
	}
	types := map[string]string{"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
	for _, m := range assets {
		a := e.get(t, "/echo"+m[1], "localhost")
		if a.status != 200 || a.header.Get("Content-Type") != types[m[2]] || a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" ||
			a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", m[1], a.status, a.header)
		}
		other, _, _ := strings.Cut(m[1], "=") // as the page of another version of the program asks
		for _, query := range []string{other, other + "=0123456789abcdef"} {
			if b := e.get(t, "/echo"+query, "localhost"); b.body != a.body || b.header.Get("Cache-Control") != "no-cache" {
				t.Errorf("%s: %v", query, b.header)
			}
		}
	}
	if a := e.get(t, "/echo?page.html", "localhost"); a.status != http.StatusNotFound {
		t.Errorf("the template is served: %d", a.status)
	}
}

func TestRow20SamplesAreCheckedAgainstTheSchema(t *testing.T) {
	const right = `<EchoResponse xmlns="urn:test:echo"><text>a</text><flag>true</flag><count>1</count><at>2026-01-31T12:00:00Z</at></EchoResponse>`
	for name, test := range map[string]struct {
		operation string
		sample    soap.Sample
		want      string // "" for none
	}{
		"right":                    {"Echo", soap.Sample{Request: say(hello), Response: right, Fault: `<EchoFault xmlns="urn:test:echo"><code>a</code><retryable>1</retryable></EchoFault>`}, ""},
		"nothing":                  {"Echo", soap.Sample{}, ""},
		"no operation":             {"Ecko", soap.Sample{}, "operation Ecko, which is none"},
		"not XML":                  {"Echo", soap.Sample{Request: "<a"}, "operation Echo: request: "},
		"more behind it":           {"Echo", soap.Sample{Request: say(hello) + "<a/>"}, "operation Echo: request: "},
		"another element":          {"Echo", soap.Sample{Request: right}, "not EchoRequest"},
		"a request that is wrong":  {"Echo", soap.Sample{Request: say(`<text/>`)}, "/EchoRequest/text must have"},
		"an answer that is wrong":  {"Echo", soap.Sample{Response: strings.Replace(right, ">1<", ">x<", 1)}, "response: /EchoResponse/count"},
		"a fault that is wrong":    {"Fail", soap.Sample{Fault: `<EchoFault xmlns="urn:test:echo"><code>a</code></EchoFault>`}, "fault: /EchoFault/retryable is required"},
		"another order":            {"Echo", soap.Sample{Request: say(`<flag>1</flag>` + hello)}, "text stands behind flag"},
		"another order, deeper":    {"Fail", soap.Sample{Fault: `<EchoFault xmlns="urn:test:echo"><code>a</code><retryable>1</retryable><field><code>b</code><name>a</name><message/></field></EchoFault>`}, "name stands behind code"},
		"an unknown unique one":    {"Echo", soap.Sample{Unique: []string{"txt"}}, "txt of Unique is no value"},
		"a skeleton is no request": {"Fail", soap.Sample{Request: `<FailRequest xmlns="urn:test:echo"><how>?</how></FailRequest>`}, "/FailRequest/how"},
	} {
		c := new(echo).config(t)
		c.Samples = map[string]soap.Sample{test.operation: test.sample}
		_, err := soap.New(c)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
}

// TestRow20SamplesOfFaultsAreLikeFaults: the page's faults have the elements
// of real ones.
func TestRow20SamplesOfFaultsAreLikeFaults(t *testing.T) {
	e := newEcho(t, withSamples)
	page := e.get(t, "/echo", "localhost").body
	elements := func(text string) string {
		return strings.Join(regexp.MustCompile(`</?[\w:]+`).FindAllString(text, -1), " ")
	}
	for version, real := range map[string]answer{"11": e.xml11(t, envelope11(fail("SENDER"))), "12": e.xml12(t, envelope12(fail("SENDER")))} {
		_, sample, _ := strings.Cut(page, `<code id="fault-Echo-`+version+`">`)
		sample, _, _ = strings.Cut(sample, "</code>")
		sample = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`).Replace(sample)
		if got, want := elements(sample), elements(real.body); got != want || want == "" {
			t.Errorf("the sample has %s\na fault has %s", got, want)
		}
	}
}
