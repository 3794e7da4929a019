package main

import (
	"fmt"

	"registrar/internal/channel/httpsms"
	"registrar/internal/channel/inbox"
	"registrar/internal/channel/smtp"
	"registrar/internal/config"
	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
	"registrar/internal/registration"
)

// openRoutes opens the providers of a lane in their order: each with
// connections of the lane's own, behind the gate that all lanes share.
func (p *parts) openRoutes(c config.Config, l lane.Lane) ([]notify.Route, error) {
	var routes []notify.Route
	add := func(name string, rate, share, parallel int, open func() (notify.Sender, error)) error {
		sender, err := open()
		if err != nil {
			return fmt.Errorf("the provider %s cannot be opened: %w", name, err)
		}
		p.senders = append(p.senders, sender)
		provider, err := p.provider(l.Channel(), name, rate, share)
		if err != nil {
			return err
		}
		p.metrics.Provider(name, string(l))
		routes = append(routes, notify.Route{Sender: sender, Gate: provider.Gate(l), Parallel: parallel})
		return nil
	}
	if l.Channel() == registration.SMSChannel {
		for _, s := range c.SMSProviders() {
			parallel := 0
			if s.Driver == config.SMPP {
				parallel = s.SMPP.Window
			}
			if err := add(s.Name, s.Rate, s.MarketingShare, parallel, func() (notify.Sender, error) { return p.openSMS(s) }); err != nil {
				return nil, err
			}
		}
		return routes, nil
	}
	for _, e := range c.EmailProviders() {
		parallel := 0
		if e.Driver == config.SMTP {
			parallel = c.Notify.Workers // its connections
		}
		if err := add(e.Name, e.Rate, e.MarketingShare, parallel, func() (notify.Sender, error) { return p.openEmail(c, e) }); err != nil {
			return nil, err
		}
	}
	return routes, nil
}

// provider is what all lanes of the process share of a provider.
func (p *parts) provider(channel registration.Channel, name string, rate, share int) (*gate.Provider, error) {
	key := string(channel) + " " + name // each channel has its inbox
	if shared, ok := p.providers[key]; ok {
		return shared, nil
	}
	opened, err := gate.New(gate.Settings{
		Name: name, Rate: float64(rate), MarketingShare: float64(share) / 100, Observer: gateObserver{p.metrics}, Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	if p.providers == nil {
		p.providers = map[string]*gate.Provider{}
	}
	p.providers[key] = opened
	return opened, nil
}

func (p *parts) openEmail(c config.Config, e config.EmailProvider) (notify.Sender, error) {
	switch e.Driver {
	case config.Inbox:
		return &inbox.Sender{Mailbox: p.db.Inbox(), Channel: registration.EmailChannel}, nil
	case config.SMTP:
		return smtp.New(smtpConfig(c, e.Name, e.SMTP))
	default:
		return nil, fmt.Errorf("no driver %s for e-mail", e.Driver)
	}
}

func (p *parts) openSMS(s config.SMSProvider) (notify.Sender, error) {
	switch s.Driver {
	case config.Inbox:
		return &inbox.Sender{Mailbox: p.db.Inbox(), Channel: registration.SMSChannel}, nil
	case config.HTTP:
		return httpsms.New(httpConfig(s.Name, s.HTTP))
	case config.SMPP:
		return p.openSMPP(s.Name, s.SMPP)
	default:
		return nil, fmt.Errorf("no driver %s for SMS", s.Driver)
	}
}
