package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"registrar/internal/address"
	"registrar/internal/caller"
	"registrar/internal/campaign"
	"registrar/internal/config"
	"registrar/internal/delivery"
	"registrar/internal/feed"
	"registrar/internal/lane"
	"registrar/internal/notify"
	"registrar/internal/notify/gate"
	"registrar/internal/notify/template"
	"registrar/internal/outbox"
	"registrar/internal/password"
	"registrar/internal/queue"
	"registrar/internal/queue/embedded"
	"registrar/internal/registration"
	"registrar/internal/shadow"
	"registrar/internal/store"
	"registrar/internal/telemetry"
	"registrar/internal/verification"
)

// openTimeout bounds the wait for the database at the start.
const openTimeout = 15 * time.Second

// parts are all that `serve` runs, opened and tied together.
type parts struct {
	log       *slog.Logger
	metrics   *telemetry.Metrics
	health    *telemetry.Health
	instance  *instance
	db        *store.DB
	hashes    *password.Pool
	broker    *embedded.Broker // nil with Kafka
	queue     *queue.Client
	losses    *outbox.Losses
	relay     *outbox.Relay
	lanes     map[lane.Lane]laneWork
	senders   []notify.Sender
	providers map[string]*gate.Provider // by channel and name: what their lanes share
	bounces   *bounces
	receipts  *delivery.Receipts // nil where no provider sends any
	codes     *verification.Keys
	decoys    *password.Decoys
	service   *registration.Service
	links     *campaign.Links
	outbox    depth

	events       *outbox.Events // nil where none are published
	eventFigures eventFigures
	auditFigures auditFigures
}

// open opens everything, or nothing.
func open(ctx context.Context, c config.Config, log *slog.Logger) (p *parts, err error) {
	p = &parts{log: log, metrics: telemetry.NewMetrics(version)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
			p = nil
		}
	}()
	if err = p.openApplication(ctx, c); err != nil {
		return p, err
	}
	if err = p.openNotifiers(c); err != nil { //nolint:contextcheck // providers are connected to when there is something to send
		return p, err
	}
	return p, nil
}

// openApplication opens what an application server has.
func (p *parts) openApplication(ctx context.Context, c config.Config) (err error) {
	if p.instance, err = openInstance(c.DataDir); err != nil {
		return err
	}
	if p.db, err = openDatabase(ctx, c, p.log); err != nil {
		return err
	}
	if err = p.openQueue(c); err != nil {
		return err
	}
	if p.bounces, err = openBounces(ctx, c, p.db, p.metrics, p.log); err != nil {
		return err
	}
	p.openRelay(c)
	p.openEvents(c)
	p.watchAudit()
	return p.openService(c)
}

// startUpkeep starts what has to run before anything is taken.
func (p *parts) startUpkeep(ctx context.Context, s *stages) {
	s.start(ctx, p.losses.Run)
	s.start(ctx, p.ensureTopics)
	p.bounces.start(ctx, s)
	s.start(ctx, func(ctx context.Context) error { return forgetReceipts(ctx, p.db, p.log) })
}

// startApplication starts what works on behind the registrations.
func (p *parts) startApplication(ctx context.Context, c config.Config, s *stages) {
	s.start(ctx, p.relay.Run)
	s.start(ctx, p.feeder(c).Run)
	s.start(ctx, p.sealer(c).Run)
	if p.events != nil {
		s.start(ctx, p.events.Run)
	}
	if c.KeepsEvents() {
		s.start(ctx, func(ctx context.Context) error { return feed.Sweep(ctx, p.db.Feed(), c.Events.Keep, p.log) })
	}
	s.start(ctx, func(ctx context.Context) error { return caller.Sweep(ctx, p.db.Nonces(), p.log) })
	s.start(ctx, func(ctx context.Context) error { return verification.Sweep(ctx, p.db.CodeQuotas(), p.log) })
	p.startLogins(ctx, s)
	s.start(ctx, func(ctx context.Context) error { return shadow.Sweep(ctx, p.db.Shadow(), p.log) })
}

// callers is what the gateway asks the database for.
type callers struct {
	caller.Source
	caller.Spender
	caller.Usage
}

func (p *parts) callers() callers { return callers{p.db.Callers(), p.db.Nonces(), p.db.Usage()} }

// backend is the application in this process.
func (p *parts) backend() backend {
	c := p.callers()
	return backend{registrar: p.service, callers: c, nonces: c, usage: c, consents: p.db.Consents()}
}

// Close closes what was opened, in the opposite order.
func (p *parts) Close() error {
	var failed []error
	for _, s := range p.senders {
		failed = append(failed, s.Close())
	}
	failed = append(failed, p.bounces.Close())
	if p.hashes != nil {
		p.hashes.Close()
	}
	if p.queue != nil {
		failed = append(failed, p.queue.Close())
	}
	if p.broker != nil {
		failed = append(failed, p.broker.Close())
	}
	if p.db != nil {
		failed = append(failed, p.db.Close())
	}
	if p.instance != nil {
		failed = append(failed, p.instance.Close())
	}
	return errors.Join(failed...)
}

