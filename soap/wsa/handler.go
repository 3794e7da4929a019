package wsa

import (
	"context"
	"crypto/rand"
	"errors"
	"io"

	"github.com/google/uuid"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// Settings are what the message does not say.
type Settings struct {
	// FaultName is the name of the wsdl:fault that every operation has. It is
	// in the action of faults of operations; without it theirs is that of
	// SOAP's own faults.
	FaultName string
	// Random makes the MessageIDs of answers. It is read by several goroutines;
	// nil is crypto/rand.
	Random io.Reader
}

type messageIDKey struct{}

// MessageID is the MessageID of the message that ctx is of, "" where it has
// none: 3 to 2048 bytes, without white space. It is the same again in a message
// that is sent again, so it can tell one from a new one.
func MessageID(ctx context.Context) string {
	id, _ := ctx.Value(messageIDKey{}).(string)
	return id
}

// HeaderHandler reads the addressing headers of each message and writes those
// of its answer. No header has to be there. Action says nothing that the Body
// does not, and an answer finds its way by the connection without a MessageID;
// the specification asks for both, yet clients that are built by hand leave
// them out.
//
// The names of an operation's messages are taken to be those that WSDL 1.1 gives
// them (section 2.4.5), which are the operation's with Request and Response.
func HeaderHandler(s Settings) soap.HeaderHandler {
	if s.Random == nil {
		s.Random = rand.Reader
	}
	h := soap.HeaderHandler{Process: process, Reply: s.reply}
	for _, v := range versions {
		for _, local := range locals {
			h.Understands = append(h.Understands, v.name(local))
		}
	}
	return h
}

func process(ctx context.Context, m *soap.Message) (context.Context, error) {
	p, err := read(m.Blocks)
	if err != nil {
		return nil, err
	}
	if err := p.check(m); err != nil {
		return nil, err
	}
	if p.messageID != "" {
		ctx = context.WithValue(ctx, messageIDKey{}, p.messageID)
	}
	return ctx, nil
}

// reply gives the headers of an answer, or of a fault. What was wrong with those
// of the message was told by process, or another error came before.
func (s *Settings) reply(_ context.Context, m *soap.Message, failed error) []*xmlreader.Element {
	p, _ := read(m.Blocks)
	if p.version == nil {
		return nil
	}
	action := p.version.action(m.PortType, m.Operation+"Response")
	to := p.replyTo
	if failed != nil {
		action = s.faultAction(p.version, m, failed)
		if p.faultTo != nil {
			to = *p.faultTo
		}
	}
	var blocks []*xmlreader.Element
	add := func(local, text string) {
		blocks = append(blocks, &xmlreader.Element{Name: p.version.name(local), Text: text})
	}
	add("Action", action)
	if id, err := uuid.NewRandomFromReader(s.Random); err == nil { // an answer may be without one
		add("MessageID", id.URN())
	}
	if p.messageID != "" {
		add("RelatesTo", p.messageID)
	}
	add("To", p.version.anonymous)
	for _, parameter := range to.parameters {
		sent := bare(parameter)
		if p.version.isParameter {
			mark := p.version.name("IsReferenceParameter")
			sent.Attrs = append([]xmlreader.Attr{{Name: mark, Value: "true"}}, without(sent.Attrs, mark)...)
		}
		blocks = append(blocks, sent)
	}
	return blocks
}

// bare is a copy without what would mean something else in our answer: types
// and other qualified names, whose prefixes are not declared there, and what
// SOAP itself reads on header blocks.
func bare(e *xmlreader.Element) *xmlreader.Element {
	c := &xmlreader.Element{Name: e.Name, Text: e.Text}
	for _, a := range e.Attrs {
		if a.Name != instanceType && a.Name.Space != soap.Envelope11 && a.Name.Space != soap.Envelope12 {
			c.Attrs = append(c.Attrs, a)
		}
	}
	for _, child := range e.Children {
		c.Children = append(c.Children, bare(child))
	}
	return c
}

var instanceType = soap.Name{Space: "http://www.w3.org/2001/XMLSchema-instance", Local: "type"}

func without(attrs []xmlreader.Attr, name soap.Name) []xmlreader.Attr {
	var rest []xmlreader.Attr
	for _, a := range attrs {
		if a.Name != name {
			rest = append(rest, a)
		}
	}
	return rest
}

// faultAction is the action of a fault: that of WS-Addressing for its own
// (SOAP Binding, section 6), that of SOAP for those that no operation declares,
// and the default one of the operation's fault (Metadata, section 4.4.4) for
// the others. The submission has one for all (section 3.3.2).
func (s *Settings) faultAction(v *version, m *soap.Message, failed error) string {
	var own *soap.Error
	errors.As(failed, &own)
	switch {
	case own != nil && own.Subcode.Space == v.space:
		return v.addressing
	case v.space == Space200408, s.FaultName == "", m.Operation == "", own != nil && own.Kind == soap.MustUnderstand:
		return v.soap
	default:
		return v.action(m.PortType, m.Operation, "Fault", s.FaultName)
	}
}
