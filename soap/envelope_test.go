package soap_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"registrar/soap"
)

func TestRow1TheAnswerIsOfTheEnvelopesVersion(t *testing.T) {
	e := newEcho(t, nil)
	for _, mediaType := range []string{"text/xml", "application/soap+xml"} {
		a := e.send(t, envelope11(say(hello)), "Content-Type", mediaType)
		expectEcho(t, a, soap.SOAP11)
		if got := a.header.Get("Content-Type"); got != "text/xml; charset=utf-8" {
			t.Errorf("%s under %s", got, mediaType)
		}
		a = e.send(t, envelope12(say(hello)), "Content-Type", mediaType)
		expectEcho(t, a, soap.SOAP12)
		if got := a.header.Get("Content-Type"); got != "application/soap+xml; charset=utf-8" {
			t.Errorf("%s under %s", got, mediaType)
		}
	}
}

func TestRow1FaultsBeforeTheEnvelopeAreOfTheMediaTypesVersion(t *testing.T) {
	e := newEcho(t, nil)
	for mediaType, space := range map[string]string{"text/xml": soap.Envelope11, "application/soap+xml": soap.Envelope12} {
		a := e.send(t, "no XML", "Content-Type", mediaType)
		e.expectFault(t, a, soap.Malformed)
		if !strings.Contains(a.body, space) {
			t.Errorf("%s: %s", mediaType, a.body)
		}
	}
}

func TestRow2UnknownEnvelopeIsAVersionMismatch(t *testing.T) {
	e := newEcho(t, nil)
	for _, root := range []string{
		`<Envelope/>`, `<e:Envelope xmlns:e="http://www.w3.org/2001/12/soap-envelope"><e:Body/></e:Envelope>`,
		`<e:Body xmlns:e="` + soap.Envelope11 + `"/>`, say(hello),
	} {
		for _, mediaType := range []string{"text/xml", "application/soap+xml"} {
			a := e.send(t, root, "Content-Type", mediaType)
			if a.status != 500 || !strings.Contains(a.body, "<faultcode>soap:VersionMismatch</faultcode>") || !strings.Contains(a.body, "<soap12:Upgrade ") ||
				strings.Contains(a.body, "<detail>") || a.header.Get("Content-Type") != "text/xml; charset=utf-8" {
				t.Errorf("%s: %d %s", root, a.status, a.body)
			}
		}
	}
}

func TestRow3StatusOfFaults(t *testing.T) {
	e := newEcho(t, nil)
	request := func(how string) string {
		return `<FailRequest xmlns="urn:test:echo"><how>` + how + `</how></FailRequest>`
	}
	for _, test := range []struct {
		envelope, agent string
		status          int
	}{
		{envelope11(request("SENDER")), "", 500},
		{envelope11(request("RECEIVER")), "", 500},
		{envelope12(request("SENDER")), "", 400},
		{envelope12(request("SENDER")), "Python/3", 400},
		{envelope12(request("SENDER")), "Apache-CXF/4.1.0", 500}, // it reads no other
		{envelope12(request("RECEIVER")), "", 500},
		{envelope12(request("RETRY")), "", 400},
		{envelope12(""), "", 400},
	} {
		if a := e.send(t, test.envelope, "Content-Type", "text/xml", "User-Agent", test.agent); a.status != test.status {
			t.Errorf("%s, %s: %d, want %d", test.envelope, test.agent, a.status, test.status)
		}
	}
}

func TestRow3QuirksCanBeExtended(t *testing.T) {
	e := newEcho(t, func(c *soap.Config) {
		c.Quirks = append(c.Quirks, soap.Quirk{UserAgent: "Old/", Reason: "Old is old."})
	})
	if a := e.send(t, envelope12(""), "Content-Type", "text/xml", "User-Agent", "Old/1"); a.status != 500 {
		t.Errorf("status %d", a.status)
	}
}

func TestRow4DispatchIsByTheBodysElement(t *testing.T) {
	e := newEcho(t, nil)
	for _, body := range []string{
		`<Unknown xmlns="urn:test:echo"/>`, `<EchoRequest/>`, `<EchoRequest xmlns="urn:other"/>`, `<EchoResponse xmlns="urn:test:echo"/>`,
		`<s:Fault/>`, `<echorequest xmlns="urn:test:echo"/>`,
	} {
		e.expectFault(t, e.xml11(t, envelope11(body)), soap.UnknownOperation)
	}
	if a := e.xml11(t, envelope11(`<EchoRequest/>`)); !strings.Contains(a.body, "must be in the namespace urn:test:echo") {
		t.Errorf("the fault does not tell the namespace: %s", a.body)
	}
}

