package config

import (
	"cmp"
	"net/url"
	"strings"
)

// Events are what happens to registrations, told to other systems.
type Events struct {
	// Enabled: events are recorded and published, where Kafka.Brokers are set. The embedded broker is this service's own:
	// nobody else could read them there, so none are recorded.
	Enabled bool `koanf:"enabled"`
	// Source names this installation in each event: a URI reference, such as https://api.example.com. "" is PublicURL, or
	// /registrar without one. At most 255 characters.
	Source string `koanf:"source"`
}

// PublishesEvents says whether there are events for other systems.
func (c Config) PublishesEvents() bool { return c.Events.Enabled && len(c.Kafka.Brokers) > 0 }

// EventSource is the source of each event.
func (c Config) EventSource() string { return cmp.Or(c.Events.Source, c.PublicURL, "/registrar") }

func (v *validator) events(e Events) {
	if _, err := url.Parse(e.Source); err != nil || len(e.Source) > 255 || strings.ContainsFunc(e.Source, func(r rune) bool { return r <= ' ' || r > '~' }) {
		v.add("events.source", "must be a URI reference of at most 255 printable ASCII characters", "write it like https://api.example.com or /registrar")
	}
}
