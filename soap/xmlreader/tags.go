package xmlreader

import "strings"

// startTag reads a start tag or an empty-element tag.
func (r *Reader) startTag() (Token, error) {
	at := r.pos
	if len(r.open) == 0 && r.rooted {
		return Token{}, r.fail(SecondRoot, at)
	}
	if len(r.open) >= r.limits.Depth {
		return Token{}, r.fail(TooDeep, at)
	}
	if r.elements >= r.limits.Elements {
		return Token{}, r.fail(TooManyElements, at)
	}
	r.pos++
	prefix, local, err := r.qualifiedName()
	if err != nil {
		return Token{}, err
	}
	written := r.doc[at+1 : r.pos]
	outer := len(r.bindings)
	if err := r.readAttributes(); err != nil {
		return Token{}, err
	}
	if prefix == "xmlns" {
		return Token{}, r.fail(BadNamespace, at)
	}
	space, ok := r.Resolve(prefix)
	if !ok {
		return Token{}, r.fail(UndeclaredPrefix, at)
	}
	if err := r.resolveAttributes(); err != nil {
		return Token{}, err
	}
	r.elements++
	r.rooted = true
	name := Name{space, local}
	r.open = append(r.open, element{written: written, name: name, outer: outer})
	return Token{Kind: StartElement, Name: name, Attrs: r.attrs}, nil
}

// readAttributes reads a start tag from behind its name to behind its ">".
// Namespace declarations go to bindings, the others to raw.
func (r *Reader) readAttributes() error {
	r.raw = r.raw[:0]
	outer := len(r.bindings)
	for count := 0; ; {
		spaced := r.space()
		if r.pos >= len(r.doc) {
			return r.fail(BadMarkup, r.pos)
		}
		switch r.doc[r.pos] {
		case '>':
			r.pos++
			return nil
		case '/':
			if !strings.HasPrefix(r.doc[r.pos:], "/>") {
				return r.fail(BadMarkup, r.pos)
			}
			r.pos += 2
			r.empty = true
			return nil
		}
		if !spaced {
			return r.fail(BadMarkup, r.pos)
		}
		if count++; count > r.limits.Attributes {
			return r.fail(TooManyAttributes, r.pos)
		}
		a, err := r.attribute()
		if err != nil {
			return err
		}
		switch {
		case a.prefix == "" && a.local == "xmlns":
			err = r.declare(outer, "", a)
		case a.prefix == "xmlns":
			err = r.declare(outer, a.local, a)
		default:
			r.raw = append(r.raw, a)
		}
		if err != nil {
			return err
		}
	}
}

func (r *Reader) attribute() (rawAttr, error) {
	a := rawAttr{offset: r.pos}
	var err error
	if a.prefix, a.local, err = r.qualifiedName(); err != nil {
		return a, err
	}
	r.space()
	if r.pos >= len(r.doc) || r.doc[r.pos] != '=' {
		return a, r.fail(BadAttribute, a.offset)
	}
	r.pos++
	r.space()
	if r.pos >= len(r.doc) || r.doc[r.pos] != '"' && r.doc[r.pos] != '\'' {
		return a, r.fail(BadAttribute, a.offset)
	}
	quote := r.doc[r.pos]
	r.pos++
	end := strings.IndexByte(r.doc[r.pos:], quote)
	if end < 0 {
		return a, r.fail(BadAttribute, a.offset)
	}
	a.value, err = r.attributeValue(r.doc[r.pos:r.pos+end], r.pos)
	r.pos += end + 1
	return a, err
}

// namespaceFactor is how much longer a namespace may be than a name. It is
// bounded since each name in it may be told back in a fault.
const namespaceFactor = 4

