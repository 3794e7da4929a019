package wsa

import (
	"strings"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// maxURI is the length of a URI in bytes.
const maxURI = 2048

// properties are the message addressing properties of a message.
type properties struct {
	version   *version // nil for a message without addressing headers
	action    string   // "" for none
	messageID string   // "" for none
	replyTo   endpoint
	faultTo   *endpoint // nil for none
}

// read gives the properties of a message. Those that it gives with an error
// are right as far as they go.
func read(blocks []*xmlreader.Element) (properties, error) {
	var p properties
	found := map[string]*xmlreader.Element{}
	var wrong error
	for _, b := range blocks {
		v := versionOf(b.Name)
		if v == nil {
			continue
		}
		if p.version == nil {
			p.version = v
		}
		switch {
		case v != p.version:
			return p, p.version.fault("", "The message has headers of two versions of WS-Addressing.")
		case b.Name.Local == "RelatesTo":
			if _, err := v.uri(b, ""); err != nil && wrong == nil {
				wrong = err
			}
		case found[b.Name.Local] != nil:
			return p, v.fault("InvalidCardinality", "The header "+b.Name.Local+" of WS-Addressing stands twice.")
		default:
			found[b.Name.Local] = b
		}
	}
	if p.version == nil {
		return p, nil
	}
	for _, readPart := range []func(map[string]*xmlreader.Element) error{p.readMessageID, p.readAction, p.readEndpoints} {
		if err := readPart(found); err != nil && wrong == nil {
			wrong = err
		}
	}
	return p, wrong
}

func (p *properties) readMessageID(found map[string]*xmlreader.Element) (err error) {
	if e := found["MessageID"]; e != nil {
		p.messageID, err = p.version.uri(e, "")
	}
	return err
}

func (p *properties) readAction(found map[string]*xmlreader.Element) (err error) {
	// An interface that was told no action writes an empty one (SAP).
	if e := found["Action"]; e != nil && (len(e.Children) > 0 || strings.TrimSpace(e.Text) != "") {
		p.action, err = p.version.uri(e, "")
	}
	return err
}

func (p *properties) readEndpoints(found map[string]*xmlreader.Element) error {
	if e := found["To"]; e != nil {
		if _, err := p.version.uri(e, "InvalidAddress"); err != nil {
			return err
		}
	}
	if e := found["From"]; e != nil {
		if _, err := p.version.readEndpoint(e); err != nil {
			return err
		}
	}
	if e := found["ReplyTo"]; e != nil {
		to, err := p.version.readBack(e)
		if err != nil {
			return err
		}
		p.replyTo = to
	}
	if e := found["FaultTo"]; e != nil {
		to, err := p.version.readBack(e)
		if err != nil {
			return err
		}
		p.faultTo = &to
	}
	return nil
}

// uri is what an element holds that may hold an absolute URI and nothing else.
// detail is the code that says what is wrong.
func (v *version) uri(e *xmlreader.Element, detail string) (string, error) {
	s := trim(e.Text)
	if len(e.Children) > 0 || len(s) > maxURI || !isAbsolute(s) {
		return "", v.fault(detail, "The header "+e.Name.Local+" of WS-Addressing is not an absolute URI of at most 2048 bytes, such as urn:uuid:6b29fc40-ca47-1067-b31d-00dd010662da.")
	}
	return s, nil
}

// isAbsolute tells a scheme with something behind it and no white space. More
// than that is not asked: an identifier is compared, never resolved.
func isAbsolute(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	for i, c := range scheme {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return ok && scheme != "" && rest != "" && !strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || c == 0x7f })
}

// trim takes white space of XML away from both ends.
func trim(s string) string { return strings.Trim(s, " \t\r\n") }

// check compares the Action with those that the operation may have.
func (p *properties) check(m *soap.Message) error {
	if p.action == "" || p.action == m.Action || p.action == p.version.action(m.PortType, m.Operation+"Request") {
		return nil
	}
	return &soap.Error{
		Kind: soap.ActionMismatch, Subcode: p.version.name("ActionNotSupported"),
		Reason: "The header Action of WS-Addressing is not that of the operation in the Body.",
	}
}
