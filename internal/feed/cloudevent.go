package feed

import (
	"encoding/json"
	"fmt"
	"time"

	"registrar/internal/event"
)

// cloudEvent is an item in the JSON format of CloudEvents 1.0, with its position
// as an extension attribute.
type cloudEvent struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject,omitempty"`
	Time            string          `json:"time"`
	DataSchema      string          `json:"dataschema"`
	DataContentType string          `json:"datacontenttype"`
	TraceParent     string          `json:"traceparent,omitempty"`
	Position        Position        `json:"position"`
	Data            json.RawMessage `json:"data"`
}

// JSON is an item as a CloudEvent in one line: the JSON event format's
// structured mode (CloudEvents 1.0.2, JSON format section 3), with the extension
// attribute "position". source is the attribute of every event.
func (i Item) JSON(source string) ([]byte, error) {
	e := cloudEvent{
		SpecVersion: "1.0", ID: i.ID.String(), Source: source, Type: i.Type, Time: i.At.UTC().Format(time.RFC3339Nano), DataSchema: event.SchemaOf(i.Type),
		DataContentType: "application/json", TraceParent: i.TraceParent, Position: i.Position, Data: i.Data,
	}
	if !i.Subject.IsZero() {
		e.Subject = i.Subject.String()
	}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("feed: %w", err)
	}
	return text, nil
}
