package xsd

import (
	"encoding/xml"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Binding ties a global element to a Go struct, in the shape in which gowsdl
// generates it: a field for each child, found by the local name in its xml
// tag; pointers where they like; slices for what is repeated; named strings,
// booleans and integers; and for dateTime a time.Time, or a type with methods
// ToGoTime() time.Time and UnmarshalXML. It does not change and may be used by
// several goroutines.
type Binding struct {
	Element *Element
	goType  reflect.Type // the struct
	root    *structPlan
}

// structPlan is a complex type and its struct.
type structPlan struct {
	typ    *Type
	fields []fieldPlan // in the order of the sequence
}

// fieldPlan is a child and its field.
type fieldPlan struct {
	element *Element
	index   int          // of the field in its struct
	slice   bool         // the field is a slice of what follows
	pointer bool         // a pointer to item
	item    reflect.Type // the value's type
	inner   *structPlan  // nil for a simple type
}

var (
	timeType        = reflect.TypeFor[time.Time]()
	goTimerType     = reflect.TypeFor[goTimer]()
	unmarshalerType = reflect.TypeFor[xml.Unmarshaler]()
)

// goTimer is what gowsdl's types of xs:dateTime have.
type goTimer interface{ ToGoTime() time.Time }

// Bind compiles the binding of the global element of that name to a struct
// type. It is an error where one of both has a child that the other has not,
// and where the Go type cannot hold every value of the schema's.
func (s *Schema) Bind(element Name, goType reflect.Type) (*Binding, error) {
	e, ok := s.Element(element)
	if !ok {
		return nil, fmt.Errorf("xsd: there is no element %s in namespace %s", element.Local, element.Space)
	}
	if goType.Kind() != reflect.Struct || e.Type.IsSimple() {
		return nil, fmt.Errorf("xsd: %s: only an element of a complex type and a struct are bound", element.Local)
	}
	if name, ok := ElementOf(goType); ok && name != element {
		return nil, fmt.Errorf("xsd: %s: %s is made for element %s in namespace %s", element.Local, goType, name.Local, name.Space)
	}
	root, err := bindStruct(e.Type, goType)
	if err != nil {
		return nil, fmt.Errorf("xsd: %s: %w", element.Local, err)
	}
	return &Binding{Element: e, goType: goType, root: root}, nil
}

// ElementOf gives the element that a struct's XMLName field names in its tag.
func ElementOf(goType reflect.Type) (name Name, ok bool) {
	if goType.Kind() != reflect.Struct {
		return Name{}, false
	}
	field, ok := goType.FieldByName("XMLName")
	if !ok {
		return Name{}, false
	}
	tag, _, _ := strings.Cut(field.Tag.Get("xml"), ",")
	space, local, found := strings.Cut(tag, " ")
	return Name{Space: space, Local: local}, found
}

func bindStruct(t *Type, goType reflect.Type) (*structPlan, error) {
	fields := map[string]int{}
	var wrong []error
	for i := range goType.NumField() {
		f := goType.Field(i)
		if f.Name == "XMLName" {
			continue
		}
		local, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
		if _, twice := fields[local]; twice || local == "" || !f.IsExported() || f.Anonymous || options != "" && options != "omitempty" {
			wrong = append(wrong, fmt.Errorf("field %s of %s is for no child element, or not for it alone", f.Name, goType))
			continue
		}
		fields[local] = i
	}
	plan := &structPlan{typ: t}
	for _, e := range t.Children {
		i, ok := fields[e.Name.Local]
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s has no field for %s", goType, e.Name.Local))
			continue
		}
		delete(fields, e.Name.Local)
		f, err := bindField(e, i, goType.Field(i).Type)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", e.Name.Local, err))
		}
		plan.fields = append(plan.fields, f)
	}
	for local := range fields {
		wrong = append(wrong, fmt.Errorf("%s has a field for %s, which the schema has not", goType, local))
	}
	return plan, errors.Join(wrong...)
}

func bindField(e *Element, index int, goType reflect.Type) (fieldPlan, error) {
	f := fieldPlan{element: e, index: index, item: goType}
	if f.item.Kind() == reflect.Slice {
		f.slice = true
		f.item = f.item.Elem()
	}
	if f.slice != (e.Max != 1) {
		return f, errors.New("a slice is for what may be repeated, and for that only")
	}
	if f.item.Kind() == reflect.Pointer {
		f.pointer = true
		f.item = f.item.Elem()
	}
	if !e.Type.IsSimple() {
		if f.item.Kind() != reflect.Struct {
			return f, fmt.Errorf("a complex type is bound to %s", f.item)
		}
		var err error
		f.inner, err = bindStruct(e.Type, f.item)
		return f, err
	}
	if !e.Type.simple.fits(f.item) {
		return f, fmt.Errorf("not every value of the schema's type fits into %s", f.item)
	}
	return f, nil
}

// fits tells whether a Go type can hold each value of t.
func (t *simpleType) fits(goType reflect.Type) bool {
	switch t.primitive {
	case booleanValue:
		return goType.Kind() == reflect.Bool
	case integerValue:
		zero := reflect.Zero(goType)
		return zero.CanInt() && t.hasMin && t.hasMax && !zero.OverflowInt(t.min) && !zero.OverflowInt(t.max)
	case dateTimeValue:
		p := reflect.PointerTo(goType)
		return goType == timeType || p.Implements(goTimerType) && p.Implements(unmarshalerType)
	default:
		return goType.Kind() == reflect.String
	}
}
