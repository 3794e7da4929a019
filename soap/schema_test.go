package soap_test

import (
	"strings"
	"testing"

	"registrar/soap"
)

const xsi = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"`

func TestRow11TheServedSchemaIsWhatARequestIsCheckedAgainst(t *testing.T) {
	for content, rule := range map[string]string{
		``:        "REQUIRED",
		`<text/>`: "TOO_SHORT",
		`<text>` + strings.Repeat("é", 21) + `</text>`: "TOO_LONG",
		hello + hello:                     "REPEATED",
		hello + `<x/>`:                    "UNKNOWN",
		`<text xmlns="">hello</text>`:     "NAMESPACE",
		`<text>he<x/>llo</text>`:          "CONTENT",
		hello + `x`:                       "CONTENT",
		`<text x="1">hello</text>`:        "ATTRIBUTE",
		`<text ` + xsi + ` xsi:nil="1"/>`: "NIL",
		`<text ` + xsi + ` xsi:type="xsd:base64Binary">hello</text>`: "TYPE",
		hello + `<at>2026-02-30T00:00:00Z</at>`:                      "TYPE",
		hello + `<flag>TRUE</flag>`:                                  "TYPE",
		hello + `<count>1.5</count>`:                                 "TYPE",
		hello + `<note><xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="http://169.254.169.254/"/></note>`: "CONTENT",
	} {
		e := newEcho(t, nil)
		a := e.xml11(t, envelope11(say(content)))
		e.expectFault(t, a, soap.Invalid)
		if !strings.Contains(a.body, "<code>"+rule+"</code>") {
			t.Errorf("%s: %s, want %s", content, a.body, rule)
		}
	}
	for _, content := range []string{
		`<flag>0</flag>` + hello, `<text>he<!-- x -->l<![CDATA[lo]]></text>`, hello + `<note ` + xsi + ` xsi:nil="true"/>`,
		`<text ` + xsi + ` xsi:type="xsd:string" xml:lang="en" xsi:schemaLocation="u http://169.254.169.254/">hello</text>`,
		"<text>&#x68;ello</text>\n<!-- x -->",
	} {
		e := newEcho(t, nil)
		expectEcho(t, e.xml11(t, envelope11(say(content))), soap.SOAP11)
	}
}

func TestRow12ValuesAreLexicallyStrict(t *testing.T) {
	for element, values := range map[string]struct{ right, wrong []string }{
		"flag": {
			[]string{"true", "false", "1", "0", " true ", "\n\t0\r\n"},
			[]string{"", " ", "TRUE", "True", "yes", "no", "on", "t", "00", "01", "+1", "-0", "true false", "tr ue", "\u00a0true", "１"},
		},
		"count": {
			[]string{"0", "-0", "+1", "007", " 42 ", "2147483647", "-2147483648"},
			[]string{"", "1.0", "1e3", "1,000", "1 000", "0x10", "--1", "+", "2147483648", "-2147483649", "99999999999999999999", "NaN", "٤"},
		},
		"at": {
			[]string{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.123456789+14:00", "2024-02-29T00:00:00-14:00", " 2026-01-02T24:00:00Z ", "0001-01-01T00:00:00Z"},
			[]string{
				"", "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-02", "2026-01-02 03:04:05Z",
				"2026-01-02t03:04:05z", "2026-01-02T03:04Z", "2026-01-02T03:04:60Z", "2026-01-02T24:00:01Z", "2026-01-02T25:00:00Z", "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05+14:01",
				"2026-01-02T03:04:05+3", "2026-1-2T03:04:05Z", "26-01-02T03:04:05Z", "0000-01-01T00:00:00Z", "02/01/2026", "now",
			},
		},
	} {
		for _, value := range values.right {
			e := newEcho(t, nil)
			if a := e.xml11(t, envelope11(say(hello+"<"+element+">"+value+"</"+element+">"))); a.status != 200 {
				t.Errorf("%s %q: %s", element, value, a.body)
			}
		}
		for _, value := range values.wrong {
			e := newEcho(t, nil)
			a := e.xml11(t, envelope11(say(hello+"<"+element+">"+value+"</"+element+">")))
			e.expectFault(t, a, soap.Invalid)
			if !strings.Contains(a.body, "<name>"+element+"</name>") {
				t.Errorf("%s %q: %s", element, value, a.body)
			}
		}
	}
}

func TestRow13NoValueOfTheRequestIsInAFault(t *testing.T) {
	e := newEcho(t, nil)
	const secret = "s3cr3t"
	for _, doc := range []string{
		envelope11(say(`<text>` + strings.Repeat(secret, 9) + `</text><flag>` + secret + `</flag><count>` + secret + `</count><at>` + secret + `</at>` + secret)),
		envelope11(say(`<text>` + secret + `</txet>`)), secret, envelope11(secret), envelope11(say(`<text x="` + secret + `">a</text>`)),
		`<!DOCTYPE a "` + secret + `">`, envelope11(say(`<text>&` + secret + `;</text>`)),
		withHeader(envelope11(say(hello)), `<x xmlns="u" s:mustUnderstand="`+secret+`"/>`),
	} {
		if a := e.xml11(t, doc); a.status != 500 || strings.Contains(a.body, secret) {
			t.Errorf("%s: %d %s", doc, a.status, a.body)
		}
	}
	if strings.Contains(e.log.String(), secret) {
		t.Errorf("the log has it: %s", e.log.String())
	}
}

func TestRow13WhatCheckSaysIsAddedForElementsThatAreRight(t *testing.T) {
	e := newEcho(t, nil)
	a := e.xml11(t, envelope11(say(`<text/><code>1</code>`)))
	e.expectFault(t, a, soap.Invalid)
	if strings.Count(a.body, "<field>") != 2 || !strings.Contains(a.body, "<name>code</name><code>LETTER</code>") || strings.Contains(a.body, "<name>text</name><code>LETTER</code>") {
		t.Errorf("got %s", a.body)
	}
	e = newEcho(t, nil)
	if a := e.xml11(t, envelope11(say(`<text>1</text>`))); a.status != 200 {
		t.Errorf("Check ran for a valid request: %s", a.body)
	}
}

func TestRow19RequiredElementsAreAlwaysWritten(t *testing.T) {
	e := newEcho(t, nil)
	a := e.xml11(t, envelope11(say(`<text>a</text>`)))
	if !strings.Contains(a.body, `<text>a</text><flag>false</flag><count>0</count><at>0001-01-01T00:00:00Z</at></EchoResponse>`) {
		t.Errorf("got %s", a.body)
	}
}
