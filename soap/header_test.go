package soap_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// withHeader puts blocks into an envelope.
func withHeader(envelope, blocks string) string {
	return strings.Replace(envelope, "<s:Body>", "<s:Header>"+blocks+"</s:Header><s:Body>", 1)
}

func TestRow10MustUnderstand(t *testing.T) {
	const next11, next12 = "http://schemas.xmlsoap.org/soap/actor/next", "http://www.w3.org/2003/05/soap-envelope/role/next"
	const ultimate, none = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver", "http://www.w3.org/2003/05/soap-envelope/role/none"
	const fine, mandatory, wrong = "fine", "mandatory", "wrong"
	for _, test := range []struct {
		version    soap.Version
		attributes string
		want       string
	}{
		{soap.SOAP11, ``, fine}, {soap.SOAP11, `s:mustUnderstand="0"`, fine}, {soap.SOAP11, `s:mustUnderstand="1"`, mandatory},
		{soap.SOAP11, `s:mustUnderstand="true"`, wrong}, {soap.SOAP11, `s:mustUnderstand=""`, wrong}, {soap.SOAP11, `s:mustUnderstand="2"`, wrong},
		{soap.SOAP11, `mustUnderstand="1"`, fine},
		{soap.SOAP11, `s:mustUnderstand="1" s:actor="` + next11 + `"`, mandatory}, {soap.SOAP11, `s:mustUnderstand="1" s:actor=""`, mandatory},
		{soap.SOAP11, `s:mustUnderstand="1" s:actor=" ` + next11 + `&#10;"`, mandatory}, {soap.SOAP12, `s:mustUnderstand="1" s:role=" ` + next12 + ` "`, mandatory},
		{soap.SOAP11, `s:mustUnderstand="1" s:actor="urn:somebody"`, fine}, {soap.SOAP11, `s:mustUnderstand="1" s:role="urn:somebody"`, mandatory},
		{soap.SOAP12, ``, fine}, {soap.SOAP12, `s:mustUnderstand="0"`, fine}, {soap.SOAP12, `s:mustUnderstand="false"`, fine},
		{soap.SOAP12, `s:mustUnderstand="1"`, mandatory}, {soap.SOAP12, `s:mustUnderstand="true"`, mandatory}, {soap.SOAP12, `s:mustUnderstand="TRUE"`, wrong},
		{soap.SOAP12, `s:mustUnderstand="1" s:role="` + next12 + `"`, mandatory}, {soap.SOAP12, `s:mustUnderstand="1" s:role="` + ultimate + `"`, mandatory},
		{soap.SOAP12, `s:mustUnderstand="1" s:role="` + none + `"`, fine}, {soap.SOAP12, `s:mustUnderstand="1" s:role="urn:somebody"`, fine},
		{soap.SOAP12, `s:relay="true"`, fine}, {soap.SOAP12, `s:relay="x"`, wrong},
	} {
		e := newEcho(t, nil)
		envelope := envelope11(say(hello))
		if test.version == soap.SOAP12 {
			envelope = envelope12(say(hello))
		}
		a := e.xml11(t, withHeader(envelope, `<x:B xmlns:x="urn:x" `+test.attributes+`><x:C s:mustUnderstand="nonsense"/></x:B>`))
		switch test.want {
		case fine:
			expectEcho(t, a, test.version)
		case wrong:
			e.expectFault(t, a, soap.Malformed)
		default:
			not := strings.Contains(a.body, `<soap:NotUnderstood xmlns:b="urn:x" qname="b:B"/>`)
			if a.status != 500 || !strings.Contains(a.body, "soap:MustUnderstand<") || not != (test.version == soap.SOAP12) || strings.Contains(strings.ToLower(a.body), "<detail") {
				t.Errorf("SOAP %s %s: %d %s", test.version, test.attributes, a.status, a.body)
			}
			if e.effects.Load() != 0 {
				t.Errorf("SOAP %s %s: a handler ran", test.version, test.attributes)
			}
		}
	}
}

type contextKey struct{}

// token is a header block that a test's handler understands.
var token = soap.Name{Space: "urn:test:token", Local: "Token"}

