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
		source    string
	}{
		{"the embedded broker", func(*config.Config) {}, false, "/registrar"},
		{"brokers", func(c *config.Config) { c.Kafka.Brokers = []string{"k:9092"} }, true, "/registrar"},
		{"turned off", func(c *config.Config) { c.Kafka.Brokers, c.Events.Enabled = []string{"k:9092"}, false }, false, "/registrar"},
		{"a public address", func(c *config.Config) { c.PublicURL = "https://api.example.com" }, false, "https://api.example.com"},
		{"a source of its own", func(c *config.Config) { c.PublicURL, c.Events.Source = "https://api.example.com", "urn:us" }, false, "urn:us"},
	}
	for _, tt := range tests {
		c := config.Default()
		tt.change(&c)
		if got := c.PublishesEvents(); got != tt.publishes {
			t.Errorf("%s: published: %v", tt.name, got)
		}
		if got := c.EventSource(); got != tt.source {
			t.Errorf("%s: the source is %s", tt.name, got)
		}
	}
}