func TestRow4EverySpellingOfTheAction(t *testing.T) {
	const action = "urn:test:echo/Echo"
	for _, right := range [][]string{
		{}, {"SOAPAction", ""}, {"SOAPAction", `""`}, {"SOAPAction", action}, {"SOAPAction", `"` + action + `"`}, {"SoapAction", `"` + action + `"`},
		{"soapaction", ` "` + action + `" `}, {"SOAPAction", `''`}, {"SOAPAction", `" "`},
		// Of clients that were told none: the name of the element or of the operation.
		{"SOAPAction", `"urn:test:echo#EchoRequest"`}, {"SOAPAction", "urn:test:echo/EchoRequest"}, {"SOAPAction", "EchoRequest"}, {"SOAPAction", `"Echo"`}, {"SOAPAction", "urn:test:echo#Echo"},
	} {
		e := newEcho(t, nil)
		expectEcho(t, e.send(t, envelope11(say(hello)), append(right, "Content-Type", "text/xml")...), soap.SOAP11)
	}
	for _, right := range []string{`"` + action + `"`, action, `""`, ``, `"` + action + `"; charset=utf-8`, `'` + action + `'`} {
		e := newEcho(t, nil)
		expectEcho(t, e.send(t, envelope12(say(hello)), "Content-Type", "application/soap+xml;action="+right, "SOAPAction", `"`+action+`"`), soap.SOAP12)
	}
	for _, wrong := range [][]string{
		{"SOAPAction", `"urn:test:echo/Fail"`}, {"SOAPAction", "urn:test:echo/Fail"}, {"SoapAction", "urn:test:echo/Fail"}, {"SOAPAction", `"urn:unknown"`},
		{"SOAPAction", action, "SOAPAction", "urn:test:echo/Fail"}, {"SOAPAction", strings.ToUpper(action)},
		{"SOAPAction", "urn:test:echo#FailRequest"}, {"SOAPAction", "Fail"}, {"SOAPAction", "urn:test:echo"}, {"SOAPAction", "urn:test:echo#"}, {"SOAPAction", "urn:test:echoEcho"}, {"SOAPAction", "urn:other#EchoRequest"}, {"SOAPAction", `"` + action},
	} {
		e := newEcho(t, nil)
		e.expectFault(t, e.send(t, envelope11(say(hello)), append(wrong, "Content-Type", "text/xml")...), soap.ActionMismatch)
	}
	for _, wrong := range []string{`"urn:test:echo/Fail"`, "urn:test:echo/Fail", `"urn:test:echo/Fail"; charset=utf-8`} {
		e := newEcho(t, nil)
		e.expectFault(t, e.send(t, envelope12(say(hello)), "Content-Type", "application/soap+xml; action="+wrong, "SOAPAction", action), soap.ActionMismatch)
	}
}

func TestRow5EverySpellingOfTheMediaType(t *testing.T) {
	e := newEcho(t, nil)
	for _, right := range []string{
		"text/xml", "text/xml;charset=UTF-8", `text/xml; charset="utf-8"`, "text/xml; charset='utf-8'", "TEXT/XML; CHARSET=utf8", "text/xml;", "text/xml ; charset = utf-8",
		"application/soap+xml", `application/soap+xml; action="urn:test:echo/Echo"; charset=utf-8`, `application/soap+xml;charset=utf-8;action="urn:test:echo/Echo"`,
		"application/soap+xml;charset=utf-8;action=urn:test:echo/Echo", `application/soap+xml; action="urn:test\:echo/Echo"`, "text/xml; x; charset=", "text/xml; charset=utf-8; charset=UTF-8",
	} {
		if a := e.send(t, envelope11(say(hello)), "Content-Type", right); a.status != http.StatusOK {
			t.Errorf("%s: %d %s", right, a.status, a.body)
		}
	}
	effects := e.effects.Load()
	for _, wrong := range []string{
		"", "text/plain", "application/json", "application/xml", "text/xmlx", `multipart/related; type="application/xop+xml"; boundary=x`,
		"application/xop+xml", "text/xml, text/xml", "text/xml; charset=utf-8; charset=iso-8859-1",
	} {
		if a := e.send(t, envelope11(say(hello)), "Content-Type", wrong); a.status != http.StatusUnsupportedMediaType || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %d %s", wrong, a.status, a.body)
		}
	}
	if e.effects.Load() != effects {
		t.Error("a handler ran")
	}
}

