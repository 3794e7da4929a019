package main

import (
	"time"

	"registrar/internal/channel/smpp"
	"registrar/internal/config"
	"registrar/internal/delivery"
	"registrar/internal/notify"
)

// openSMPP opens a bind to a message centre. Receipts of one lane's messages may
// come by another lane's bind, so they all go the same way.
func (p *parts) openSMPP(name string, s config.SMSC) (notify.Sender, error) {
	c := smppConfig(name, s)
	c.Log = p.log
	if s.Receipts {
		if p.receipts == nil {
			p.receipts = delivery.NewReceipts(p.db.Receipts(), time.Now, p.metrics.Receipt)
		}
		p.metrics.Receipts(name, delivery.Changed, delivery.Unchanged, delivery.Postponed, delivery.Dropped)
		c.Receipts = p.receipts
	}
	return smpp.New(c)
}

func smppConfig(name string, s config.SMSC) smpp.Config {
	c := smpp.Config{
		Name: name, Host: s.Host, Port: s.Port, TLS: s.TLS != "off", SkipVerify: s.TLS == "skip-verify",
		SystemID: s.SystemID, Password: s.Password.Reveal(), SystemType: s.SystemType, ServiceType: s.ServiceType, Source: s.Source,
		Charset: smpp.Charset(s.Charset), Window: s.Window, EnquireInterval: s.EnquireInterval, Timeout: s.Timeout,
		ReceiptID: smpp.ReceiptID(s.ReceiptID),
	}
	if s.SourceTON >= 0 {
		c.SourceType = &smpp.AddressType{TON: byte(s.SourceTON), NPI: byte(s.SourceNPI)}
	}
	return c
}
