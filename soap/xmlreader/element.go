package xmlreader

// Element is an element with all that is in it, for documents that are asked
// more than walked: a schema, a description, a header block.
type Element struct {
	Name     Name
	Attrs    []Attr
	Children []*Element
	Text     string // the text directly in it, joined

	scope []binding
}

// Read gives the whole element whose start Next gave last.
func (r *Reader) Read(start Token) (*Element, error) {
	e := &Element{Name: start.Name, Attrs: append([]Attr(nil), start.Attrs...)}
	e.scope = append(e.scope, r.bindings...)
	var text []byte
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
			text = append(text, t.Text...)
		default:
			e.Text = string(text)
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
	r := Reader{bindings: e.scope}
	return r.ResolveQName(value)
}
