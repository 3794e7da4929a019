package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"registrar/internal/address"
	"registrar/internal/campaign"
	"registrar/internal/campaign/unsubscribe"
	"registrar/internal/config"
	"registrar/internal/notify"
)

// feeder carries campaigns out, on one of the servers.
func (p *parts) feeder(c config.Config) *campaign.Feeder {
	return &campaign.Feeder{
		Store: p.db.Campaigns(), Leases: p.db.Leases(), Owner: p.instance.name, NewID: newID, ZonesOf: address.TimeZones, Now: time.Now, Log: p.log,
		Fed: p.metrics.Fed, LeaseTTL: leaseTTL(c), Queued: c.Campaigns.Queued,
	}
}

// unsubscribeLinks are signed by the configured key, or one that is derived
// from that of one-time codes.
func unsubscribeLinks(c config.Config) (*campaign.Links, error) {
	var secret []byte
	var err error
	if text := c.Campaigns.Key.Reveal(); text != "" {
		secret, err = base64.StdEncoding.DecodeString(text)
	} else {
		secret, err = codeSecret(c)
	}
	if err != nil {
		return nil, fmt.Errorf("the key of unsubscribe links: %w", err)
	}
	return campaign.NewLinks(secret, c.UnsubscribePage())
}

// linked adds to each claim of a campaign the link that ends it.
type linked struct {
	links *campaign.Links
	next  notify.Renderer
}

// Render implements notify.Renderer.
func (l linked) Render(c notify.Claim) (notify.Message, error) {
	c.Unsubscribe = l.links.Address(c.Notification)
	return l.next.Render(c)
}

// quietHours is notify.Config.Hold for the lanes of marketing.
func quietHours() func(notify.Claim, time.Time) (time.Time, bool) {
	hours := &campaign.Hours{ZonesOf: address.TimeZones}
	return func(c notify.Claim, now time.Time) (time.Time, bool) {
		if c.QuietHours == "" {
			return now, false
		}
		return hours.Hold(c.QuietHours, c.Mobile, now)
	}
}

// unsubscribePage is the page that the links lead to. It stands before the
// callers' gateway: people and mail programs have no account.
func (e *edge) unsubscribePage(c config.Config) http.Handler {
	return unsubscribe.New(e.links, e.backend.consents, c.Brand, time.Now, e.log)
}
