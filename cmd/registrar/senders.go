package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"time"

	"registrar/internal/channel/httpsms"
	"registrar/internal/channel/smtp"
	"registrar/internal/config"
)

func smtpConfig(c config.Config, name string, s config.SMTPServer) smtp.Config {
	d := c.Email.DKIM
	signed := smtp.DKIM{Domain: d.Domain}
	for _, k := range []smtp.DKIMKey{{Selector: d.Ed25519Selector, File: d.Ed25519KeyFile}, {Selector: d.RSASelector, File: d.RSAKeyFile}} {
		if k.File != "" {
			signed.Keys = append(signed.Keys, k)
		}
	}
	return smtp.Config{
		Name: name, Host: s.Host, Port: s.Port, Security: smtp.Security(s.Security),
		AllowPlaintext: s.Security == string(smtp.Plaintext), // the operator wrote so
		CAFile:         s.CAFile, Username: s.User, Password: s.Password.Reveal(),
		From:    mail.Address{Name: cmp.Or(c.Email.FromName, c.Brand), Address: c.Email.From},
		ReplyTo: mail.Address{Address: c.Email.ReplyTo}, BounceAddress: c.BounceAddress(), DKIM: signed,
		Hello: s.Hello, Connections: c.Notify.Workers, Warm: min(s.WarmConnections, c.Notify.Workers), DialTimeout: s.Timeout,
	}
}

func httpConfig(name string, h config.HTTPGateway) httpsms.Config {
	reveal := func(secrets map[string]config.Secret) map[string]string {
		plain := make(map[string]string, len(secrets))
		for name, s := range secrets {
			plain[name] = s.Reveal()
		}
		return plain
	}
	return httpsms.Config{
		Name: name, Method: h.Method, URL: h.URL.Reveal(), Headers: reveal(h.Headers), Body: h.Body.Reveal(), Secrets: reveal(h.Secrets),
		IDPath: h.IDPath, Timeout: h.Timeout,
	}
}

var errQueueDown = errors.New("the queue takes no messages; registrations go on, their notifications wait in the outbox")

// queueHealth says whether the queue can be reached. Nobody is unready for it.
func (p *parts) queueHealth(ctx context.Context) error {
	if p.relay == nil { // a process that takes no registrations
		return p.queue.Ping(ctx)
	}
	if ok, since := p.relay.Health(); !ok {
		return fmt.Errorf("%w since %s", errQueueDown, since.UTC().Format(time.RFC3339))
	}
	if err := p.queue.Ping(ctx); err != nil {
		return errQueueDown
	}
	return nil
}
