package soap

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// HeaderHandler does what header blocks ask for, such as those of WS-Security
// or WS-Addressing.
type HeaderHandler struct {
	// Understands names the blocks that Process knows what to do with.
	Understands []Name
	// Process runs once for each message, in the order of registration, also
	// for one without any of the blocks. At that point the message is
	// well-formed to its end, its envelope is right, all that is mandatory in
	// it is understood and its operation is known, but what breaks the schema
	// is not yet told. The context that it gives goes to the next handler and
	// to the operation. An error ends the message.
	Process func(ctx context.Context, m *Message) (context.Context, error)
	// Reply gives header blocks for the answer: a fault if err is not nil. It
	// is asked for every answer to an envelope whose header was read, also
	// where that ended before Process. It may be nil.
	Reply func(ctx context.Context, m *Message, err error) []*xmlreader.Element
}

// Message is a message as far as header handlers see it.
type Message struct {
	Version   Version
	PortType  Name
	Operation string               // "" where the Body's element is none
	Action    string               // the operation's
	Blocks    []*xmlreader.Element // those that are for this node and that some handler understands, in order
	HTTP      *http.Request        // its body is read already
}

// The roles of SOAP that name this node, which is the ultimate receiver (SOAP
// 1.1, 4.2.2; SOAP 1.2 part 1, 2.2).
const (
	actorNext    = "http://schemas.xmlsoap.org/soap/actor/next"
	roleNext     = "http://www.w3.org/2003/05/soap-envelope/role/next"
	roleUltimate = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
)

// maxNotUnderstood is how many kinds of blocks a fault names: enough for
// whoever reads it, and no way to make a large answer by a small message.
const maxNotUnderstood = 16

// readHeader reads the blocks of the Header whose start was read last.
func (e *envelope) readHeader() error {
	for {
		t, err := e.reader.Next()
		if err != nil {
			return err //nolint:wrapcheck // classified by the caller
		}
		switch t.Kind {
		case xmlreader.Text:
			if !isBlank(t.Text) {
				return failure(Malformed, "There is text between the header blocks.")
			}
		case xmlreader.StartElement:
			if err := e.readBlock(t); err != nil {
				return err
			}
		default:
			if len(e.notUnderstood) > 0 {
				f := failure(MustUnderstand, "A header block that must be understood is not: %s.", nameList(e.notUnderstood))
				f.notUnderstood = e.notUnderstood
				e.refusal = f
			}
			return nil
		}
	}
}

func nameList(names []Name) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = "{" + n.Space + "}" + n.Local
	}
	return strings.Join(texts, ", ")
}

// readBlock keeps a block that is for this node and understood, and notes one
// that is for this node, mandatory and not understood.
func (e *envelope) readBlock(start xmlreader.Token) error {
	if start.Name.Space == "" {
		return failure(Malformed, "A header block is in no namespace.")
	}
	mandatory, mine, err := e.readTarget(start.Attrs)
	if err != nil {
		return err
	}
	if mine && e.server.understands[start.Name] {
		block, err := e.reader.Read(start)
		if err != nil {
			return err //nolint:wrapcheck // classified by the caller
		}
		e.blocks = append(e.blocks, block)
		return nil
	}
	if mine && mandatory && len(e.notUnderstood) < maxNotUnderstood && !slices.Contains(e.notUnderstood, start.Name) {
		e.notUnderstood = append(e.notUnderstood, start.Name)
	}
	return e.reader.Skip() //nolint:wrapcheck // classified by the caller
}

// readTarget says whether a block is mandatory, and whether it is for this node.
func (e *envelope) readTarget(attrs []xmlreader.Attr) (mandatory, mine bool, err error) {
	mine = true
	for _, a := range attrs {
		if a.Name.Space != e.version.Space() {
			continue
		}
		switch {
		case a.Name.Local == "mustUnderstand":
			var ok bool
			if mandatory, ok = e.version.boolean(a.Value); !ok {
				return false, false, failure(Malformed, "A mustUnderstand attribute has a value that SOAP %s does not allow.", e.version)
			}
		case a.Name.Local == "relay" && e.version == SOAP12:
			if _, ok := e.version.boolean(a.Value); !ok {
				return false, false, failure(Malformed, "A relay attribute is not a boolean.")
			}
		case a.Name.Local == "actor" && e.version == SOAP11:
			to := strings.TrimSpace(a.Value) // xs:anyURI
			mine = to == "" || to == actorNext
		case a.Name.Local == "role" && e.version == SOAP12:
			to := strings.TrimSpace(a.Value)
			mine = to == "" || to == roleNext || to == roleUltimate
		}
	}
	return mandatory, mine, nil
}

// boolean reads a SOAP attribute: 0 and 1 in SOAP 1.1 (4.2.3), xs:boolean in
// SOAP 1.2 (part 1, 5.2.3).
func (v Version) boolean(s string) (value, ok bool) {
	s = strings.Trim(s, " ")
	switch {
	case s == "1", s == "true" && v == SOAP12:
		return true, true
	case s == "0", s == "false" && v == SOAP12:
		return false, true
	default:
		return false, false
	}
}

func isBlank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }

// appendElement writes an element with its own declarations. Text that stands
// between children is written before them.
func appendElement(dst []byte, e *xmlreader.Element) []byte {
	name := e.Name.Local
	if e.Name.Space == xmlreader.XMLSpace {
		name = "xml:" + name // this namespace cannot be the default one
	}
	dst = append(append(dst, '<'), name...)
	if e.Name.Space != xmlreader.XMLSpace {
		dst = append(xsd.AppendText(append(dst, ` xmlns="`...), e.Name.Space), '"')
	}
	for i, a := range e.Attrs {
		prefix := ""
		switch a.Name.Space {
		case "":
		case xmlreader.XMLSpace:
			prefix = "xml:"
		default:
			prefix = "a" + strconv.Itoa(i)
			dst = append(append(append(dst, " xmlns:"...), prefix...), `="`...)
			dst = append(xsd.AppendText(dst, a.Name.Space), '"')
			prefix += ":"
		}
		dst = append(append(append(append(dst, ' '), prefix...), a.Name.Local...), `="`...)
		dst = append(xsd.AppendText(dst, a.Value), '"')
	}
	dst = xsd.AppendText(append(dst, '>'), e.Text)
	for _, c := range e.Children {
		dst = appendElement(dst, c)
	}
	return append(append(append(dst, "</"...), name...), '>')
}
