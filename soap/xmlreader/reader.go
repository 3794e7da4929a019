package xmlreader

import "strings"

// The namespaces that are bound without a declaration (Namespaces in XML 1.0, section 3).
const (
	XMLSpace   = "http://www.w3.org/XML/1998/namespace"
	XMLNSSpace = "http://www.w3.org/2000/xmlns/"
)

// Name is an expanded name.
type Name struct{ Space, Local string }

// Attr is an attribute; an unprefixed one has no namespace.
type Attr struct {
	Name  Name
	Value string // normalised as XML 1.0, 3.3.3 says for CDATA
}

// Kind is what a token is.
type Kind uint8

// The kinds of tokens. An empty-element tag gives a StartElement and an EndElement.
const (
	StartElement Kind = iota + 1
	EndElement
	Text
	EndDocument // and every later token
)

// Token is one step through a document.
type Token struct {
	Kind  Kind
	Name  Name   // of StartElement and EndElement
	Attrs []Attr // of StartElement, without namespace declarations; valid until the next call of Next
	Text  string // of Text: references replaced, line ends normalised, never ""
}

// Reader reads one document. It is not for use by several goroutines.
type Reader struct {
	doc    string
	pos    int
	limits Limits

	open     []element // the elements that pos is inside of
	bindings []binding // namespace declarations in scope, innermost last
	attrs    []Attr
	raw      []rawAttr
	buf      []byte            // text that is not a part of the document as it stands
	names    map[Name]struct{} // of an element's attributes, where they are many

	elements int
	started  bool // the characters and the XML declaration are checked
	rooted   bool // the root's start tag was read
	empty    bool // the start tag just given was an empty-element tag
	err      error
}

type element struct {
	written string // the name as in the start tag
	name    Name
	outer   int    // how many bindings were in scope outside it
	scope   *scope // nil until it is asked for
}

type binding struct{ prefix, space string }

// rawAttr is an attribute before its prefix is resolved.
type rawAttr struct {
	prefix, local, value string
	offset               int
}

// keptBuffer is the largest text buffer that a reader keeps for the next document.
const keptBuffer = 16 << 10

// New gives a reader of doc.
func New(doc string, limits Limits) *Reader {
	r := new(Reader)
	r.Reset(doc, limits)
	return r
}

// Reset makes r a reader of another document and keeps what it has allocated.
// With "" it lets go of the document.
func (r *Reader) Reset(doc string, limits Limits) {
	clear(r.open[:cap(r.open)])
	clear(r.bindings[:cap(r.bindings)])
	clear(r.attrs[:cap(r.attrs)])
	clear(r.raw[:cap(r.raw)])
	if cap(r.buf) > keptBuffer {
		r.buf = nil
	}
	clear(r.buf[:cap(r.buf)])
	clear(r.names)
	*r = Reader{
		doc: doc, limits: limits.withDefaults(),
		open: r.open[:0], bindings: r.bindings[:0], attrs: r.attrs[:0], raw: r.raw[:0], buf: r.buf[:0], names: r.names,
	}
}

// Offset is how many bytes of the document were read.
func (r *Reader) Offset() int { return r.pos }

// Depth is how many elements are open; after a StartElement it counts that one.
func (r *Reader) Depth() int { return len(r.open) }

// Next gives the next token, or an *Error and from then on always that.
func (r *Reader) Next() (Token, error) {
	if r.err != nil {
		return Token{}, r.err
	}
	t, err := r.next()
	if err != nil {
		r.err = err
		return Token{}, err
	}
	return t, nil
}

// Skip reads to the end of the element whose start Next gave last.
func (r *Reader) Skip() error {
	for outside := r.Depth() - 1; ; {
		t, err := r.Next()
		if err != nil {
			return err
		}
		if t.Kind == EndElement && r.Depth() == outside {
			return nil
		}
	}
}

// Resolve gives the namespace that prefix ("" is the default namespace) stands
// for inside the element whose start Next gave last.
func (r *Reader) Resolve(prefix string) (space string, ok bool) {
	if space, ok = declared(r.bindings, prefix); ok {
		return space, true
	}
	return undeclared(prefix)
}