func utf16LE(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func TestRow6Charsets(t *testing.T) {
	for name, test := range map[string]struct{ mediaType, body, want string }{
		"UTF-8 with a mark":        {"text/xml", "\uFEFF" + envelope11(say("<text>é</text>")), "é"},
		"UTF-16 by its mark":       {"text/xml", utf16LE(envelope11(say("<text>محمد</text>"))), "محمد"},
		"UTF-16 in HTTP":           {"text/xml; charset=utf-16", utf16LE(`<?xml version="1.0" encoding="utf-16"?>` + envelope11(say("<text>é</text>"))), "é"},
		"ISO-8859-1 in the prolog": {"text/xml", `<?xml version="1.0" encoding="ISO-8859-1"?>` + envelope11(say("<text>\xe9</text>")), "é"},
		"windows-1252 in HTTP":     {"text/xml; charset=windows-1252", envelope11(say("<text>\x80</text>")), "€"},
	} {
		e := newEcho(t, nil)
		if a := e.send(t, test.body, "Content-Type", test.mediaType); a.status != 200 || !strings.Contains(a.body, "<text>"+test.want+"</text>") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for name, test := range map[string]struct {
		mediaType, body string
		kind            soap.Kind
	}{
		"bad UTF-8":          {"text/xml", envelope11(say("<text>\xe9</text>")), soap.Malformed},
		"bad windows-1252":   {"text/xml; charset=windows-1252", envelope11(say("<text>\x81</text>")), soap.Malformed},
		"bad US-ASCII":       {"text/xml; charset=us-ascii", envelope11(say("<text>é</text>")), soap.Malformed},
		"unknown in HTTP":    {"text/xml; charset=utf-7", envelope11(say(hello)), soap.UnsupportedCharset},
		"unknown in prolog":  {"text/xml", `<?xml version="1.0" encoding="EBCDIC-CP-US"?>` + envelope11(say(hello)), soap.UnsupportedCharset},
		"UTF-16 not in fact": {"text/xml; charset=utf-16", envelope11(say(hello)), soap.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho(t, nil)
			e.expectFault(t, e.send(t, test.body, "Content-Type", test.mediaType), test.kind)
		})
	}
}

func TestRow8EnvelopesThatAreRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"DOCTYPE":                       `<!DOCTYPE x>` + envelope11(say(hello)),
		"DOCTYPE with an entity":        `<!DOCTYPE x [<!ENTITY e "hello">]>` + envelope11(say("<text>&e;</text>")),
		"DOCTYPE from elsewhere":        `<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">` + envelope11(say(hello)),
		"DOCTYPE inside":                envelope11(`<!DOCTYPE x>` + say(hello)),
		"processing instruction":        envelope11(`<?x y?>` + say(hello)),
		"stylesheet":                    `<?xml-stylesheet href="x"?>` + envelope11(say(hello)),
		"XML 1.1":                       `<?xml version="1.1"?>` + envelope11(say(hello)),
		"second root":                   envelope11(say(hello)) + envelope11(say(hello)),
		"trailing data":                 envelope11(say(hello)) + "x",
		"trailing NUL":                  envelope11(say(hello)) + "\x00",
		"empty":                         "",
		"no Body":                       `<s:Envelope xmlns:s="` + soap.Envelope11 + `"/>`,
		"Header only":                   `<s:Envelope xmlns:s="` + soap.Envelope11 + `"><s:Header/></s:Envelope>`,
		"empty Body":                    envelope11(" <!-- x --> "),
		"two children":                  envelope11(say(hello) + say(hello)),
		"text in Body":                  envelope11("x" + say(hello)),
		"text behind the child":         envelope11(say(hello) + "x"),
		"CDATA in Body":                 envelope11("<![CDATA[x]]>" + say(hello)),
		"two Bodies":                    strings.Replace(envelope11(say(hello)), "</s:Body>", "</s:Body><s:Body/>", 1),
		"element behind Body":           strings.Replace(envelope11(say(hello)), "</s:Body>", `</s:Body><x xmlns="u"/>`, 1),
		"Header behind Body":            strings.Replace(envelope11(say(hello)), "</s:Body>", "</s:Body><s:Header/>", 1),
		"two Headers":                   strings.Replace(envelope11(say(hello)), "<s:Body>", "<s:Header/><s:Header/><s:Body>", 1),
		"element before Body":           strings.Replace(envelope11(say(hello)), "<s:Body>", `<x xmlns="u"/><s:Body>`, 1),
		"text between":                  strings.Replace(envelope11(say(hello)), "<s:Body>", "x<s:Body>", 1),
		"text behind Body":              strings.Replace(envelope11(say(hello)), "</s:Body>", "</s:Body>x", 1),
		"text in Header":                strings.Replace(envelope11(say(hello)), "<s:Body>", "<s:Header>x</s:Header><s:Body>", 1),
		"block in no namespace":         strings.Replace(envelope11(say(hello)), "<s:Body>", "<s:Header><x/></s:Header><s:Body>", 1),
		"Body of the other version":     strings.Replace(strings.Replace(envelope11(say(hello)), "<s:Body>", `<b:Body xmlns:b="`+soap.Envelope12+`">`, 1), "</s:Body>", "</b:Body>", 1),
		"1.2 encodingStyle on Envelope": strings.Replace(envelope12(say(hello)), "<s:Envelope", `<s:Envelope s:encodingStyle="http://www.w3.org/2003/05/soap-envelope/encoding/none"`, 1),
		"1.2 encodingStyle on Body":     strings.Replace(envelope12(say(hello)), "<s:Body", `<s:Body s:encodingStyle=""`, 1),
		"1.2 encodingStyle on Header":   strings.Replace(envelope12(say(hello)), "<s:Body", `<s:Header s:encodingStyle=""/><s:Body`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho(t, nil)
			e.expectFault(t, e.xml11(t, doc), soap.Malformed)
		})
	}
}

