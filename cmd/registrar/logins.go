package main

import (
	"context"

	"registrar/internal/attempt"
	"registrar/internal/config"
	"registrar/internal/password"
	"registrar/internal/registration"
)

// openLogins gives the service what VerifyPassword works with. Its keys are
// derived from that of the codes, for purposes of their own.
func (p *parts) openLogins(c config.Config, algorithm password.Algorithm) error {
	secret, err := codeSecret(c)
	if err != nil {
		return err
	}
	keys, err := attempt.NewKeys(secret)
	if err != nil {
		return err
	}
	if p.decoys, err = password.NewDecoys(secret, algorithm.Class()); err != nil {
		return err
	}
	s := p.service
	s.Credentials, s.Decoys, s.Outdated = p.db.Passwords(), p.decoys, p.hashes.Outdated
	s.Attempts, s.AttemptKeys, s.AttemptRules = p.db.Attempts(), keys, attemptRules(c.Attempts)
	s.PasswordTried = func(o registration.PasswordOutcome) { p.metrics.PasswordVerification(string(o)) }
	s.Unsettled = func(ctx context.Context, err error) {
		p.log.WarnContext(ctx, "what follows the verification of a password failed; its answer is right all the same", "error", err)
	}
	for _, o := range []registration.PasswordOutcome{registration.PasswordValid, registration.PasswordInvalid, registration.PasswordLimited, registration.PasswordError} {
		p.metrics.PasswordVerifications(string(o))
	}
	return nil
}

// startLogins starts what works on behind the verification of passwords.
func (p *parts) startLogins(ctx context.Context, s *stages) {
	s.start(ctx, func(ctx context.Context) error { return p.decoys.Follow(ctx, p.db.Passwords(), p.log) })
	s.start(ctx, func(ctx context.Context) error { return attempt.Sweep(ctx, p.db.Attempts(), p.log) })
}

func attemptRules(c config.Attempts) registration.AttemptRules {
	return registration.AttemptRules{
		Login:      registration.Allowance{Burst: c.LoginBurst, Every: c.LoginEvery},
		Origin:     registration.Allowance{Burst: c.OriginBurst, Every: c.OriginEvery},
		Caller:     registration.Allowance{Burst: c.CallerBurst, Every: c.CallerEvery},
		OriginLife: c.OriginLife,
	}
}
