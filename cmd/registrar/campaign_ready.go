package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

// hasTemplate says what is wrong with a campaign's template, as this
// configuration has them.
func hasTemplate(c config.Config, one campaign.Campaign) error {
	catalog, err := template.Load(templateOptions(c))
	if err != nil {
		return templateProblems(err)
	}
	var there []string
	for _, t := range catalog.Campaigns() {
		locales := t.Email
		if one.Channel == registration.SMSChannel {
			locales = t.SMS
		}
		if len(locales) > 0 {
			there = append(there, t.Name)
		}
	}
	if slices.Contains(there, one.Template) {
		return nil
	}
	return fmt.Errorf("there is no campaign template %s for %s; there are: %s. registrar template check shows them, templates_dir adds others",
		one.Template, strings.ToLower(string(one.Channel)), strings.Join(there, ", "))
}

// mayMarket says whether messages of campaigns may leave by a channel. E-mail
// that reaches people must tell how it is ended, by an https address (RFC 8058
// section 3.1); the local inbox reaches nobody.
func mayMarket(c config.Config, channel registration.Channel) error {
	reaches := slices.ContainsFunc(c.EmailProviders(), func(p config.EmailProvider) bool { return p.Driver != config.Inbox })
	if channel != registration.EmailChannel || !reaches || strings.HasPrefix(c.UnsubscribePage(), "https://") {
		return nil
	}
	return errors.New("e-mail of campaigns needs an https address to unsubscribe at: set public_url, or campaigns.unsubscribe_url")
}

// mayLeave says what keeps a campaign from being sent.
func mayLeave(c config.Config, one campaign.Campaign) error {
	return errors.Join(hasTemplate(c, one), mayMarket(c, one.Channel))
}
