package xsd

import (
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// Append appends v, a pointer to the binding's struct, as an element that
// declares its own namespace. Children stand in the schema's order; required
// ones always, zero or not (xsi:nil for a nil pointer where the schema allows
// it); optional ones when they are not nil and not zero. Times are written in
// UTC, with up to microseconds. A required child that may be repeated stands
// as often as its slice is long.
func (b *Binding) Append(dst []byte, v any) ([]byte, error) {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Type().Elem() != b.goType {
		return dst, fmt.Errorf("xsd: %T is not a *%s, or nil", v, b.goType)
	}
	name := b.Element.Name
	dst = append(append(dst, '<'), name.Local...)
	dst = append(AppendText(append(dst, ` xmlns="`...), name.Space), `">`...)
	dst = appendStruct(dst, b.root, p.Elem())
	return appendEnd(dst, name.Local), nil
}

func appendEnd(dst []byte, local string) []byte {
	return append(append(append(dst, "</"...), local...), '>')
}

func appendStruct(dst []byte, plan *structPlan, v reflect.Value) []byte {
	for i := range plan.fields {
		f := &plan.fields[i]
		field := v.Field(f.index)
		if !f.slice {
			dst = appendChild(dst, f, field)
			continue
		}
		for n := range field.Len() {
			dst = appendItem(dst, f, field.Index(n))
		}
	}
	return dst
}

// appendChild appends a child that stands once or not at all.
func appendChild(dst []byte, f *fieldPlan, v reflect.Value) []byte {
	if f.element.Min == 0 && (v.IsZero() || f.isZeroTime(v)) {
		return dst
	}
	return appendItem(dst, f, v)
}

func appendItem(dst []byte, f *fieldPlan, v reflect.Value) []byte {
	local := f.element.Name.Local
	if f.pointer {
		if v.IsNil() {
			if f.element.Nillable {
				dst = append(append(dst, '<'), local...)
				return append(dst, ` xmlns:xsi="`+InstanceSpace+`" xsi:nil="true"/>`...)
			}
			v = reflect.New(f.item)
		}
		v = v.Elem()
	}
	dst = append(append(append(dst, '<'), local...), '>')
	if f.inner != nil {
		dst = appendStruct(dst, f.inner, v)
	} else {
		dst = f.appendValue(dst, v)
	}
	return appendEnd(dst, local)
}

func (f *fieldPlan) appendValue(dst []byte, v reflect.Value) []byte {
	switch f.element.Type.simple.primitive {
	case booleanValue:
		return strconv.AppendBool(dst, v.Bool())
	case integerValue:
		return strconv.AppendInt(dst, v.Int(), 10)
	case dateTimeValue:
		return appendTime(dst, goTime(v))
	default:
		return AppendText(dst, v.String())
	}
}

// isZeroTime tells a time that was never set, also behind its own type.
func (f *fieldPlan) isZeroTime(v reflect.Value) bool {
	if f.inner != nil || f.pointer || f.element.Type.simple.primitive != dateTimeValue {
		return false
	}
	return goTime(v).IsZero()
}

// goTime gives the time in a field, which is addressable.
func goTime(v reflect.Value) time.Time {
	switch t := v.Addr().Interface().(type) {
	case *time.Time:
		return *t
	case goTimer:
		return t.ToGoTime()
	default: // Bind admits no other
		return time.Time{}
	}
}

// appendTime appends xs:dateTime. A year that it cannot write becomes the
// nearest that it can.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	switch year := t.Year(); {
	case year < 1:
		t = time.Time{}
	case year > 9999:
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.999999Z")
}
