package main

import (
	"registrar/internal/config"
	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
)

// openRoutes opens the providers of a lane in their order.
func (p *parts) openRoutes(c config.Config, l lane.Lane) ([]notify.Route, error) {
	sender, err := p.openSender(c, l.Channel())
	if err != nil {
		return nil, err
	}
	p.senders = append(p.senders, sender)
	provider, err := gate.New(gate.Settings{Name: sender.Name(), Observer: gateObserver{p.metrics}, Log: p.log})
	if err != nil {
		return nil, err
	}
	return []notify.Route{{Sender: sender, Gate: provider.Gate(l)}}, nil
}