func TestRow10HeaderHandlersGetTheirBlocks(t *testing.T) {
	var got []string
	e := newEcho(t, func(c *soap.Config) {
		c.Headers = []soap.HeaderHandler{{
			Understands: []soap.Name{token},
			Process: func(ctx context.Context, m *soap.Message) (context.Context, error) {
				for _, b := range m.Blocks {
					got = append(got, m.Version.String()+" "+m.Operation+" "+m.Action+" "+b.Text+b.Children[0].Text)
				}
				return context.WithValue(ctx, contextKey{}, "seen"), nil
			},
			Reply: func(context.Context, *soap.Message, error) []*xmlreader.Element {
				return []*xmlreader.Element{{
					Name:  soap.Name{Space: "urn:test:token", Local: "Seen"},
					Attrs: []xmlreader.Attr{{Name: soap.Name{Local: "n"}, Value: `"1"`}, {Name: soap.Name{Space: "urn:q", Local: "q"}, Value: "2"}, {Name: soap.Name{Space: xmlreader.XMLSpace, Local: "lang"}, Value: "en"}},
					Text:  "<>", Children: []*xmlreader.Element{{Name: soap.Name{Space: "urn:test:token", Local: "In"}}},
				}}
			},
		}, {
			Process: func(ctx context.Context, _ *soap.Message) (context.Context, error) {
				if ctx.Value(contextKey{}) != "seen" {
					t.Error("the context of the handler before is lost")
				}
				return ctx, nil
			},
		}}
	})
	blocks := `<Token xmlns="urn:test:token" s:mustUnderstand="1">a<b>c</b></Token><Token xmlns="urn:test:token" s:actor="urn:other"><b/></Token>`
	a := e.xml11(t, withHeader(envelope11(say(hello)), blocks))
	expectEcho(t, a, soap.SOAP11)
	if len(got) != 1 || got[0] != "1.1 Echo urn:test:echo/Echo ac" {
		t.Errorf("the handler got %q", got)
	}
	const reply = `<soap:Header><Seen xmlns="urn:test:token" n="&#34;1&#34;" xmlns:a1="urn:q" a1:q="2" xml:lang="en">&lt;&gt;<In xmlns="urn:test:token"></In></Seen></soap:Header>`
	if !strings.Contains(a.body, reply) {
		t.Errorf("the answer lacks the reply's block: %s", a.body)
	}
	if a := e.xml11(t, envelope11(`<FailRequest xmlns="urn:test:echo"><how>SENDER</how></FailRequest>`)); !strings.Contains(a.body, reply) {
		t.Errorf("the fault lacks the reply's block: %s", a.body)
	}
}

func TestRow10HeaderHandlersDecideBeforeAnythingElse(t *testing.T) {
	refusal := errors.New("not you")
	ran := 0
	e := newEcho(t, func(c *soap.Config) {
		c.Headers = []soap.HeaderHandler{{Process: func(context.Context, *soap.Message) (context.Context, error) {
			ran++
			return nil, refusal
		}}}
	})
	if a := e.xml11(t, envelope11(say(`<text/>`))); a.kind() != "INTERNAL" || e.effects.Load() != 0 || ran != 1 {
		t.Errorf("what breaks the schema is told to a caller that is refused: %s", a.body)
	}
	for _, broken := range []string{envelope11(say(hello)) + "x", withHeader(envelope11(say(hello)), `<x xmlns="u" s:mustUnderstand="1"/>`), envelope11(`<x/>`)} {
		e.xml11(t, broken)
		if ran != 1 {
			t.Errorf("the handler ran for %s", broken)
		}
	}
}

func TestReplyIsAskedWithTheError(t *testing.T) {
	type asked struct {
		kind      soap.Kind // "" for none
		operation string
		blocks    int
	}
	block := `<Token xmlns="urn:test:token"/>`
	for name, test := range map[string]struct {
		envelope string
		want     []asked
	}{
		"an answer":                            {withHeader(envelope11(say(hello)), block), []asked{{"", "Echo", 1}}},
		"a handler's error":                    {withHeader(envelope12(fail("SENDER")), block), []asked{{"other", "Fail", 1}}},
		"a panic":                              {withHeader(envelope12(fail("PANIC")), block), []asked{{soap.Internal, "Fail", 1}}},
		"broken rules":                         {withHeader(envelope11(say(`<text/>`)), block), []asked{{soap.Invalid, "Echo", 1}}},
		"before Process, no operation":         {withHeader(envelope11(`<x/>`), block+block), []asked{{soap.UnknownOperation, "", 2}}},
		"before Process, not understood":       {withHeader(envelope11(say(hello)), block+`<x xmlns="u" s:mustUnderstand="1"/>`), []asked{{soap.MustUnderstand, "", 1}}},
		"before Process, behind the envelope":  {withHeader(envelope12(say(hello)), block) + "x", []asked{{soap.Malformed, "Echo", 1}}},
		"before Process, the header is broken": {withHeader(envelope12(say(hello)), block+"<"), []asked{{soap.Malformed, "", 1}}},
		"no block":                             {envelope12(say(hello)), []asked{{"", "Echo", 0}}},
		"no envelope":                          {`<x/>`, nil},
		"no XML":                               {`x`, nil},
	} {
		var got []asked
		e := newEcho(t, func(c *soap.Config) {
			c.Headers = []soap.HeaderHandler{{
				Understands: []soap.Name{token},
				Process:     func(ctx context.Context, _ *soap.Message) (context.Context, error) { return ctx, nil },
				Reply: func(_ context.Context, m *soap.Message, err error) []*xmlreader.Element {
					got = append(got, asked{kindOf(err), m.Operation, len(m.Blocks)})
					return []*xmlreader.Element{{Name: token}}
				},
			}}
		})
		a := e.xml11(t, test.envelope)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: asked with %v, want %v", name, got, test.want)
		}
		if strings.Contains(a.body, `<soap:Header><Token xmlns="urn:test:token"></Token></soap:Header>`) != (len(test.want) > 0) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
}

// kindOf is "" for no error and "other" for one that is not of package soap.
func kindOf(err error) soap.Kind {
	var own *soap.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &own):
		return own.Kind
	default:
		return "other"
	}
}
