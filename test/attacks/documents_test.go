package attacks_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"registrar/test/harness"
)

const (
	soap11 = "http://schemas.xmlsoap.org/soap/envelope/"
	wsse   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
	wsu    = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)

// times is how often each document is sent.
const times = 24

// nobody is a message that is answered by the fault NOT_FOUND.
var nobody = lookUp("nobody")

// in puts what an attacker writes into the message: declarations in front of
// the envelope, header blocks, and the user name.
func in(front, header, name string) string {
	doc := strings.Replace(nobody, "<soap:Body>", "<soap:Header>"+header+"</soap:Header><soap:Body>", 1)
	doc = strings.Replace(doc, "<soap:Envelope", front+"<soap:Envelope", 1)
	return strings.Replace(doc, ">nobody<", ">"+name+"<", 1)
}

// invalid is the fault for what is wrong with a document.
func invalid(words ...string) func(answer) string { return fault("VALIDATION_FAILED", words...) }

// document is an attack by one document, sent again and again.
func document(name, doc string, want func(answer) string) attack {
	return attack{name: name, want: want, run: func(ctx context.Context, v *victim) []answer {
		return many(ctx, v, times, post(v, []byte(doc)))
	}}
}

// headed is a document that is sent with headers.
func headed(name, doc string, want func(answer) string, headers ...string) attack {
	return attack{name: name, want: want, run: func(ctx context.Context, v *victim) []answer {
		return many(ctx, v, times, post(v, []byte(doc), headers...))
	}}
}

// documents are the attacks by what stands in the XML.
func documents(v *victim) []attack {
	var all []attack
	for _, list := range [][]attack{coercive(), entities(v), oversized(), collisions(), spoofed(v), references(v)} {
		all = append(all, list...)
	}
	return all
}

// coercive is coercive parsing: much to do for the parser.
func coercive() []attack {
	const deep = 100_000
	return []attack{
		document("nesting 100,000 deep, in the body", in("", "", strings.Repeat("<a>", deep)+strings.Repeat("</a>", deep)), invalid("nested too deeply")),
		document("nesting 100,000 deep, in the header", in("", `<a xmlns="urn:a">`+strings.Repeat("<a>", deep)+strings.Repeat("</a>", deep)+"</a>", "nobody"), invalid("nested too deeply")),
		document("start tags without end", "<soap:Envelope xmlns:soap='"+soap11+"'><soap:Body>"+strings.Repeat("<a>", 300_000), invalid()),
		document("a start tag without end", "<soap:Envelope xmlns:soap='"+soap11+"' "+strings.Repeat("a ", 500_000), invalid()),
		document("brothers without end", in("", "", strings.Repeat("<a/>", 200_000)), invalid("too many elements")),
		document("end tags without end", "<soap:Envelope xmlns:soap='"+soap11+"'>"+strings.Repeat("</a>", 250_000), invalid("end tag")),
		document("comments without end", in("", "", "n"+strings.Repeat("<!---->", 140_000)), either(fault("NOT_FOUND"), invalid())),
		document("a comment without end", in("", "<!--"+strings.Repeat("- ", 500_000), "nobody"), invalid("comment")),
		document("a CDATA section without end", in("", "", "<![CDATA["+strings.Repeat("]]", 500_000)), invalid("CDATA")),
		document("processing instructions", strings.Repeat("<?a?>", 200_000)+nobody, invalid("processing instruction")),
		document("a stylesheet", in("<?xml-stylesheet href='file:///etc/passwd'?>", "", "nobody"), invalid("processing instruction")),
		document("no XML", strings.Repeat("\xff\xfe\x00<", 200_000), invalid()),
	}
}

// entities are expansion of entities and references to outside ones.
func entities(v *victim) []attack {
	var laughs strings.Builder
	laughs.WriteString(`<!DOCTYPE x [<!ENTITY a0 "lol">`)
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&laughs, `<!ENTITY a%d "%s">`, i, strings.Repeat(fmt.Sprintf("&a%d;", i-1), 10))
	}
	laughs.WriteString("]>")
	refused := invalid("DOCTYPE")
	return []attack{
		document("billion laughs", in(laughs.String(), "", "&a29;"), refused),
		document("quadratic blow-up", in(`<!DOCTYPE x [<!ENTITY a "`+strings.Repeat("a", 50_000)+`">]>`, "", strings.Repeat("&a;", 50_000)), refused),
		document("an entity of itself", in(`<!DOCTYPE x [<!ENTITY a "&a;">]>`, "", "&a;"), refused),
		document("parameter entities", in(`<!DOCTYPE x [<!ENTITY % a "<!ENTITY b 'c'>"> %a;]>`, "", "&b;"), refused),
		document("an external entity, file", in(`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>`, "", "&a;"), refused),
		document("an external entity, device", in(`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///dev/zero">]>`, "", "&a;"), refused),
		document("an external entity, URL", in(`<!DOCTYPE x [<!ENTITY a SYSTEM "`+v.lure+`/a">]>`, "", "&a;"), refused),
		document("an external DTD", in(`<!DOCTYPE x SYSTEM "`+v.lure+`/a.dtd">`, "", "nobody"), refused),
		document("an entity of no DTD", in("", "", strings.Repeat("&a;", 300_000)), invalid("entity")),
		document("references without end", in("", "", strings.Repeat("&#x41;", 170_000)), invalid("username")),
	}
}

