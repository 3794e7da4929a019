package xmlreader

import "slices"

// Element is an element with all that is in it, for documents that are asked
// more than walked: a schema, a description, a header block.
type Element struct {
	Name     Name
	Attrs    []Attr
	Children []*Element
	Text     string // the text directly in it, joined

	scope *scope
}

// scope is the namespace declarations of an element that has some, and those
// around it. Elements share theirs.
type scope struct {
	outer    *scope
	bindings []binding
}

// scope gives that of the element open[i], which is kept while it is open.
func (r *Reader) scope(i int) *scope {
	if i < 0 {
		return nil
	}
	e := &r.open[i]
	if e.scope != nil {
		return e.scope
	}
	end := len(r.bindings)
	if i+1 < len(r.open) {
		end = r.open[i+1].outer
	}
	e.scope = r.scope(i - 1)
	if e.outer < end {
		e.scope = &scope{outer: e.scope, bindings: slices.Clone(r.bindings[e.outer:end])}
	}
	return e.scope
}

// Read gives the whole element whose start Next gave last.
func (r *Reader) Read(start Token) (*Element, error) {
	e := &Element{Name: start.Name, Attrs: append([]Attr(nil), start.Attrs...), scope: r.scope(len(r.open) - 1)}
	var more []byte // text behind the first piece
	for {
		t, err := r.Next()
		if err != nil {
			return nil, err
		}
		switch t.Kind {
		case StartElement:
			child, err := r.Read(t)
			if err != nil {
				return nil, err
			}
			e.Children = append(e.Children, child)
		case Text:
			if e.Text == "" {
				e.Text = t.Text
			} else {
				more = append(more, t.Text...)
			}
		default:
			if len(more) > 0 {
				e.Text += string(more)
			}
			return e, nil
		}
	}
}

// ReadDocument gives the root of doc.
func ReadDocument(doc string, limits Limits) (*Element, error) {
	r := New(doc, limits)
	t, err := r.Next()
	if err != nil {
		return nil, err
	}
	root, err := r.Read(t)
	if err != nil {
		return nil, err
	}
	_, err = r.Next()
	return root, err
}

// Attr gives the value of the attribute of that name, and whether there is one.
func (e *Element) Attr(name Name) (string, bool) {
	for _, a := range e.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// ResolveQName is Reader.ResolveQName with the declarations in e's scope.
func (e *Element) ResolveQName(value string) (Name, bool) {
	return resolveQName(value, func(prefix string) (string, bool) {
		for s := e.scope; s != nil; s = s.outer {
			if space, ok := declared(s.bindings, prefix); ok {
				return space, true
			}
		}
		return undeclared(prefix)
	})
}
