package xsd

import (
	"encoding/xml"
	"reflect"
	"strings"
)

// set puts a value into the field.
func (f *fieldPlan) set(target reflect.Value, value scalar) {
	item := target
	if f.slice || f.pointer {
		item = reflect.New(f.item).Elem()
	}
	switch f.element.Type.simple.primitive {
	case booleanValue:
		item.SetBool(value.boolean)
	case integerValue:
		item.SetInt(value.integer)
	case dateTimeValue:
		setTime(item, value)
	default:
		item.SetString(value.text)
	}
	if f.slice || f.pointer {
		f.place(target, item)
	}
}

// place puts an addressable item into a field that is a slice or a pointer.
func (f *fieldPlan) place(target, item reflect.Value) {
	if f.pointer {
		item = item.Addr()
	}
	if f.slice {
		item = reflect.Append(target, item)
	}
	target.Set(item)
}

// setTime fills a time.Time, or a type that reads itself from XML: it gets the
// time in RFC 3339, which all of them read alike.
func setTime(item reflect.Value, value scalar) {
	if item.Type() == timeType {
		item.Set(reflect.ValueOf(value.time))
		return
	}
	layout := "2006-01-02T15:04:05.999999999Z07:00"
	if !value.zoned {
		layout = "2006-01-02T15:04:05.999999999"
	}
	d := xml.NewDecoder(strings.NewReader("<t>" + value.time.Format(layout) + "</t>"))
	if t, err := d.Token(); err == nil {
		if start, ok := t.(xml.StartElement); ok {
			u, _ := item.Addr().Interface().(xml.Unmarshaler)
			_ = u.UnmarshalXML(d, start) // a well-formed element with a valid time
		}
	}
}