// openDatabase opens the database and prepares its schema.
func openDatabase(ctx context.Context, c config.Config, log *slog.Logger) (*store.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	o, err := storeOptions(c)
	if err != nil {
		return nil, err
	}
	o.WriterMoved = func(from, to string) { log.Warn("another node of the database is written to", "from", from, "to", to) }
	db, err := store.Open(ctx, o)
	if errors.Is(err, registration.ErrUnavailable) {
		return nil, unreached(err)
	}
	if err != nil {
		return nil, fmt.Errorf("the database cannot be opened: %w; see the section database of registrar config show", err)
	}
	if err := prepareSchema(ctx, c, log); err != nil {
		return nil, errors.Join(unreached(err), db.Close())
	}
	return db, nil
}

func (p *parts) openQueue(c config.Config) (err error) {
	settings := queue.Settings{Brokers: c.Kafka.Brokers, Replication: c.Kafka.Replication, Events: c.PublishesEvents()}
	if len(c.Kafka.Brokers) == 0 {
		p.broker, err = embedded.Start(embedded.Options{Dir: queueDir(c), Log: p.log})
		if err != nil {
			return err
		}
		settings = p.broker.Settings()
	}
	p.losses = outbox.NewLosses(p.db.Outbox(), time.Now, p.log)
	p.queue, err = queue.Open(settings, p.log, queue.Observer{Poisoned: p.metrics.Poison, Lost: p.losses.Tell})
	return err
}

// ensureTopics makes the topics, as long as it takes until a broker is there.
func (p *parts) ensureTopics(ctx context.Context) error {
	if err := p.queue.EnsureTopics(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// leaseTTL is how long the relay of a server that died keeps the others from
// taking over. SQLite has no others: a long one spares an idle system the writes
// that renew it.
func leaseTTL(c config.Config) time.Duration {
	if c.Database.Driver == config.SQLite {
		return time.Minute
	}
	return 5 * time.Second
}

func (p *parts) openRelay(c config.Config) {
	p.relay = outbox.New(outbox.Settings{Owner: p.instance.name, LeaseTTL: leaseTTL(c), Pace: sharing, MarkDelay: 3 * sharing}, p.db.Outbox(), p.db.Leases(), p.queue.Publisher(), time.Now, p.log, outbox.Observer{
		Published: func(n int) { p.metrics.Published(n, true) },
		Failed:    func(n int) { p.metrics.Published(n, false) },
		Depth:     p.outbox.set,
	})
}

func (p *parts) openService(c config.Config) error {
	algorithm := hashing(c)
	rules, err := rules(c, algorithm)
	if err != nil {
		return err
	}
	if p.codes, err = codeKeys(c); err != nil {
		return err
	}
	p.hashes = password.NewPool(algorithm, c.Password.Concurrency, c.Password.Queue)
	p.service = &registration.Service{
		Rules:            rules,
		Store:            p.db.Accounts(),
		Hasher:           p.hashes,
		Announcer:        p.relay,
		Codes:            p.codes,
		CodeRules:        codeRules(c.Codes),
		NewID:            newID,
		Now:              time.Now,
		NotificationLife: c.Registration.NotificationLife,
		RecordEvents:     c.RecordsEvents(),
		Shadow:           shadow.Recorder{Store: p.db.Shadow(), Compared: p.metrics.Shadow, Log: p.log},
		Unrecorded:       p.unrecorded,
		CorrelationID:    telemetry.CorrelationID,
	}
	return p.openLogins(c, algorithm)
}

// hashing is how new passwords are hashed.
func hashing(c config.Config) password.Algorithm {
	if c.Password.Algorithm == "bcrypt" {
		return password.Bcrypt{Cost: c.Password.BcryptCost}
	}
	return password.Argon2id{MemoryKiB: uint32(c.Password.Argon2MemoryKiB), Passes: uint32(c.Password.Argon2Passes)}
}

// rules are the domain's, also for a server that only reads requests.
func rules(c config.Config, algorithm password.Algorithm) (registration.Rules, error) {
	policy, err := password.NewPolicy(c.Password.MinLength, algorithm)
	if err != nil {
		return registration.Rules{}, err
	}
	return registration.Rules{
		DomainToASCII: address.DomainToASCII,
		ParseMobile:   address.Mobiles{Region: c.DefaultRegion}.Parse,
		CheckPassword: policy.Check,
		DefaultLocale: c.DefaultLocale,
	}, nil
}

func templateOptions(c config.Config) template.Options {
	return template.Options{Brand: c.Brand, DefaultLocale: c.DefaultLocale, Dir: c.TemplatesDir, CodeDomain: c.SMS.CodeDomain}
}

// prepareSchema applies what is missing of the schema, or says that it is missing.
func prepareSchema(ctx context.Context, c config.Config, log *slog.Logger) (err error) {
	o, err := storeOptions(c)
	if err != nil {
		return err
	}
	m, err := store.OpenMigrator(o) //nolint:contextcheck // what it starts ends by Close
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if !c.Database.Migrate {
		steps, err := m.Status(ctx)
		if slices.ContainsFunc(steps, func(s store.Migration) bool { return !s.Applied }) {
			err = errors.New("the database's schema is not up to date: run registrar migrate up, or registrar serve with database.migrate")
		}
		return err
	}
	steps, err := m.Up(ctx)
	for _, step := range steps {
		log.Info("schema changed", "step", step.Name)
	}
	return err
}