// oversized is too much of something.
func oversized() []attack {
	const large = 900_000
	attributes := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` a%d=""`, i)
		}
		return b.String()
	}
	namespaces := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, ` xmlns:n%d="u"`, i)
		}
		return b.String()
	}
	header := func(attributes string) string { return in("", `<a xmlns="urn:a"`+attributes+`/>`, "nobody") }
	return []attack{
		document("a body just beyond the limit", nobody+strings.Repeat(" ", 1<<20), fault("VALIDATION_FAILED", "1048576 bytes")),
		{name: "a body of 100 MB", want: either(fault("VALIDATION_FAILED", "1048576 bytes"), cut), run: func(ctx context.Context, v *victim) []answer {
			return many(ctx, v, 4, post(v, make([]byte, 100_000_000)))
		}},
		{name: "a body of 100 MB in chunks", want: either(fault("VALIDATION_FAILED", "1048576 bytes"), cut), run: func(ctx context.Context, v *victim) []answer {
			chunks := strings.Repeat("10000\r\n"+strings.Repeat(" ", 0x10000)+"\r\n", 1600)
			head := "POST /registration HTTP/1.1\r\nHost: " + v.address + "\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n"
			return many(ctx, v, 4, request{head: head, body: []byte(chunks)})
		}},
		document("a value of 900 kB", in("", "", strings.Repeat("a", large)), invalid("username")),
		document("an attribute of 900 kB", header(` a="`+strings.Repeat("a", large)+`"`), fault("NOT_FOUND")),
		document("an element's name of 900 kB", in("", "", "<"+strings.Repeat("a", large)+"/>"), invalid("name is too long")),
		document("a prefix of 900 kB", in("", "", "<"+strings.Repeat("a", large)+":b/>"), invalid("name is too long")),
		document("an attribute's name of 900 kB", header(" "+strings.Repeat("a", large)+`=""`), invalid("name is too long")),
		document("a namespace of 900 kB", header(` xmlns:b="`+strings.Repeat("a", large)+`"`), invalid("name is too long")),
		document("100,000 attributes", header(attributes(100_000)), invalid("too many attributes")),
		document("64,000 attributes on 1,000 elements", in("", strings.Repeat(`<a xmlns="urn:a"`+attributes(60)+`/>`, 980), "nobody"), either(fault("NOT_FOUND"), invalid())),
		document("50,000 namespaces", header(namespaces(50_000)), invalid("too many attributes")),
		document("namespaces over namespaces", in("", `<a xmlns="urn:a">`+strings.Repeat("<a"+namespaces(60)+">", 20), "nobody"), invalid("namespace declarations are in scope")),
		document("120 namespaces over 900 elements", in("", `<w:Security xmlns:w="`+wsse+`"`+namespaces(60)+`><w:a`+strings.ReplaceAll(namespaces(60), "xmlns:n", "xmlns:m")+`>`+strings.Repeat(`<w:b/>`, 900)+`</w:a></w:Security>`, "nobody"), fault("UNAUTHENTICATED")),
		document("900 mandatory blocks", in("", strings.Repeat(`<a xmlns="urn:a" soap:mustUnderstand="1"/>`, 900), "nobody"), fault("MustUnderstand")),
	}
}

// collisions are names with the same hash, for tables that are not seeded.
func collisions() []attack {
	// "Aa" and "BB" are the same to h = 31 h + c, as are all words of them.
	word := func(i int) string {
		var b strings.Builder
		for bit := range 15 {
			b.WriteString([]string{"Aa", "BB"}[i>>bit&1])
		}
		return b.String()
	}
	var attributes, few, elements strings.Builder
	for i := range 25_000 {
		fmt.Fprintf(&attributes, ` %s=""`, word(i))
	}
	for i := range 60 {
		fmt.Fprintf(&few, ` %s=""`, word(i))
	}
	for i := range 20_000 {
		fmt.Fprintf(&elements, `<%s/>`, word(i))
	}
	return []attack{
		document("25,000 attributes of one hash", in("", `<a xmlns="urn:a"`+attributes.String()+`/>`, "nobody"), invalid("too many attributes")),
		document("60 attributes of one hash on 400 elements", in("", strings.Repeat(`<a xmlns="urn:a"`+few.String()+`/>`, 400), "nobody"), fault("NOT_FOUND")),
		document("20,000 elements of one hash", in("", "", elements.String()), invalid("too many elements")),
	}
}

