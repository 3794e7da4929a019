package wsa_test

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/wsa"
	"registrar/soap/xmlreader"
)

// FuzzHeader: any headers are refused by a fault of WS-Addressing, or name the
// message as a second reader sees it and no place to answer but the
// connection. The answer has the headers that it must have, each once, no
// others than the caller's own, and is not much larger than what was sent.
func FuzzHeader(f *testing.F) {
	for _, content := range []string{
		id, id + id, replyTo(anonymous), replyTo(anonymous + `<a:ReferenceParameters><x xmlns="urn:x" y="z">t</x></a:ReferenceParameters>`),
		`<a:Action>urn:test:echo/Echo</a:Action>` + id, `<a:Action>urn:x</a:Action>`, `<a:FaultTo><a:Address>http://localhost/</a:Address></a:FaultTo>`,
		`<a:From>` + anonymous + `</a:From><a:RelatesTo>urn:x</a:RelatesTo>`, `<a:To/>`, `<a:To>http://localhost:8080/echo</a:To>`,
	} {
		f.Add(content, false)
		f.Add(in200408.Replace(content), true)
		f.Add(content+in200408.Replace(content), true)
	}
	f.Fuzz(func(t *testing.T, content string, failed bool) {
		doc := `<h xmlns:a="` + wsa.Space10 + `" xmlns:b="` + wsa.Space200408 + `">` + content + `</h>`
		root, err := xmlreader.ReadDocument(doc, xmlreader.Limits{})
		if err != nil {
			return
		}
		m := &soap.Message{PortType: soap.Name{Space: "urn:test:echo", Local: "EchoPort"}, Operation: "Echo", Action: "urn:test:echo/Echo", Blocks: root.Children}
		h := wsa.HeaderHandler(settings)
		ctx, err := h.Process(t.Context(), m)
		var own *soap.Error
		if err != nil {
			if !errors.As(err, &own) || own.Kind != soap.Addressing && own.Kind != soap.ActionMismatch || own.Subcode.Local == "" || len(own.Reason) > 300 {
				t.Fatalf("%#v", err)
			}
		} else {
			agree(t, doc, wsa.MessageID(ctx))
			if failed {
				err = errors.New("no")
			}
		}
		expectAnswer(t, h.Reply(t.Context(), m, err), content)
	})
}

// agree compares what was accepted with what encoding/xml reads.
func agree(t *testing.T, doc, messageID string) {
	t.Helper()
	type text struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	}
	var other struct {
		MessageID []text `xml:"MessageID"`
		Endpoints []struct {
			XMLName xml.Name
			Address []text `xml:"Address"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(doc), &other); err != nil {
		return // it is narrower in names and in places of xmlns
	}
	want := ""
	for _, e := range other.MessageID {
		if e.XMLName.Space == wsa.Space10 || e.XMLName.Space == wsa.Space200408 {
			want += strings.Trim(e.Text, " \t\r\n")
		}
	}
	if messageID != want {
		t.Fatalf("the MessageID is %q, want %q", messageID, want)
	}
	for _, e := range other.Endpoints {
		back := map[string]string{wsa.Space10: wsa.Space10 + "/anonymous", wsa.Space200408: wsa.Space200408 + "/role/anonymous"}[e.XMLName.Space]
		if back == "" || e.XMLName.Local != "ReplyTo" && e.XMLName.Local != "FaultTo" {
			continue
		}
		for _, a := range e.Address {
			if a.XMLName.Space == e.XMLName.Space && strings.Trim(a.Text, " \t\r\n") != back {
				t.Fatalf("%s names %q", e.XMLName.Local, a.Text)
			}
		}
	}
}

func expectAnswer(t *testing.T, blocks []*xmlreader.Element, content string) {
	t.Helper()
	count, own := map[string]int{}, 0
	for _, b := range blocks {
		if b.Name.Space == wsa.Space10 || b.Name.Space == wsa.Space200408 {
			count[b.Name.Local]++
			continue
		}
		own++
		if b.Name.Space == "" || !strings.Contains(content, b.Name.Local) {
			t.Fatalf("the answer has %v", b.Name)
		}
	}
	if len(blocks) == 0 {
		return
	}
	if count["Action"] != 1 || count["MessageID"] != 1 || count["To"] != 1 || count["RelatesTo"] > 1 || own > 32 || len(blocks) != 3+count["RelatesTo"]+own {
		t.Fatalf("the answer has %v and %d of the caller's", count, own)
	}
}
