package xsd

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"registrar/soap/xmlreader"
)

// Decode reads the element whose start tag r gave last, up to and with its end
// tag, into a pointer to the binding's struct. It tells everything that breaks
// the schema; elements that do are left at their zero value and all others are
// bound. Absent elements, and nil ones, are left as they are. The error is the
// reader's; into is then of no use.
func (b *Binding) Decode(r *xmlreader.Reader, start xmlreader.Token, into any) ([]Violation, error) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Type().Elem() != b.goType {
		return nil, fmt.Errorf("xsd: %T is not a *%s", into, b.goType)
	}
	w := walker{reader: r}
	w.push(b.Element.Name.Local, 0)
	claim := w.attributes(b.Element, start.Attrs)
	if claim.nil {
		return w.violations, w.empty(b.Element)
	}
	err := w.complex(b.root, v.Elem())
	return w.violations, err
}

// walker is one walk through an element.
type walker struct {
	reader     *xmlreader.Reader
	violations []Violation
	path       [16]step // the elements around the place; contracts are not deeper
	depth      int
	buf        []byte
}

// step is an element of a path; index counts from 1, 0 where it is not repeatable.
type step struct {
	local string
	index int
}

func (w *walker) push(local string, index int) {
	if w.depth < len(w.path) {
		w.path[w.depth] = step{local, index}
	}
	w.depth++
}

func (w *walker) pop() { w.depth-- }

// note records a violation of the element in place.
func (w *walker) note(rule Rule, message string) {
	w.record(Violation{Element: w.path[min(w.depth, len(w.path))-1].local, Rule: rule, Message: message})
}

// noteChild records a violation of a child of the element in place.
func (w *walker) noteChild(local string, rule Rule, message string) {
	w.push(local, 0)
	w.record(Violation{Element: local, Rule: rule, Message: message})
	w.pop()
}

