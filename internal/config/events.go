package config

import (
	"cmp"
	"net/url"
	"strings"
	"time"
)

// Events are what happens to registrations, told to other systems.
type Events struct {
	// Enabled: events are recorded, and published where Kafka.Brokers are set. The embedded broker is this service's own:
	// nobody else could read them there, so without brokers they are kept in the database.
	Enabled bool `koanf:"enabled"`
	// Keep is for how long they are kept there, where there are no brokers, for `registrar event tail`. 1 h to 366 days; 0
	// records none.
	Keep time.Duration `koanf:"keep"`
	// Source names this installation in each event: a URI reference, such as https://api.example.com. "" is PublicURL, or
	// /registrar without one. At most 255 characters.
	Source string `koanf:"source"`
}

// PublishesEvents says whether events are published to brokers.
func (c Config) PublishesEvents() bool { return c.Events.Enabled && len(c.Kafka.Brokers) > 0 }

// KeepsEvents says whether events are kept in the database for other systems.
func (c Config) KeepsEvents() bool {
	return c.Events.Enabled && len(c.Kafka.Brokers) == 0 && c.Events.Keep > 0
}

// RecordsEvents says whether what happens is recorded for other systems, to be published or kept.
func (c Config) RecordsEvents() bool { return c.PublishesEvents() || c.KeepsEvents() }

// EventSource is the source of each event.
func (c Config) EventSource() string { return cmp.Or(c.Events.Source, c.PublicURL, "/registrar") }

func (v *validator) events(e Events) {
	if e.Keep != 0 {
		v.between("events.keep", e.Keep, time.Hour, 366*24*time.Hour)
	}
	if _, err := url.Parse(e.Source); err != nil || len(e.Source) > 255 || strings.ContainsFunc(e.Source, func(r rune) bool { return r <= ' ' || r > '~' }) {
		v.add("events.source", "must be a URI reference of at most 255 printable ASCII characters", "write it like https://api.example.com or /registrar")
	}
}