func TestRow8EncodedMessagesAreToldHowToSwitch(t *testing.T) {
	for name, doc := range map[string]string{
		"encodingStyle on the operation":   envelope11(`<EchoRequest xmlns="urn:test:echo" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">` + hello + `</EchoRequest>`),
		"encodingStyle on a field":         envelope11(say(`<text s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">hello</text>`)),
		"encodingStyle of 1.2":             envelope12(`<EchoRequest xmlns="urn:test:echo" s:encodingStyle="http://www.w3.org/2003/05/soap-encoding">` + hello + `</EchoRequest>`),
		"encodingStyle, another operation": envelope11(`<Echo s:encodingStyle=""/>`),
		"href":                             envelope11(say(`<text href="#id0"/>`)),
		"multiRef":                         envelope11(say(hello) + `<multiRef id="id0">hello</multiRef>`),
		"arrayType":                        envelope11(say(`<text xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" enc:arrayType="enc:string[1]">x</text>`)),
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho(t, nil)
			a := e.xml11(t, doc)
			e.expectFault(t, a, soap.Encoded)
			if !strings.Contains(a.body, "document/literal") || !strings.Contains(a.body, "use literal") {
				t.Errorf("the fault does not say how: %s", a.body)
			}
		})
	}
}

func TestRow8EncodingStyleOnA11EnvelopeIsIgnored(t *testing.T) {
	e := newEcho(t, nil)
	doc := envelope11(say(hello))
	for _, tag := range []string{"<s:Envelope", "<s:Body"} {
		doc = strings.Replace(doc, tag, tag+` s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"`, 1)
	}
	expectEcho(t, e.xml11(t, doc), soap.SOAP11)
}

