package chaos_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"registrar/test/harness"
)

// life is what is done with one person.
type life struct {
	load   *load
	batch  *batch
	person *person
}

// live does all of it, one after the other but for what is to happen at once.
// Calls end with ctx; codes are waited for until the load is over and a while
// longer, but no longer than patience.
func (f life) live(ctx, loading context.Context, elder *settled) {
	p := f.person
	var beside sync.WaitGroup
	defer beside.Wait()
	if elder != nil {
		beside.Go(func() { f.load.visit(ctx, elder, p.replays) })
	}
	if p.early {
		beside.Go(func() {
			time.Sleep(p.pauses[0] / 20)
			f.look(ctx, byEmail, p.email)
		})
	}
	receipts := make([]harness.Receipt, len(p.requests))
	var callers sync.WaitGroup
	for i := range p.requests {
		callers.Go(func() { receipts[i] = f.register(ctx, i) })
	}
	callers.Wait()
	for i, receipt := range receipts {
		if receipt.RegistrationID != "" {
			f.care(ctx, loading, i, receipt, &beside)
		}
	}
}

// care is what follows an acknowledged registration.
func (f life) care(ctx, loading context.Context, request int, receipt harness.Receipt, beside *sync.WaitGroup) {
	p := f.person
	beside.Go(func() {
		for i, key := range p.lookups {
			time.Sleep(p.pauses[i])
			f.look(ctx, key, map[lookup]string{byEmail: p.email, byUsername: p.requests[request].Username, byID: receipt.RegistrationID}[key])
		}
		if p.repeat {
			time.Sleep(p.pauses[3])
			f.register(ctx, request)
		}
	})
	if p.resend {
		time.Sleep(cooldown + p.pauses[4])
		f.resend(ctx, receipt.RegistrationID, channels[0])
	}
	for i, channel := range channels {
		if !p.verify[i] {
			continue
		}
		code := f.load.sinks.await(loading, p.contacts()[channel])
		if code == "" {
			continue
		}
		if p.wrong {
			f.verify(ctx, receipt.RegistrationID, channel, other(code, p.guess), false)
		}
		f.verify(ctx, receipt.RegistrationID, channel, code, true)
	}
	if p.repeat { // also of who is verified
		f.register(ctx, request)
	}
}

// other is a code that is not this one.
func other(code string, guess uint64) string {
	wrong := fmt.Sprintf("%06d", guess%1_000_000)
	if wrong == code {
		wrong = fmt.Sprintf("%06d", (guess+1)%1_000_000)
	}
	return wrong
}

func (f life) since() time.Duration { return time.Since(f.load.began) }

// note makes a call and adds it to the history.
func (f life) note(ctx context.Context, o operation, do func(context.Context, *harness.Service, *operation) error) operation {
	o.person, o.called = f.person, f.since()
	var err error
	o.tries, err = f.load.caller.call(ctx, func(ctx context.Context, at *harness.Service) error { return do(ctx, at, &o) })
	o.returned, o.outcome = f.since(), outcomeOf(err)
	f.batch.history.add(o)
	return o
}

func (f life) register(ctx context.Context, request int) harness.Receipt {
	o := f.note(ctx, operation{what: register, request: request}, func(ctx context.Context, at *harness.Service, o *operation) (err error) {
		o.receipt, err = at.Register(ctx, f.person.requests[request])
		return err
	})
	return o.receipt
}

func (f life) look(ctx context.Context, key lookup, value string) {
	f.note(ctx, operation{what: look, key: key, value: value}, func(ctx context.Context, at *harness.Service, o *operation) (err error) {
		o.found, err = at.Lookup(ctx, string(key), value)
		return err
	})
}

func (f life) verify(ctx context.Context, id, channel, code string, right bool) {
	f.note(ctx, operation{what: verify, channel: channel, right: right}, func(ctx context.Context, at *harness.Service, o *operation) (err error) {
		o.verified, err = at.Verify(ctx, id, channel, code)
		return err
	})
}

func (f life) resend(ctx context.Context, id, channel string) {
	f.note(ctx, operation{what: resend, channel: channel}, func(ctx context.Context, at *harness.Service, _ *operation) error {
		_, err := at.Resend(ctx, id, channel)
		return err
	})
}
