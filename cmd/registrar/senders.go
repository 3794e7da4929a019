package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"registrar/internal/channel/inbox"
	"registrar/internal/config"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

// openSender opens the provider of a channel; each lane has its own, with its
// own connections.
func (p *parts) openSender(c config.Config, channel registration.Channel) (notify.Sender, error) {
	driver := c.Email.Driver
	if channel == registration.SMSChannel {
		driver = c.SMS.Driver
	}
	switch driver {
	case config.Inbox:
		return &inbox.Sender{Mailbox: p.db.Inbox(), Channel: channel}, nil
	default:
		return nil, fmt.Errorf("no driver %s for %s", driver, channel)
	}
}

// sendTimeout bounds one message.
func sendTimeout(c config.Config, channel registration.Channel) time.Duration {
	if channel == registration.SMSChannel {
		return c.SMS.HTTP.Timeout
	}
	return c.Email.SMTP.Timeout
}

var errQueueDown = errors.New("the queue takes no messages; registrations go on, their notifications wait in the outbox")

// queueHealth says whether the queue can be reached. Nobody is unready for it.
func (p *parts) queueHealth(ctx context.Context) error {
	if ok, since := p.relay.Health(); !ok {
		return fmt.Errorf("%w since %s", errQueueDown, since.UTC().Format(time.RFC3339))
	}
	if err := p.queue.Ping(ctx); err != nil {
		return errQueueDown
	}
	return nil
}
