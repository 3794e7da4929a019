package wss

import (
	"slices"
	"strings"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// parts gives the children of e, one for each of the names, nil where there is
// none. Anything else in e is an error.
func parts(e *xmlreader.Element, names ...soap.Name) ([]*xmlreader.Element, error) {
	if trim(e.Text) != "" {
		return nil, invalid("There is text in the " + e.Name.Local + " header element outside its elements.")
	}
	found := make([]*xmlreader.Element, len(names))
	for _, c := range e.Children {
		i := slices.Index(names, c.Name)
		if i < 0 {
			return nil, unsupported("The " + e.Name.Local + " header element may hold only " + list(names) + " of WS-Security 1.0: signatures, encryption and other tokens are not supported.")
		}
		if found[i] != nil {
			return nil, invalid("The " + e.Name.Local + " header element holds " + names[i].Local + " twice.")
		}
		found[i] = c
	}
	return found, nil
}

// list names elements for a reader.
func list(names []soap.Name) string {
	var locals []string
	for _, n := range names[:len(names)-1] {
		locals = append(locals, n.Local)
	}
	return strings.Join(locals, ", ") + " and " + names[len(names)-1].Local
}

// text is what an element holds that may hold nothing else.
func text(e *xmlreader.Element) (string, error) {
	if len(e.Children) > 0 {
		return "", invalid("The " + e.Name.Local + " header element holds another element.")
	}
	return e.Text, nil
}

// attribute gives an attribute of a Password or Nonce, "" for none. It is in no
// namespace; templates made from messages of early WCF have it in that of the
// element.
func attribute(e *xmlreader.Element, local string) (string, error) {
	plain, one := e.Attr(soap.Name{Local: local})
	qualified, other := e.Attr(soap.Name{Space: SecextSpace, Local: local})
	if one && other {
		return "", invalid("The " + e.Name.Local + " header element has " + local + " twice.")
	}
	value := trim(plain + qualified)
	if (one || other) && value == "" {
		return "", invalid("The " + e.Name.Local + " header element has an empty " + local + ".")
	}
	return value, nil
}

// trim takes white space of XML away from both ends.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }
