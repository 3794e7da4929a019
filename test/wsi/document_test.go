package wsi_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// The namespaces of the Profile.
const (
	wsdl     = "http://schemas.xmlsoap.org/wsdl/"
	soapbind = "http://schemas.xmlsoap.org/wsdl/soap/"
	xsd      = "http://www.w3.org/2001/XMLSchema"
	soapenv  = "http://schemas.xmlsoap.org/soap/envelope/"
	soapenc  = "http://schemas.xmlsoap.org/soap/encoding/"
	xmlns    = "http://www.w3.org/XML/1998/namespace"
)

// document is what the service sent, with all that an assertion may be about.
type document struct {
	url         string
	contentType string
	raw         []byte
	version     string // of XML, "" where it is not declared
	encoding    string // as declared
	doctype     bool
	pis         int
	behind      int // elements behind the root
	root        *node
}

type node struct {
	xml.Name
	attrs    []xml.Attr
	children []*node
	text     string
	parent   *node
}

var declaration = regexp.MustCompile(`^<\?xml\s+version=["']([^"']*)["'](?:\s+encoding=["']([^"']*)["'])?[^?]*\?>`)

func parse(raw []byte) (*document, error) {
	d := &document{raw: raw}
	text := bytes.TrimPrefix(raw, []byte("\ufeff"))
	r := xml.NewDecoder(bytes.NewReader(text[len(declaration.Find(text)):])) // the decoder reads XML 1.0 alone
	if m := declaration.FindSubmatch(text); m != nil {
		d.version, d.encoding = string(m[1]), string(m[2])
	}
	var at *node
	for {
		t, err := r.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			n := &node{Name: t.Name, attrs: t.Copy().Attr, parent: at}
			switch {
			case at != nil:
				at.children = append(at.children, n)
			case d.root == nil:
				d.root = n
			default:
				d.behind++
			}
			at = n
		case xml.EndElement:
			at = at.parent
		case xml.CharData:
			if at != nil {
				at.text += string(t)
			}
		case xml.Directive:
			d.doctype = true
		case xml.ProcInst:
			d.pis++
		}
	}
	if d.root == nil {
		return nil, errors.New("no element")
	}
	return d, nil
}

func (n *node) is(space, local string) bool { return n.Name == xml.Name{Space: space, Local: local} }

func (n *node) attr(local string) string { return n.attrIn("", local) }

func (n *node) attrIn(space, local string) string {
	for _, a := range n.attrs {
		if a.Name.Space == space && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

func (n *node) has(local string) bool {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return true
		}
	}
	return false
}

// named are the children of that name.
func (n *node) named(space, local string) (found []*node) {
	for _, c := range n.children {
		if c.is(space, local) {
			found = append(found, c)
		}
	}
	return found
}

// all are the elements of that name at any depth, n too; "" stands for any.
func (n *node) all(space, local string) (found []*node) {
	if (space == "" || n.Space == space) && (local == "" || n.Local == local) {
		found = append(found, n)
	}
	for _, c := range n.children {
		found = append(found, c.all(space, local)...)
	}
	return found
}

// resolve gives the name that a QName stands for at n.
func (n *node) resolve(qname string) (xml.Name, error) {
	prefix, local, found := strings.Cut(strings.TrimSpace(qname), ":")
	if !found {
		prefix, local = "", prefix
	}
	for at := n; at != nil; at = at.parent {
		for _, a := range at.attrs {
			if prefix != "" && a.Name.Space == "xmlns" && a.Name.Local == prefix || prefix == "" && a.Name.Space == "" && a.Name.Local == "xmlns" {
				return xml.Name{Space: a.Value, Local: local}, nil
			}
		}
	}
	if prefix != "" {
		return xml.Name{}, fmt.Errorf("the prefix of %s is not declared", qname)
	}
	return xml.Name{Local: local}, nil
}

// declaresXML says whether some element declares the prefix xml.
func (n *node) declaresXML() bool {
	for _, e := range n.all("", "") {
		for _, a := range e.attrs {
			if a.Name.Space == "xmlns" && a.Name.Local == "xml" {
				return true
			}
		}
	}
	return false
}
