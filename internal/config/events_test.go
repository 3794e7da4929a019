package config_test

import (
	"testing"

	"registrar/internal/config"
)

// TestEvents: there are some where other systems can read them, and they come
// from where the service is.
func TestEvents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		change    func(*config.Config)
		publishes bool
		keeps     bool
		source    string
	}{
		{"the embedded broker", func(*config.Config) {}, false, true, "/registrar"},
		{"brokers", func(c *config.Config) { c.Kafka.Brokers = []string{"k:9092"} }, true, false, "/registrar"},
		{"kept for no time", func(c *config.Config) { c.Events.Keep = 0 }, false, false, "/registrar"},
		{"turned off without brokers", func(c *config.Config) { c.Events.Enabled = false }, false, false, "/registrar"},
		{"turned off", func(c *config.Config) { c.Kafka.Brokers, c.Events.Enabled = []string{"k:9092"}, false }, false, false, "/registrar"},
		{"a public address", func(c *config.Config) { c.PublicURL = "https://api.example.com" }, false, true, "https://api.example.com"},
		{"a source of its own", func(c *config.Config) { c.PublicURL, c.Events.Source = "https://api.example.com", "urn:us" }, false, true, "urn:us"},
	}
	for _, tt := range tests {
		c := config.Default()
		tt.change(&c)
		if got := c.PublishesEvents(); got != tt.publishes {
			t.Errorf("%s: published: %v", tt.name, got)
		}
		if got := c.KeepsEvents(); got != tt.keeps || c.RecordsEvents() != (tt.publishes || tt.keeps) {
			t.Errorf("%s: kept: %v", tt.name, got)
		}
		if got := c.EventSource(); got != tt.source {
			t.Errorf("%s: the source is %s", tt.name, got)
		}
	}
}
