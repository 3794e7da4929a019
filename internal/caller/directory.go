package caller

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Settings of a Directory.
type Settings struct {
	// Refresh is after how long at most a change of a caller holds here, while
	// the store answers; 0 is 2 s.
	Refresh time.Duration
	Now     func() time.Time // nil is time.Now
}

// loadTimeout is for one reading of the store.
const loadTimeout = 5 * time.Second

// Directory knows all callers as they were when the store was last read, so
// that nobody waits for a database to be authenticated. It may be used by
// several goroutines.
type Directory struct {
	settings Settings
	store    Source
	sealer   *Sealer // nil for none
	log      *slog.Logger
	current  atomic.Pointer[snapshot]

	away   bool                // the last reading failed; of whoever loads
	closed map[string]struct{} // callers whose sealed secrets do not open, told already; of whoever loads
}

// OpenDirectory reads all callers. sealer opens the secrets of those that
// prove theirs by digests; nil where no key is configured. Errors:
// registration.ErrUnavailable.
func OpenDirectory(ctx context.Context, s Settings, store Source, sealer *Sealer, log *slog.Logger) (*Directory, error) {
	s.Refresh = cmp.Or(s.Refresh, 2*time.Second)
	if s.Now == nil {
		s.Now = time.Now
	}
	d := &Directory{settings: s, store: store, sealer: sealer, log: log, closed: map[string]struct{}{}}
	if err := d.load(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Run reads the callers again and again until ctx ends. While the store is
// away the callers stay as they were: a service that knows whom to trust does
// not forget it. The error is always nil.
func (d *Directory) Run(ctx context.Context) error {
	for {
		pause := d.settings.Refresh - rand.N(d.settings.Refresh/4+1) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		err := d.load(ctx)
		switch {
		case ctx.Err() != nil: // which ends it
		case err != nil && !d.away:
			d.log.WarnContext(ctx, "caller: the callers cannot be read; they stay as they were", "error", err)
		case err == nil && d.away:
			d.log.InfoContext(ctx, "caller: the callers are read again")
		}
		d.away = err != nil
	}
}

// Configured says whether there is any caller. A disabled one counts: who
// disables the last one does not mean to let everybody in.
func (d *Directory) Configured() bool { return len(d.current.Load().byName) > 0 }

// Known says whether name is a caller's, for what is told to operators: a
// name that is none may be a secret that was sent in the wrong place.
func (d *Directory) Known(name string) bool {
	_, known := d.current.Load().byName[name]
	return known
}

// snapshot is all callers at one time. It does not change.
type snapshot struct {
	byName    map[string]*entry
	bySubject map[string]*entry // of certificates
	unknown   *entry            // takes the place of a caller that is not there
}

// load reads the store and replaces the snapshot.
func (d *Directory) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	callers, err := d.store.Callers(ctx)
	if err != nil {
		return err //nolint:wrapcheck // has a category already
	}
	width := 2 // slots: a secret, and the one before it
	for _, c := range callers {
		width = max(width, len(c.Secrets))
	}
	s := &snapshot{byName: make(map[string]*entry, len(callers)), bySubject: map[string]*entry{}}
	s.unknown = &entry{slots: fill(nil, width)}
	for _, c := range callers {
		e := &entry{caller: c, slots: fill(d.slots(ctx, c), width)}
		e.caller.Secrets = nil
		s.byName[c.Name] = e
		if c.CertificateSubject != "" {
			s.bySubject[c.CertificateSubject] = e
		}
	}
	d.current.Store(s)
	return nil
}

// slots are a caller's secrets, the sealed ones opened.
func (d *Directory) slots(ctx context.Context, c Caller) []slot {
	var all []slot
	failed := false
	for _, secret := range c.Secrets {
		s := slot{secret: secret, real: true}
		if secret.Sealed != nil {
			err := ErrSealed
			if d.sealer != nil {
				s.text, err = d.sealer.Open(c.Name, secret.Sealed)
			}
			s.open = err == nil
			failed = failed || !s.open
		}
		all = append(all, s)
	}
	_, told := d.closed[c.Name]
	switch {
	case failed && !told:
		d.closed[c.Name] = struct{}{}
		d.log.WarnContext(ctx, "caller: a sealed secret does not open with the configured key; digests made with it are refused", "caller", c.Name)
	case !failed && told:
		delete(d.closed, c.Name)
	}
	return all
}
