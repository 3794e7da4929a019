package wsa_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/wsa"
	"registrar/soap/xmlreader"
)

// same gives the same MessageID for each answer.
type same struct{}

func (same) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{0xab}, len(p))), nil }

const answerID = "urn:uuid:abababab-abab-4bab-abab-abababababab"

var settings = wsa.Settings{FaultName: "EchoFault", Random: same{}}

// message is one for Echo whose header holds content; a: and b: are WS-Addressing
// 1.0 and its submission.
func message(t testing.TB, content string) *soap.Message {
	t.Helper()
	root, err := xmlreader.ReadDocument(`<h xmlns:a="`+wsa.Space10+`" xmlns:b="`+wsa.Space200408+`">`+content+`</h>`, xmlreader.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return &soap.Message{
		Version: soap.SOAP12, PortType: soap.Name{Space: "urn:test:echo", Local: "EchoPort"},
		Operation: "Echo", Action: "urn:test:echo/Echo", Blocks: root.Children,
	}
}

// in200408 turns a test of WS-Addressing 1.0 into one of the submission.
var in200408 = strings.NewReplacer("<a:", "<b:", "</a:", "</b:", wsa.Space10+"/anonymous", wsa.Space200408+"/role/anonymous")

func replyTo(content string) string { return `<a:ReplyTo>` + content + `</a:ReplyTo>` }

const (
	id        = `<a:MessageID>urn:uuid:1</a:MessageID>`
	anonymous = `<a:Address>` + wsa.Space10 + `/anonymous</a:Address>`
)

func TestRow17WhatIsAccepted(t *testing.T) {
	for name, content := range map[string]string{
		"all":                         `<a:Action>urn:test:echo/Echo</a:Action><a:To>http://localhost:8080/echo</a:To><a:From><a:Address>http://client.example/</a:Address></a:From>` + replyTo(anonymous) + `<a:FaultTo>` + anonymous + `</a:FaultTo>` + id + `<a:RelatesTo>urn:uuid:2</a:RelatesTo><a:RelatesTo RelationshipType="urn:x">urn:uuid:3</a:RelatesTo>`,
		"a MessageID alone":           id,
		"an Action that says nothing": id + `<a:Action> </a:Action>`,
		"white space and comments":    "<a:MessageID>\n urn:uuid:<!-- c -->1\t</a:MessageID>" + replyTo(" <a:Address> "+wsa.Space10+"/anonymous\n</a:Address> "),
		"To is anonymous":             id + `<a:To>` + wsa.Space10 + `/anonymous</a:To>`,
		"metadata of an endpoint":     id + replyTo(anonymous+`<a:Metadata><x/></a:Metadata><a:ReferenceParameters/><x:y xmlns:x="urn:x"/>`),
		"others' blocks":              id + `<x:To xmlns:x="urn:x"/><a:Other/>`,
		"an identifier in Arabic":     id + `<a:To>http://خدمة.example/خدمة</a:To>`,
		"the longest":                 id + `<a:To>urn:` + strings.Repeat("x", 2044) + `</a:To>`,
		"attributes":                  `<a:MessageID xmlns:u="urn:u" u:Id="x">urn:uuid:1</a:MessageID>`,
		"reference parameters":        id + replyTo(anonymous+`<a:ReferenceParameters><x xmlns="urn:x"/></a:ReferenceParameters>`),
		"a scheme with all there are": id + `<a:To>A1+-.z:x</a:To>`,
	} {
		for _, content := range []string{content, in200408.Replace(content)} {
			ctx, err := wsa.HeaderHandler(settings).Process(t.Context(), message(t, content))
			if err != nil || wsa.MessageID(ctx) != "urn:uuid:1" {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, content := range []string{``, `<a:To>urn:x</a:To>`, `<x:MessageID xmlns:x="urn:x">urn:uuid:1</x:MessageID>`} {
		if ctx, err := wsa.HeaderHandler(settings).Process(t.Context(), message(t, content)); err != nil || wsa.MessageID(ctx) != "" {
			t.Errorf("%s: %q, %v", content, wsa.MessageID(ctx), err)
		}
	}
}

func TestRow17WhatIsRefused(t *testing.T) {
	many := strings.Repeat(`<x xmlns="urn:x"/>`, 33)
	parameters := func(content string) string {
		return replyTo(anonymous + `<a:ReferenceParameters>` + content + `</a:ReferenceParameters>`)
	}
	for name, test := range map[string]struct {
		content string
		detail  string // in WS-Addressing 1.0
	}{
		"MessageID twice":               {id + id, "InvalidCardinality"},
		"Action twice":                  {strings.Repeat(`<a:Action>urn:test:echo/Echo</a:Action>`, 2), "InvalidCardinality"},
		"To twice":                      {strings.Repeat(`<a:To>urn:x</a:To>`, 2), "InvalidCardinality"},
		"ReplyTo twice":                 {strings.Repeat(replyTo(anonymous), 2), "InvalidCardinality"},
		"FaultTo twice":                 {strings.Repeat(`<a:FaultTo>`+anonymous+`</a:FaultTo>`, 2), "InvalidCardinality"},
		"From twice":                    {strings.Repeat(`<a:From>`+anonymous+`</a:From>`, 2), "InvalidCardinality"},
		"ReplyTo elsewhere":             {replyTo(`<a:Address>http://169.254.169.254/latest</a:Address>`), "OnlyAnonymousAddressSupported"},
		"ReplyTo nowhere":               {replyTo(`<a:Address>` + wsa.Space10 + `/none</a:Address>`), "OnlyAnonymousAddressSupported"},
		"ReplyTo nearly anonymous":      {replyTo(`<a:Address>` + wsa.Space10 + `/anonymous/</a:Address>`), "OnlyAnonymousAddressSupported"},
		"FaultTo elsewhere":             {`<a:FaultTo><a:Address>http://localhost/</a:Address></a:FaultTo>`, "OnlyAnonymousAddressSupported"},
		"FaultTo elsewhere, ReplyTo ok": {replyTo(anonymous) + `<a:FaultTo><a:Address>http://localhost/</a:Address></a:FaultTo>`, "OnlyAnonymousAddressSupported"},
		"ReplyTo without Address":       {replyTo(`<a:Metadata/>`), "MissingAddressInEPR"},
		"ReplyTo with a foreign one":    {replyTo(`<Address>` + wsa.Space10 + `/anonymous</Address>`), "MissingAddressInEPR"},
		"ReplyTo is a text":             {replyTo(wsa.Space10 + `/anonymous`), "MissingAddressInEPR"},
		"ReplyTo with text":             {replyTo(anonymous + "x"), "InvalidEPR"},
		"ReplyTo with two addresses":    {replyTo(anonymous + anonymous), "InvalidEPR"},
		"two, one elsewhere":            {replyTo(anonymous + `<a:Address>http://localhost/</a:Address>`), "InvalidEPR"},
		"Address holds an element":      {replyTo(`<a:Address>` + wsa.Space10 + `/anonymous<x/></a:Address>`), "InvalidAddress"},
		"From without Address":          {`<a:From/>`, "MissingAddressInEPR"},
		"From is no URI":                {`<a:From><a:Address>me</a:Address></a:From>`, "InvalidAddress"},
		"To is relative":                {`<a:To>/echo</a:To>`, "InvalidAddress"},
		"To has blanks":                 {`<a:To>http://localhost/a b</a:To>`, "InvalidAddress"},
		"To is empty":                   {`<a:To/>`, "InvalidAddress"},
		"To is too long":                {`<a:To>urn:` + strings.Repeat("x", 2045) + `</a:To>`, "InvalidAddress"},
		"MessageID is empty":            {`<a:MessageID> </a:MessageID>`, ""},
		"MessageID is a bare UUID":      {`<a:MessageID>6b29fc40-ca47-1067-b31d-00dd010662da</a:MessageID>`, ""},
		"MessageID in two lines":        {"<a:MessageID>urn:a\nurn:b</a:MessageID>", ""},
		"MessageID holds an element":    {`<a:MessageID>urn:<b/>x</a:MessageID>`, ""},
		"MessageID is a scheme":         {`<a:MessageID>urn:</a:MessageID>`, ""},
		"MessageID has a bad scheme":    {`<a:MessageID>1urn:x</a:MessageID>`, ""},
		"MessageID has a null scheme":   {`<a:MessageID>:x</a:MessageID>`, ""},
		"RelatesTo is no URI":           {`<a:RelatesTo>x</a:RelatesTo>`, ""},
		"parameters in no namespace":    {parameters(`<x/>`), "InvalidEPR"},
		"a parameter of mixed content":  {parameters(`<x xmlns="urn:x"><y>1<z/></y></x>`), "InvalidEPR"},
		"a parameter of addressing":     {parameters(`<a:Action>urn:x</a:Action>`), "InvalidEPR"},
		"a parameter of SOAP":           {parameters(`<Body xmlns="` + soap.Envelope11 + `"/>`), "InvalidEPR"},
		"many parameters":               {parameters(many), "InvalidEPR"},
		"many in one":                   {parameters(`<y xmlns="urn:x">` + many[:len(many)-18] + `</y>`), "InvalidEPR"},
		"long parameters":               {parameters(`<x xmlns="urn:x"><y>` + strings.Repeat("x", 8<<10) + `</y></x><y xmlns="urn:x">` + strings.Repeat("x", 8<<10) + `</y>`), "InvalidEPR"},
		"a long attribute":              {parameters(`<x xmlns="urn:x" y="` + strings.Repeat("x", 16<<10) + `"/>`), "InvalidEPR"},
	} {
		m := message(t, test.content)
		_, err := wsa.HeaderHandler(settings).Process(t.Context(), m)
		want := soap.Name{Space: wsa.Space10, Local: test.detail}
		if test.detail == "" {
			want = soap.Name{}
		}
		expectRefusal(t, name, err, soap.Name{Space: wsa.Space10, Local: "InvalidAddressingHeader"}, want)
		_, err = wsa.HeaderHandler(settings).Process(t.Context(), message(t, in200408.Replace(test.content)))
		expectRefusal(t, name, err, soap.Name{Space: wsa.Space200408, Local: "InvalidMessageInformationHeader"}, soap.Name{})
	}
	_, err := wsa.HeaderHandler(settings).Process(t.Context(), message(t, id+`<b:To>urn:x</b:To>`))
	expectRefusal(t, "two versions", err, soap.Name{Space: wsa.Space10, Local: "InvalidAddressingHeader"}, soap.Name{})
	_, err = wsa.HeaderHandler(settings).Process(t.Context(), message(t, replyTo(`<a:Address>`+wsa.Space200408+`/role/anonymous</a:Address>`)))
	expectRefusal(t, "the other's anonymous", err, soap.Name{Space: wsa.Space10, Local: "InvalidAddressingHeader"}, soap.Name{Space: wsa.Space10, Local: "OnlyAnonymousAddressSupported"})
}

func expectRefusal(t testing.TB, name string, err error, subcode, subsubcode soap.Name) {
	t.Helper()
	var own *soap.Error
	if !errors.As(err, &own) || own.Kind != soap.Addressing || own.Subcode != subcode || own.Subsubcode != subsubcode || own.Reason == "" {
		t.Errorf("%s: got %#v, want %s %s", name, err, subcode.Local, subsubcode.Local)
	}
}

func TestRow17AnActionOfAnotherOperation(t *testing.T) {
	http := soap.Name{Space: "http://test.example/echo", Local: "EchoPort"}
	slash := soap.Name{Space: "http://test.example/echo/", Local: "EchoPort"}
	urn := soap.Name{Space: "URN:test:echo", Local: "EchoPort"}
	for name, test := range map[string]struct {
		portType soap.Name
		soap     string // the operation's soapAction
		action   string
		in10     bool // whether it is right
		in200408 bool
	}{
		"soapAction":              {urn, "urn:a", "urn:a", true, true},
		"default, URN":            {urn, "urn:a", "URN:test:echo:EchoPort:EchoRequest", true, false},
		"default, URN, slash":     {urn, "urn:a", "URN:test:echo/EchoPort/EchoRequest", false, true},
		"default, http":           {http, "", "http://test.example/echo/EchoPort/EchoRequest", true, true},
		"default, slash":          {slash, "", "http://test.example/echo/EchoPort/EchoRequest", true, true},
		"another operation":       {urn, "urn:a", "urn:b", false, false},
		"another case":            {urn, "urn:a", "URN:a", false, false},
		"of the answer":           {http, "", "http://test.example/echo/EchoPort/EchoResponse", false, false},
		"another operation, http": {http, "", "http://test.example/echo/EchoPort/FailRequest", false, false},
		"none":                    {http, "urn:a", "", true, true},
	} {
		content := id
		if test.action != "" {
			content += `<a:Action>` + test.action + `</a:Action>`
		}
		for content, want := range map[string]bool{content: test.in10, in200408.Replace(content): test.in200408} {
			m := message(t, content)
			m.PortType, m.Action = test.portType, test.soap
			_, err := wsa.HeaderHandler(settings).Process(t.Context(), m)
			var own *soap.Error
			if (err == nil) != want || err != nil && (!errors.As(err, &own) || own.Kind != soap.ActionMismatch || own.Subcode.Local != "ActionNotSupported" || own.Subcode.Space != m.Blocks[0].Name.Space) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// reply gives the headers of an answer, by local name, but for MessageID.
func reply(t testing.TB, m *soap.Message, failed error) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, b := range wsa.HeaderHandler(settings).Reply(t.Context(), m, failed) {
		if b.Name.Space != m.Blocks[0].Name.Space {
			t.Errorf("%v is of another namespace", b.Name)
		}
		got[b.Name.Local] = b.Text
	}
	if got["MessageID"] != answerID {
		t.Errorf("the answer has the MessageID %q", got["MessageID"])
	}
	delete(got, "MessageID")
	return got
}

func TestRow17AnAnswerRelatesToItsMessage(t *testing.T) {
	const all10, all200408 = wsa.Space10 + "/anonymous", wsa.Space200408 + "/role/anonymous"
	invalid := &soap.Error{Kind: soap.Invalid}
	for name, test := range map[string]struct {
		content          string
		failed           error
		no               bool   // operation was found
		action10, action string // of 1.0 and of the submission
		relatesTo        string
	}{
		"an answer":              {id, nil, false, "urn:test:echo:EchoPort:EchoResponse", "urn:test:echo/EchoPort/EchoResponse", "urn:uuid:1"},
		"without a MessageID":    {`<a:To>urn:x</a:To>`, nil, false, "urn:test:echo:EchoPort:EchoResponse", "urn:test:echo/EchoPort/EchoResponse", ""},
		"an operation's fault":   {id, errors.New("no"), false, "urn:test:echo:EchoPort:Echo:Fault:EchoFault", wsa.Space200408 + "/fault", "urn:uuid:1"},
		"an invalid request":     {id, invalid, false, "urn:test:echo:EchoPort:Echo:Fault:EchoFault", wsa.Space200408 + "/fault", "urn:uuid:1"},
		"no operation":           {id, &soap.Error{Kind: soap.UnknownOperation}, true, wsa.Space10 + "/soap/fault", wsa.Space200408 + "/fault", "urn:uuid:1"},
		"not understood":         {id, &soap.Error{Kind: soap.MustUnderstand}, false, wsa.Space10 + "/soap/fault", wsa.Space200408 + "/fault", "urn:uuid:1"},
		"twice the MessageID":    {id + id, invalid, false, "urn:test:echo:EchoPort:Echo:Fault:EchoFault", wsa.Space200408 + "/fault", ""},
		"a MessageID that isn't": {`<a:MessageID>x</a:MessageID>`, invalid, false, "urn:test:echo:EchoPort:Echo:Fault:EchoFault", wsa.Space200408 + "/fault", ""},
		"another header is wrong": {
			`<a:To>x</a:To>` + id, nil, false, "urn:test:echo:EchoPort:EchoResponse", "urn:test:echo/EchoPort/EchoResponse", "urn:uuid:1",
		},
	} {
		for content, want := range map[string]map[string]string{
			test.content:                   {"Action": test.action10, "To": all10, "RelatesTo": test.relatesTo},
			in200408.Replace(test.content): {"Action": test.action, "To": all200408, "RelatesTo": test.relatesTo},
		} {
			m := message(t, content)
			if test.no {
				m.Operation, m.Action = "", ""
			}
			if test.relatesTo == "" {
				delete(want, "RelatesTo")
			}
			if got := reply(t, m, test.failed); !maps.Equal(got, want) {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	}
	for _, content := range []string{replyTo(`<a:Address>http://localhost/</a:Address>`) + id, id + id} {
		m := message(t, content)
		_, err := wsa.HeaderHandler(settings).Process(t.Context(), m)
		if got := reply(t, m, err); got["Action"] != wsa.Space10+"/fault" {
			t.Errorf("a fault of WS-Addressing has the action %s", got["Action"])
		}
	}
	for _, content := range []string{``, `<x:To xmlns:x="urn:x"/>`, `<a:Other/>`} {
		if blocks := wsa.HeaderHandler(settings).Reply(t.Context(), message(t, content), nil); len(blocks) > 0 {
			t.Errorf("%q has an answer with addresses", content)
		}
	}
}

func TestRow17WithoutAFaultNameFaultsAreSOAPs(t *testing.T) {
	h := wsa.HeaderHandler(wsa.Settings{Random: same{}})
	if got := h.Reply(t.Context(), message(t, id), errors.New("no"))[0]; got.Name.Local != "Action" || got.Text != wsa.Space10+"/soap/fault" {
		t.Errorf("got %v", got)
	}
}

func TestRow17ReferenceParametersComeBack(t *testing.T) {
	const one, two = `<x:one xmlns:x="urn:x" xmlns:a="` + wsa.Space10 + `" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="` + soap.Envelope11 + `" a:IsReferenceParameter="false" n="1" i:type="x:T" s:mustUnderstand="banana"><x:in i:type="x:T">1</x:in></x:one>`, `<two xmlns="urn:y"/>`
	there := replyTo(anonymous + `<a:ReferenceParameters>` + one + `</a:ReferenceParameters>`)
	elsewhere := `<a:FaultTo>` + anonymous + `<a:ReferenceParameters>` + two + `</a:ReferenceParameters></a:FaultTo>`
	for name, test := range map[string]struct {
		content string
		failed  error
		want    string
	}{
		"an answer":               {there, nil, "one"},
		"an answer, with FaultTo": {there + elsewhere, nil, "one"},
		"a fault":                 {there, errors.New("no"), "one"},
		"a fault, with FaultTo":   {there + elsewhere, errors.New("no"), "two"},
		"an empty FaultTo":        {there + `<a:FaultTo>` + anonymous + `</a:FaultTo>`, errors.New("no"), ""},
		"properties":              {strings.ReplaceAll(there, "ReferenceParameters", "ReferenceProperties"), nil, "one"},
	} {
		if name != "properties" {
			expectParameter(t, name, wsa.HeaderHandler(settings).Reply(t.Context(), message(t, test.content), test.failed), test.want, true)
		}
		expectParameter(t, name, wsa.HeaderHandler(settings).Reply(t.Context(), message(t, in200408.Replace(test.content)), test.failed), test.want, false)
	}
}

// expectParameter checks that the last block is that parameter, marked or not.
func expectParameter(t *testing.T, name string, blocks []*xmlreader.Element, want string, marked bool) {
	t.Helper()
	last := blocks[len(blocks)-1]
	if want == "" {
		if last.Name.Local != "To" {
			t.Errorf("%s: got %v", name, last.Name)
		}
		return
	}
	mark := slices.DeleteFunc(slices.Clone(last.Attrs), func(a xmlreader.Attr) bool {
		return a.Name != soap.Name{Space: wsa.Space10, Local: "IsReferenceParameter"} || a.Value != "true"
	})
	if last.Name.Local != want || (len(mark) == 1) != marked {
		t.Errorf("%s: got %+v", name, last)
	}
	if want == "one" && (len(last.Children) != 1 || last.Children[0].Text != "1" || !slices.Contains(last.Attrs, xmlreader.Attr{Name: soap.Name{Local: "n"}, Value: "1"})) {
		t.Errorf("%s: not all of it comes back: %+v", name, last)
	}
	if want == "one" && (len(last.Attrs)-len(mark) > 2 || len(last.Children[0].Attrs) > 0) {
		t.Errorf("%s: what means something else in an answer comes back: %+v", name, last)
	}
}

func TestRow17ANewMessageIDForEachAnswer(t *testing.T) {
	h := wsa.HeaderHandler(wsa.Settings{})
	seen := map[string]bool{}
	for range 100 {
		seen[h.Reply(t.Context(), message(t, id), nil)[1].Text] = true
	}
	if len(seen) != 100 || !strings.HasPrefix(slices.Collect(maps.Keys(seen))[0], "urn:uuid:") {
		t.Errorf("%d MessageIDs", len(seen))
	}
	none := wsa.HeaderHandler(wsa.Settings{Random: io.LimitReader(same{}, 3)})
	if blocks := none.Reply(t.Context(), message(t, id), nil); blocks[1].Name.Local != "RelatesTo" {
		t.Errorf("got %v", blocks[1])
	}
}

func TestMessageIDOfNoMessage(t *testing.T) {
	if got := wsa.MessageID(context.Background()); got != "" {
		t.Errorf("got %q", got)
	}
}