func TestRow9NotWellFormed(t *testing.T) {
	for name, doc := range map[string]string{
		"duplicate attribute":  envelope11(`<EchoRequest xmlns="urn:test:echo"><text xml:lang="a" xml:lang="b">hello</text></EchoRequest>`),
		"by two prefixes":      envelope11(`<EchoRequest xmlns="urn:test:echo" xmlns:a="u" xmlns:b="u" a:x="" b:x="">` + hello + `</EchoRequest>`),
		"undeclared prefix":    envelope11(`<p:EchoRequest/>`),
		"mismatched tags":      envelope11(`<EchoRequest xmlns="urn:test:echo">` + hello + `</EchoResponse>`),
		"cut off":              envelope11(say(hello))[:120],
		"cut off at the end":   strings.TrimSuffix(envelope11(say(hello)), ">"),
		"undefined entity":     envelope11(say(`<text>&nbsp;</text>`)),
		"bad reference":        envelope11(say(`<text>&#0;</text>`)),
		"broken in the header": strings.Replace(envelope11(say(hello)), "<s:Body>", `<s:Header><a xmlns="u"></b></s:Header><s:Body>`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			e := newEcho(t, nil)
			e.expectFault(t, e.xml11(t, doc), soap.Malformed)
		})
	}
}

func TestRow14Limits(t *testing.T) {
	nest := func(depth int) string { // of the whole document
		return strings.Replace(envelope11(say(hello)), "<s:Body>", `<s:Header>`+strings.Repeat(`<a xmlns="u">`, depth-2)+strings.Repeat(`</a>`, depth-2)+`</s:Header><s:Body>`, 1)
	}
	blocks := func(n int) string {
		return strings.Replace(envelope11(say(hello)), "<s:Body>", `<s:Header>`+strings.Repeat(`<a xmlns="u"/>`, n)+`</s:Header><s:Body>`, 1)
	}
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` xml:a%d=""`, i)
		}
		return envelope11(say(`<text` + b.String() + `>hello</text>`))
	}
	name := func(n int) string {
		return envelope11(say(`<text xml:` + strings.Repeat("a", n-4) + `="">hello</text>`))
	}
	for what, test := range map[string]struct{ within, beyond string }{
		"depth 32":       {nest(32), nest(33)},
		"1,000 elements": {blocks(1000 - 5), blocks(1000 - 4)},
		"64 attributes":  {attributes(64), attributes(65)},
		"256 byte names": {name(256), name(257)},
		"1 MiB":          {pad(1 << 20), pad(1<<20 + 1)},
	} {
		t.Run(what, func(t *testing.T) {
			e := newEcho(t, nil)
			expectEcho(t, e.xml11(t, test.within), soap.SOAP11)
			e = newEcho(t, nil)
			e.expectFault(t, e.xml11(t, test.beyond), soap.LimitExceeded)
		})
	}
}

func TestRow14EachLimitHasASetting(t *testing.T) {
	header := func(blocks string) string {
		return strings.Replace(envelope11(say(hello)), "<s:Body>", "<s:Header>"+blocks+"</s:Header><s:Body>", 1)
	}
	for what, test := range map[string]struct {
		set            func(*soap.Config)
		within, beyond string
	}{
		"depth":      {func(c *soap.Config) { c.Limits.Depth = 5 }, header(`<a xmlns="u"><b><c/></b></a>`), header(`<a xmlns="u"><b><c><d/></c></b></a>`)},
		"elements":   {func(c *soap.Config) { c.Limits.Elements = 6 }, header(`<a xmlns="u"/>`), header(`<a xmlns="u"/><a xmlns="u"/>`)},
		"attributes": {func(c *soap.Config) { c.Limits.Attributes = 2 }, header(`<a xmlns="u" x=""/>`), header(`<a xmlns="u" x="" y=""/>`)},
		"names":      {func(c *soap.Config) { c.Limits.NameBytes = 12 }, header(`<abcdefghijkl xmlns="u"/>`), header(`<abcdefghijklm xmlns="u"/>`)},
		"body":       {func(c *soap.Config) { c.BodyLimit = 1000 }, pad(1000), pad(1001)},
	} {
		t.Run(what, func(t *testing.T) {
			e := newEcho(t, test.set)
			expectEcho(t, e.xml11(t, test.within), soap.SOAP11)
			e = newEcho(t, test.set)
			e.expectFault(t, e.xml11(t, test.beyond), soap.LimitExceeded)
		})
	}
}

// pad gives an envelope of so many bytes.
func pad(size int) string {
	doc := envelope11(say(hello))
	return doc + strings.Repeat(" ", size-len(doc))
}
