// Package event is the form in which other systems learn what happened to
// registrations: the attributes and the data of a CloudEvent (CloudEvents 1.0).
//
// What may be relied on: the data of a type is valid by that type's schema in
// schema/events; a type's version is in its name, and a version that was
// released does not change but by optional members; there is nothing of a
// person in an event but the keys by which one may ask for them. What may not:
// that a reader knows all types or all members; it passes over the others.
package event

import (
	"encoding/json"
	"fmt"
	"time"

	"registrar/internal/registration"
)

// Event is one event as it is published.
type Event struct {
	ID          registration.ID // the same however often it is published
	Type        string          // such as "registrar.registration.completed.v1"
	Subject     registration.ID // the registration; zero for none
	At          time.Time       // when it happened; UTC
	TraceParent string          // W3C Trace Context of the request that caused it; "" for none
	Data        []byte          // JSON
}

// version of every type there is. A type that changes incompatibly gets the
// next one, and is published beside the old one until nobody reads that.
const version = "v1"

// TypeOf names the present version of a type, as a CloudEvent's type attribute.
func TypeOf(t registration.EventType) string { return "registrar." + string(t) + "." + version }

// SchemaOf is the dataschema attribute of a type: the $id of its JSON Schema.
func SchemaOf(eventType string) string { return "urn:registrar:event:" + eventType }

// data is the data of all types of version 1: each has some of the members.
type data struct {
	RegistrationID string `json:"registrationId,omitempty"`
	ExternalID     string `json:"externalId,omitempty"`
	Caller         string `json:"caller,omitempty"`
	Status         string `json:"status,omitempty"`
	Channel        string `json:"channel,omitempty"`
	Code           string `json:"code,omitempty"`
}

// Of puts what happened into its published form.
func Of(e registration.Event) (Event, error) {
	d := data{ExternalID: e.ExternalID, Caller: e.Caller}
	switch e.Type {
	case registration.EventRegistrationCreated, registration.EventRegistrationCompleted:
		d.Status = string(e.Status)
	case registration.EventRegistrationErased: // keys alone
	case registration.EventContactVerified:
		d.Channel = string(e.Channel)
	case registration.EventRegistrationRefused:
		d.Code = string(e.Refusal)
	default:
		return Event{}, fmt.Errorf("event: unknown type %q", e.Type)
	}
	if !e.AccountID.IsZero() {
		d.RegistrationID = e.AccountID.String()
	}
	text, err := json.Marshal(d)
	if err != nil {
		return Event{}, fmt.Errorf("event: %w", err)
	}
	return Event{ID: e.ID, Type: TypeOf(e.Type), Subject: e.AccountID, At: e.At, TraceParent: e.TraceParent, Data: text}, nil
}

// Key keeps the events of one registration together and in order; an event of
// none stands alone.
func (e Event) Key() string {
	if e.Subject.IsZero() {
		return e.ID.String()
	}
	return e.Subject.String()
}
