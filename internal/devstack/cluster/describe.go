package cluster

import (
	"encoding/json"
	"fmt"
	"os"

	"registrar/internal/devstack"
)

// Description is what cluster.json holds, for scripts that kill and look.
type Description struct {
	URL   string           `json:"url"` // of the SOAP service
	PID   int              `json:"pid"` // of whoever keeps the parts running
	Parts []devstack.About `json:"parts"`
}

// Describe says what is where now.
func (c *Cluster) Describe() Description {
	d := Description{PID: os.Getpid()}
	if len(c.Balancers) > 0 {
		d.URL = c.URL()
	}
	for _, p := range c.Parts() {
		d.Parts = append(d.Parts, p.About())
	}
	return d
}

// WriteDescription writes cluster.json in the cluster's directory: whole, or
// not at all.
func (c *Cluster) WriteDescription() error {
	text, err := json.MarshalIndent(c.Describe(), "", "  ")
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	path := c.dir("cluster.json")
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	return nil
}