// declared gives what the innermost declaration of prefix says, if there is one.
func declared(bindings []binding, prefix string) (space string, ok bool) {
	for i := len(bindings) - 1; i >= 0; i-- {
		if bindings[i].prefix == prefix {
			return bindings[i].space, true
		}
	}
	return "", false
}

// undeclared gives what prefix stands for where no declaration says it.
func undeclared(prefix string) (space string, ok bool) {
	switch prefix {
	case "":
		return "", true
	case "xml":
		return XMLSpace, true
	default:
		return "", false
	}
}

// ResolveQName gives the expanded name that a value of type xs:QName stands
// for in the same scope. White space around it is dropped.
func (r *Reader) ResolveQName(value string) (name Name, ok bool) {
	return resolveQName(value, r.Resolve)
}

func resolveQName(value string, resolve func(prefix string) (string, bool)) (name Name, ok bool) {
	value = strings.Trim(value, " \t\r\n")
	prefix, local, found := strings.Cut(value, ":")
	if !found {
		prefix, local = "", value
	}
	if found && !isNCName(prefix) || !isNCName(local) {
		return Name{}, false
	}
	space, ok := resolve(prefix)
	return Name{space, local}, ok
}

func isNCName(s string) bool { return s != "" && scanNCName(s, len(s)) == len(s) }

func (r *Reader) fail(reason Reason, offset int) error {
	return &Error{Reason: reason, Offset: offset}
}

func (r *Reader) next() (Token, error) {
	if !r.started {
		if err := r.start(); err != nil {
			return Token{}, err
		}
	}
	if r.empty {
		r.empty = false
		return r.close(), nil
	}
	for r.pos < len(r.doc) {
		if r.doc[r.pos] != '<' {
			t, err := r.text()
			if err != nil || t.Text != "" {
				return t, err
			}
			continue
		}
		rest := r.doc[r.pos:]
		if len(rest) < 2 {
			return Token{}, r.fail(BadMarkup, r.pos)
		}
		switch rest[1] {
		case '/':
			return r.endTag()
		case '?':
			if strings.HasPrefix(rest, "<?xml") && len(rest) > 5 && isSpace(rest[5]) {
				return Token{}, r.fail(BadDeclaration, r.pos)
			}
			return Token{}, r.fail(ProcessingInstruction, r.pos)
		case '!':
			t, err := r.declaration(rest)
			if err != nil || t.Text != "" {
				return t, err
			}
		default:
			return r.startTag()
		}
	}
	switch {
	case len(r.open) > 0:
		return Token{}, r.fail(UnclosedElement, r.pos)
	case !r.rooted:
		return Token{}, r.fail(NoRoot, r.pos)
	default:
		return Token{Kind: EndDocument}, nil
	}
}

// start checks the document's characters and reads the XML declaration.
func (r *Reader) start() error {
	r.started = true
	if reason, at := checkCharacters(r.doc); reason != "" {
		return r.fail(reason, at)
	}
	n, reason := scanDeclaration(r.doc)
	if reason != "" {
		return r.fail(reason, 0)
	}
	r.pos = n
	return nil
}

// close ends the innermost element.
func (r *Reader) close() Token {
	last := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	r.bindings = r.bindings[:last.outer]
	return Token{Kind: EndElement, Name: last.name}
}

// declaration reads what begins with "<!": a comment gives no token.
func (r *Reader) declaration(rest string) (Token, error) {
	switch {
	case strings.HasPrefix(rest, "<!--"):
		end := strings.Index(rest[4:], "--")
		if end < 0 || !strings.HasPrefix(rest[4+end:], "-->") {
			return Token{}, r.fail(BadComment, r.pos)
		}
		r.pos += 4 + end + 3
		return Token{}, nil
	case strings.HasPrefix(rest, "<![CDATA["):
		if len(r.open) == 0 {
			return Token{}, r.fail(TextOutsideRoot, r.pos)
		}
		end := strings.Index(rest[9:], "]]>")
		if end < 0 {
			return Token{}, r.fail(BadCDATA, r.pos)
		}
		text := rest[9 : 9+end]
		r.pos += 9 + end + 3
		return Token{Kind: Text, Text: r.lineEnds(text)}, nil
	case strings.HasPrefix(rest, "<!DOCTYPE"):
		return Token{}, r.fail(Doctype, r.pos)
	default:
		return Token{}, r.fail(BadMarkup, r.pos)
	}
}
