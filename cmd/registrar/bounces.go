package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"registrar/internal/address"
	"registrar/internal/bounce"
	"registrar/internal/config"
	"registrar/internal/store"
	"registrar/internal/telemetry"
)

// bounces are the ways by which mail comes back. Each may be nil.
type bounces struct {
	maildir  *bounce.Maildir
	server   *bounce.Server
	listener net.Listener
}

// openBounces opens what is configured of them.
func openBounces(ctx context.Context, c config.Config, db *store.DB, metrics *telemetry.Metrics, log *slog.Logger) (*bounces, error) {
	handler := &bounce.Handler{Ledger: db.Bounces(), Now: time.Now, Log: log, Observe: func(r bounce.Result) { metrics.Bounce(string(r)) }}
	b := &bounces{}
	var err error
	if c.Bounces.Maildir != "" || c.Bounces.SMTPListen != "" {
		for _, r := range []bounce.Result{bounce.Failed, bounce.Delivered, bounce.Complaint, bounce.Unchanged, bounce.Unmatched, bounce.NoReport, bounce.Unreadable} {
			metrics.Bounces(string(r))
		}
	}
	if c.Bounces.Maildir != "" {
		settings := bounce.MaildirConfig{Dir: c.Bounces.Maildir, Poll: c.Bounces.Poll, Keep: c.Bounces.Keep, MaxBytes: int64(c.Bounces.MaxBytes), Log: log}
		if b.maildir, err = bounce.OpenMaildir(settings, handler); err != nil {
			return nil, fmt.Errorf("%w; see bounces.maildir", err)
		}
	}
	if c.Bounces.SMTPListen != "" {
		if b.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Bounces.SMTPListen); err != nil {
			return nil, fmt.Errorf("bounces.smtp_listen: %w; choose another address", err)
		}
		settings := bounce.ServerConfig{Addresses: append([]string{c.BounceAddress()}, c.Bounces.Complaints...), Hello: ownName(), MaxBytes: int64(c.Bounces.MaxBytes), Log: log}
		b.server = bounce.NewServer(b.listener, settings, handler)
	}
	return b, nil
}

// ownName is the machine's name as mail servers take it.
func ownName() string {
	if name, err := os.Hostname(); err == nil {
		if ascii, err := address.DomainToASCII(name); err == nil {
			return ascii
		}
	}
	return "localhost"
}

// start starts what is open.
func (b *bounces) start(ctx context.Context, s *stages) {
	if b.maildir != nil {
		s.start(ctx, b.maildir.Run)
	}
	if b.server != nil {
		s.start(ctx, b.server.Run)
	}
}

// Close closes what was opened and is not running.
func (b *bounces) Close() error {
	if b == nil || b.listener == nil {
		return nil
	}
	if err := b.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// receiptSweep is about how often receipts that nobody waits for any more are
// forgotten.
const receiptSweep = time.Hour

// forgetReceipts does so until ctx ends.
func forgetReceipts(ctx context.Context, db *store.DB, log *slog.Logger) error {
	for {
		timer := time.NewTimer(receiptSweep/2 + rand.N(receiptSweep)) //nolint:gosec // a wait, not a secret
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		switch n, err := db.Receipts().Forget(ctx, time.Now()); {
		case err != nil && ctx.Err() == nil:
			log.Warn("old receipts cannot be forgotten now", "error", err)
		case n > 0:
			log.Info("receipts that never came are forgotten", "messages", n)
		}
	}
}
