package soap_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// refusing makes a service that ends every message with err.
func refusing(t *testing.T, err error, change func(*soap.Config)) *echo {
	t.Helper()
	return newEcho(t, func(c *soap.Config) {
		c.Headers = []soap.HeaderHandler{{Process: func(context.Context, *soap.Message) (context.Context, error) { return nil, err }}}
		if change != nil {
			change(c)
		}
	})
}

// child is the only child of e of that name, which must be there.
func child(t *testing.T, e *xmlreader.Element, name soap.Name) *xmlreader.Element {
	t.Helper()
	i := slices.IndexFunc(e.Children, func(c *xmlreader.Element) bool { return c.Name == name })
	if i < 0 || slices.ContainsFunc(e.Children[i+1:], func(c *xmlreader.Element) bool { return c.Name == name }) {
		t.Fatalf("%s has not exactly one %s", e.Name.Local, name.Local)
	}
	return e.Children[i]
}

// codes reads the codes of a SOAP 1.2 fault from the outside in (part 1,
// 5.4.1): each Code and Subcode is a Value, a QName whose prefix is in scope,
// and at most one Subcode behind it, with nothing else in it.
func codes(t *testing.T, envelope string) []soap.Name {
	t.Helper()
	root, err := xmlreader.ReadDocument(strings.TrimPrefix(envelope, "\ufeff"), xmlreader.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	in12 := func(local string) soap.Name { return soap.Name{Space: soap.Envelope12, Local: local} }
	fault := child(t, child(t, root, in12("Body")), in12("Fault"))
	var order []string
	for _, c := range fault.Children {
		order = append(order, c.Name.Local)
	}
	if got := strings.Join(order, " "); got != "Code Reason Detail" && got != "Code Reason" {
		t.Errorf("the fault's elements are %s", got)
	}
	var all []soap.Name
	for at := child(t, fault, in12("Code")); ; at = at.Children[1] {
		if n := len(at.Children); n < 1 || n > 2 || at.Children[0].Name != in12("Value") || n == 2 && at.Children[1].Name != in12("Subcode") {
			t.Fatalf("%s is not a Value and a Subcode at most", at.Name.Local)
		}
		if at.Text != "" || len(at.Attrs) > 0 || len(at.Children[0].Attrs) > 0 || len(at.Children[0].Children) > 0 {
			t.Errorf("%s holds what the schema does not allow", at.Name.Local)
		}
		name, ok := at.Children[0].ResolveQName(at.Children[0].Text)
		if !ok || name.Space == "" {
			t.Errorf("the prefix of %q is not in scope", at.Children[0].Text)
		}
		if all = append(all, name); len(at.Children) == 1 {
			return all
		}
	}
}

func TestSubcodesAreQNamesInScope(t *testing.T) {
	sender := soap.Name{Space: soap.Envelope12, Local: "Sender"}
	one, two := soap.Name{Space: "urn:one?a=1&b=<2>", Local: "One"}, soap.Name{Space: "urn:two", Local: "Two"}
	for name, test := range map[string]struct {
		err  *soap.Error
		want []soap.Name
	}{
		"none":               {&soap.Error{}, []soap.Name{sender}},
		"one":                {&soap.Error{Subcode: one}, []soap.Name{sender, one}},
		"two":                {&soap.Error{Subcode: one, Subsubcode: two}, []soap.Name{sender, one, two}},
		"twice the same":     {&soap.Error{Subcode: two, Subsubcode: two}, []soap.Name{sender, two, two}},
		"the second alone":   {&soap.Error{Subsubcode: two}, []soap.Name{sender}},
		"of SOAP's own kind": {&soap.Error{Subcode: sender}, []soap.Name{sender, sender}},
	} {
		test.err.Kind, test.err.Reason = soap.Unauthenticated, "Not you."
		e := refusing(t, test.err, nil)
		a := e.xml12(t, envelope12(say(hello)))
		e.expectFault(t, a, soap.Unauthenticated)
		if got := codes(t, a.body); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
		a = e.xml11(t, envelope11(say(hello)))
		e.expectFault(t, a, soap.Unauthenticated)
		if !strings.Contains(a.body, "<faultcode>soap:Client</faultcode>") || strings.Contains(a.body, "urn:two") {
			t.Errorf("%s: SOAP 1.1 has no subcodes: %s", name, a.body)
		}
	}
}