// declare binds prefix ("" is the default namespace), as Namespaces in XML 1.0,
// section 3 allows it. Bindings from outer on are of the same element.
func (r *Reader) declare(outer int, prefix string, a rawAttr) error {
	for _, b := range r.bindings[outer:] {
		if b.prefix == prefix {
			return r.fail(DuplicateAttribute, a.offset)
		}
	}
	switch {
	case prefix == "xmlns",
		prefix != "" && a.value == "",
		(prefix == "xml") != (a.value == XMLSpace),
		a.value == XMLNSSpace:
		return r.fail(BadNamespace, a.offset)
	}
	if len(r.bindings) >= r.limits.Namespaces {
		return r.fail(TooManyNamespaces, a.offset)
	}
	if len(a.value) > namespaceFactor*r.limits.NameBytes {
		return r.fail(NameTooLong, a.offset)
	}
	r.bindings = append(r.bindings, binding{prefix, a.value})
	return nil
}

// resolveAttributes turns raw into attrs, now that all declarations are read.
func (r *Reader) resolveAttributes() error {
	r.attrs = r.attrs[:0]
	for _, a := range r.raw {
		space := ""
		if a.prefix != "" {
			var ok bool
			if space, ok = r.Resolve(a.prefix); !ok {
				return r.fail(UndeclaredPrefix, a.offset)
			}
		}
		name := Name{space, a.local}
		if r.hasAttribute(name) {
			return r.fail(DuplicateAttribute, a.offset)
		}
		r.attrs = append(r.attrs, Attr{name, a.value})
	}
	return nil
}

// compared is up to how many attributes are compared one by one, which is
// the fastest for as many as elements have.
const compared = 8

// hasAttribute says whether attrs has one of that name; of many, the names are
// kept in a map, whose hash nobody outside can foresee.
func (r *Reader) hasAttribute(name Name) bool {
	if len(r.raw) <= compared {
		for i := range r.attrs {
			if r.attrs[i].Name == name {
				return true
			}
		}
		return false
	}
	if r.names == nil {
		r.names = make(map[Name]struct{}, r.limits.Attributes)
	}
	if len(r.attrs) == 0 {
		clear(r.names)
	}
	before := len(r.names)
	r.names[name] = struct{}{}
	return len(r.names) == before
}

func (r *Reader) endTag() (Token, error) {
	at := r.pos
	if len(r.open) == 0 {
		return Token{}, r.fail(MismatchedTag, at)
	}
	written := r.open[len(r.open)-1].written
	rest := r.doc[at+2:]
	if !strings.HasPrefix(rest, written) {
		return Token{}, r.fail(MismatchedTag, at)
	}
	r.pos += 2 + len(written)
	spaced := r.space()
	if r.pos >= len(r.doc) {
		return Token{}, r.fail(BadMarkup, at)
	}
	if r.doc[r.pos] != '>' {
		if spaced {
			return Token{}, r.fail(BadMarkup, at)
		}
		return Token{}, r.fail(MismatchedTag, at) // a longer name
	}
	r.pos++
	return r.close(), nil
}

// qualifiedName reads a QName (Namespaces in XML 1.0, production 7).
func (r *Reader) qualifiedName() (prefix, local string, err error) {
	at := r.pos
	rest := r.doc[at:]
	limit := r.limits.NameBytes
	n := scanNCName(rest, limit)
	local = rest[:n]
	if n > 0 && n <= limit && n < len(rest) && rest[n] == ':' {
		m := scanNCName(rest[n+1:], limit)
		prefix, local = rest[:n], rest[n+1:n+1+m]
		n += 1 + m
	}
	if n > limit {
		return "", "", r.fail(NameTooLong, at)
	}
	if local == "" || n < len(rest) && rest[n] == ':' {
		return "", "", r.fail(BadName, at)
	}
	r.pos += n
	return prefix, local, nil
}

// space skips white space and tells whether there was any.
func (r *Reader) space() bool {
	at := r.pos
	for r.pos < len(r.doc) && isSpace(r.doc[r.pos]) {
		r.pos++
	}
	return r.pos > at
}