// never fails when somebody of that name was registered.
func never(name string) func(context.Context, *victim) error {
	return func(ctx context.Context, v *victim) error {
		var f *harness.Fault
		if _, err := v.Lookup(ctx, "username", name); !errors.As(err, &f) || f.Code != "NOT_FOUND" {
			return fmt.Errorf("%s was registered: %w", name, err)
		}
		return nil
	}
}

func register(name string) string {
	return harness.Register{Username: name, Email: name + "@example.com", Password: "velvet-anchor-tuesday"}.Body()
}

// spoofed are messages that say one thing in one place and another elsewhere.
func spoofed(v *victim) []attack {
	const lookUpAction = "urn:registrar:registration:v1/GetRegistration"
	action := func(name string, headers ...string) attack {
		return attack{name: "SOAPAction spoofing, " + name, want: invalid("action"), after: never("spoofed"), run: func(ctx context.Context, v *victim) []answer {
			return many(ctx, v, times, post(v, []byte(harness.Envelope(register("spoofed"))), headers...))
		}}
	}
	addressing := func(header string) string {
		return in("", `<a:ReplyTo xmlns:a="http://www.w3.org/2005/08/addressing"`+header+`><a:Address>`+v.lure+`/reply</a:Address></a:ReplyTo>`+
			`<a:FaultTo xmlns:a="http://www.w3.org/2005/08/addressing"><a:Address>`+v.lure+`/fault</a:Address></a:FaultTo>`, "nobody")
	}
	// The signed Body goes into a header block, and another one takes its place.
	signed := func(mandatory string) string {
		return in("", `<w:Security xmlns:w="`+wsse+`"`+mandatory+`><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>`+
			`<ds:Reference URI="#signed"><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature></w:Security>`+
			`<x:Wrapper xmlns:x="urn:x"><soap:Body xmlns:u="`+wsu+`" u:Id="signed">`+register("wrapped")+`</soap:Body></x:Wrapper>`, "nobody")
	}
	wrapped := func(name, doc string, want func(answer) string) attack {
		a := document(name, doc, want)
		a.after = never("wrapped")
		return a
	}
	return []attack{
		action("in the header", `SOAPAction: "`+lookUpAction+`"`),
		action("in the media type", `Content-Type: text/xml; charset=utf-8; action="`+lookUpAction+`"`),
		action("in one of two headers", `SOAPAction: "urn:registrar:registration:v1/Register"`, `SOAPAction: "`+lookUpAction+`"`),
		document("WS-Addressing: an answer elsewhere", addressing(""), invalid("anonymous")),
		document("WS-Addressing: an answer elsewhere, mandatory", addressing(` soap:mustUnderstand="1"`), invalid("anonymous")),
		wrapped("signature wrapping", signed(""), fault("UNAUTHENTICATED")),
		wrapped("signature wrapping, mandatory", signed(` soap:mustUnderstand="1"`), fault("UNAUTHENTICATED")),
		wrapped("two Bodies", strings.Replace(nobody, "</soap:Body>", "</soap:Body><soap:Body>"+register("wrapped")+"</soap:Body>", 1), invalid("Body")),
		wrapped("two operations in one Body", strings.Replace(nobody, "</soap:Body>", register("wrapped")+"</soap:Body>", 1), invalid("Body")),
		wrapped("a Body before the Header", strings.Replace(nobody, "</soap:Body>", "</soap:Body><soap:Header>"+register("wrapped")+"</soap:Header>", 1), invalid()),
		document("a schema elsewhere", strings.Replace(nobody, "<soap:Envelope", `<soap:Envelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:registrar:registration:v1 `+v.lure+`/a.xsd"`, 1), fault("NOT_FOUND")),
		document("XInclude", in("", "", `<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="`+v.lure+`/a" parse="text"/>`), invalid("username")),
		document("an injection", in("", "", `' OR 1=1; DROP TABLE account -- \`), invalid("username")),
		document("an element inside a value", in("", "", `adm<b/>in`), invalid("username")),
	}
}

// references are messages with parts elsewhere: XOP, MTOM and attachments.
func references(v *victim) []attack {
	include := in("", "", `<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="`+v.lure+`/a"/>`)
	part := "--b\r\nContent-Type: application/xop+xml; charset=utf-8; type=\"text/xml\"\r\nContent-ID: <root>\r\n\r\n" + include + "\r\n--b--\r\n"
	return []attack{
		document("an xop:Include", include, invalid("username")),
		headed("MTOM", part, status(415), `Content-Type: multipart/related; type="application/xop+xml"; start="<root>"; boundary=b`),
		headed("SOAP with attachments", part, status(415), `Content-Type: multipart/related; type="text/xml"; start="<root>"; boundary=b`),
		headed("a form", "a=b", status(415), "Content-Type: application/x-www-form-urlencoded"),
		headed("JSON", `{"username":{"$ne":null}}`, status(415), "Content-Type: application/json"),
	}
}