func (w *walker) record(v Violation) {
	if len(w.violations) >= MaxViolations {
		return
	}
	var b strings.Builder
	for _, s := range w.path[:min(w.depth, len(w.path))] {
		b.WriteString("/" + s.local)
		if s.index > 0 {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	v.Path = b.String()
	w.violations = append(w.violations, v)
}

// complex reads the content of an element of a complex type.
func (w *walker) complex(plan *structPlan, into reflect.Value) error {
	var few [24]int
	seen := few[:]
	if len(plan.fields) > len(few) {
		seen = make([]int, len(plan.fields))
	}
	textSeen := false
	for next := 0; ; {
		t, err := w.reader.Next()
		if err != nil {
			return err //nolint:wrapcheck // the reader's, as promised
		}
		switch t.Kind {
		case xmlreader.Text:
			if !textSeen && strings.Trim(t.Text, spaces) != "" {
				textSeen = true
				w.note(Content, "must hold elements only, but there is text between them")
			}
		case xmlreader.StartElement:
			i := plan.find(t.Name, next)
			if i < 0 {
				if err := w.stranger(plan, seen, t.Name); err != nil {
					return err
				}
				continue
			}
			next = i + 1
			seen[i]++
			if err := w.child(&plan.fields[i], seen[i], t.Attrs, into); err != nil {
				return err
			}
		default:
			w.count(plan, seen, into)
			return nil
		}
	}
}

// find gives the index of the child of that name, looking from hint on first.
func (p *structPlan) find(name Name, hint int) int {
	for n := range p.fields {
		i := hint + n
		if i >= len(p.fields) {
			i -= len(p.fields)
		}
		if e := p.fields[i].element; e.Name.Local == name.Local && e.Name.Space == name.Space {
			return i
		}
	}
	return -1
}

// stranger skips a child that the schema does not have.
func (w *walker) stranger(plan *structPlan, seen []int, name Name) error {
	for i := range plan.fields {
		e := plan.fields[i].element
		if e.Name.Local == name.Local {
			seen[i]++ // it is there, though not as it should be
			w.noteChild(name.Local, Namespace, fmt.Sprintf("must be in the namespace %s", e.Name.Space))
			return w.reader.Skip() //nolint:wrapcheck // the reader's
		}
	}
	w.noteChild(name.Local, Unknown, "is not an element that may stand here")
	return w.reader.Skip() //nolint:wrapcheck // the reader's
}

// count looks at how often each child stood there.
func (w *walker) count(plan *structPlan, seen []int, into reflect.Value) {
	for i := range plan.fields {
		f := &plan.fields[i]
		switch e := f.element; {
		case seen[i] < e.Min && e.Min == 1:
			w.noteChild(e.Name.Local, Required, "is required")
		case seen[i] < e.Min:
			w.noteChild(e.Name.Local, Required, fmt.Sprintf("must stand at least %d times", e.Min))
		case e.Max != Unbounded && seen[i] > e.Max:
			into.Field(f.index).SetZero()
			message := "must stand only once"
			if e.Max > 1 {
				message = fmt.Sprintf("must stand at most %d times", e.Max)
			}
			w.noteChild(e.Name.Local, Repeated, message)
		}
	}
}

// child reads one child, the nth of its name, into its field.
func (w *walker) child(f *fieldPlan, nth int, attrs []xmlreader.Attr, into reflect.Value) error {
	e := f.element
	if e.Max != Unbounded && nth > e.Max {
		return w.reader.Skip() //nolint:wrapcheck // the reader's
	}
	index := 0
	if f.slice {
		index = nth
	}
	w.push(e.Name.Local, index)
	defer w.pop()
	before := len(w.violations)
	claim := w.attributes(e, attrs)
	if claim.nil {
		return w.empty(e)
	}
	if f.inner == nil {
		text, err := w.text()
		if err != nil {
			return err
		}
		value, wrong := e.Type.simple.validate(text)
		for _, p := range wrong {
			w.note(p.rule, p.message)
		}
		if claim.builtIn != "" && !hasBuiltInForm(claim.builtIn, text) {
			w.note(WrongType, "has an xsi:type that does not fit")
		}
		if len(w.violations) == before && before < MaxViolations {
			f.set(into.Field(f.index), value)
		}
		return nil
	}
	target := into.Field(f.index)
	item := target
	if f.slice || f.pointer {
		item = reflect.New(f.item).Elem()
	}
	err := w.complex(f.inner, item)
	if f.slice || f.pointer {
		f.place(target, item)
	}
	return err
}

// text joins the text of an element of a simple type, through its end tag.
func (w *walker) text() (string, error) {
	text, pieces, noted := "", 0, false
	for {
		t, err := w.reader.Next()
		if err != nil {
			return "", err //nolint:wrapcheck // the reader's
		}
		switch t.Kind {
		case xmlreader.Text:
			switch pieces++; pieces {
			case 1:
				text = t.Text
			case 2:
				w.buf = append(append(w.buf[:0], text...), t.Text...)
			default:
				w.buf = append(w.buf, t.Text...)
			}
		case xmlreader.StartElement:
			if !noted {
				noted = true
				w.note(Content, "must hold text only, but there is an element inside")
			}
			if err := w.reader.Skip(); err != nil {
				return "", err //nolint:wrapcheck // the reader's
			}
		default:
			if pieces > 1 {
				text = string(w.buf)
			}
			return text, nil
		}
	}
}

// empty reads the content of a nil element, which has none (XML Schema part 1, 3.3.4).
func (w *walker) empty(e *Element) error {
	noted := !e.Nillable // that is said already
	for {
		t, err := w.reader.Next()
		if err != nil {
			return err //nolint:wrapcheck // the reader's
		}
		if t.Kind == xmlreader.EndElement {
			return nil
		}
		if !noted {
			noted = true
			w.note(Nil, "must be empty where xsi:nil is true")
		}
		if t.Kind == xmlreader.StartElement {
			if err := w.reader.Skip(); err != nil {
				return err //nolint:wrapcheck // the reader's
			}
		}
	}
}
