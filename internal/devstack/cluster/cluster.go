// Package cluster starts the whole system on this machine, each tier in
// processes of its own: a Galera cluster, Kafka brokers, a balancer, web
// servers, application servers, notifiers, and sinks of mail and SMS that keep
// what people would get. It is for development, fault tests and benchmarks.
//
// To be relied on: addresses stay the same however often a part is killed and
// started again; nothing outlives the process that started it.
package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"registrar/internal/devstack"
)

// Options say what is started. Zero numbers are those of Defaults.
type Options struct {
	Dir    string // everything is in it; made when it is missing
	Binary string // of the program
	// Network gives each part a network namespace of its own, so that it can be
	// cut off. It needs root. Otherwise all are on loopback.
	Network bool
	// Listen is where the balancer takes callers, "" for a free port. With
	// Network it is on the balancer's own address.
	Listen string

	Databases, Brokers, Balancers, Webs, Apps, Notifiers int

	// Settings are further lines of the configuration that all processes share.
	Settings string
	// Started, if not nil, is told of each part as soon as it can be used.
	Started func(devstack.About)
}

// withDefaults is what `make cluster` runs where nothing else is asked for.
func (o Options) withDefaults() Options {
	for n, otherwise := range map[*int]int{&o.Databases: 3, &o.Brokers: 3, &o.Balancers: 1, &o.Webs: 2, &o.Apps: 3, &o.Notifiers: 2} {
		if *n == 0 {
			*n = otherwise
		}
	}
	return o
}

// Cluster is the running system.
type Cluster struct {
	Galera    *devstack.Galera
	Kafka     *devstack.Kafka
	Mail      *devstack.SMTP
	SMSC      *devstack.SMSC
	Balancers []*devstack.HAProxy
	Webs      []*devstack.Registrar
	Apps      []*devstack.Registrar
	Notifiers []*devstack.Registrar

	options Options
	network *devstack.Network
	config  string
	mu      sync.Mutex
	parts   []devstack.Part // in the order in which they were started
}

// Start starts everything, or nothing. It takes half a minute.
func Start(ctx context.Context, o Options) (started *Cluster, err error) {
	c := &Cluster{options: o.withDefaults()}
	if c.options.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	defer func() {
		if err != nil {
			started, err = nil, errors.Join(err, c.Stop())
		}
	}()
	if err := os.MkdirAll(c.options.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	if o.Network {
		if c.network, err = devstack.NewNetwork(); err != nil {
			return nil, err
		}
	}
	if err := c.startSurroundings(ctx); err != nil {
		return nil, err
	}
	if err := c.startPrograms(ctx); err != nil {
		return nil, err
	}
	return c, c.startBalancers(ctx)
}

// host is where the next part runs.
func (c *Cluster) host() (*devstack.Host, error) {
	if c.network == nil {
		return devstack.Loopback(), nil
	}
	return c.network.Host()
}

func (c *Cluster) hosts(n int) (hosts []*devstack.Host, err error) {
	for range n {
		h, err := c.host()
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func (c *Cluster) dir(name string) string { return filepath.Join(c.options.Dir, name) }

// add takes a part into the system.
func (c *Cluster) add(p devstack.Part) {
	c.mu.Lock()
	c.parts = append(c.parts, p)
	c.mu.Unlock()
	if c.options.Started != nil {
		c.options.Started(p.About())
	}
}

// startSurroundings starts what the programs work with, beside each other.
func (c *Cluster) startSurroundings(ctx context.Context) error {
	databases, err := c.hosts(c.options.Databases)
	if err != nil {
		return err
	}
	brokers, err := c.hosts(c.options.Brokers)
	if err != nil {
		return err
	}
	sinks, err := c.hosts(2)
	if err != nil {
		return err
	}
	return each(
		func() (err error) {
			if c.Galera, err = devstack.StartGalera(ctx, c.dir("database"), databases); err != nil {
				return err
			}
			for _, n := range c.Galera.Nodes {
				c.add(n)
			}
			return c.Galera.CreateDatabase(ctx, databaseName)
		},
		func() (err error) {
			if c.Kafka, err = devstack.StartKafkaOn(ctx, c.dir("broker"), brokers); err != nil {
				return err
			}
			for _, n := range c.Kafka.Nodes {
				c.add(n)
			}
			return nil
		},
		func() (err error) {
			if c.Mail, err = devstack.StartSMTP(ctx, c.dir("mail"), devstack.SMTPOptions{Host: sinks[0]}); err != nil {
				return err
			}
			c.add(c.Mail)
			if c.SMSC, err = devstack.StartSMSC(ctx, c.dir("smsc"), devstack.SMSCOptions{Host: sinks[1]}); err != nil {
				return err
			}
			c.add(c.SMSC)
			return nil
		},
	)
}

// startPrograms starts the tiers: application servers first, of which the first
// one makes the schema.
func (c *Cluster) startPrograms(ctx context.Context) error {
	if err := c.prepare(); err != nil {
		return err
	}
	if err := c.start(ctx, c.Apps[0]); err != nil {
		return err
	}
	var starts []func() error
	for _, r := range slices.Concat(c.Apps[1:], c.Webs, c.Notifiers) {
		starts = append(starts, func() error { return c.start(ctx, r) })
	}
	return each(starts...)
}

func (c *Cluster) start(ctx context.Context, r *devstack.Registrar) error {
	if err := r.Restart(ctx); err != nil {
		return err
	}
	c.add(r)
	return nil
}

// prepare gives every process its address, and then writes the configuration
// in which the application servers' are.
func (c *Cluster) prepare() error {
	c.config = c.dir("registrar.yaml")
	for _, group := range []struct {
		kind string
		n    int
		into *[]*devstack.Registrar
	}{{devstack.KindApp, c.options.Apps, &c.Apps}, {devstack.KindWeb, c.options.Webs, &c.Webs}, {devstack.KindNotify, c.options.Notifiers, &c.Notifiers}} {
		for i := range group.n {
			host, err := c.host()
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%s%d", group.kind, i+1)
			r, err := devstack.NewRegistrar(devstack.RegistrarOptions{
				Binary: c.options.Binary, Kind: group.kind, Name: name, Host: host, Dir: c.dir(name), Config: c.config,
			})
			if err != nil {
				return err
			}
			*group.into = append(*group.into, r)
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	for name, text := range map[string]string{"codes.key": base64.StdEncoding.EncodeToString(key), "database.password": c.Galera.Nodes[0].Password} {
		if err := os.WriteFile(c.dir(name), []byte(text+"\n"), 0o600); err != nil {
			return fmt.Errorf("cluster: %w", err)
		}
	}
	if err := os.WriteFile(c.config, []byte(c.configuration()), 0o600); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	return nil
}

func (c *Cluster) startBalancers(ctx context.Context) error {
	var webs []devstack.Upstream
	for _, w := range c.Webs {
		a := w.About()
		webs = append(webs, devstack.Upstream{Name: a.Name, Address: a.Address, Admin: a.Admin})
	}
	for i := range c.options.Balancers {
		host, err := c.host()
		if err != nil {
			return err
		}
		name := fmt.Sprintf("balancer%d", i+1)
		o := devstack.HAProxyOptions{Name: name, Dir: c.dir(name), Host: host, Webs: webs}
		if i == 0 && c.network == nil {
			o.Address = c.options.Listen
		}
		b, err := devstack.StartHAProxy(ctx, o)
		if err != nil {
			return err
		}
		c.Balancers = append(c.Balancers, b)
		c.add(b)
	}
	return nil
}

// URL is where callers reach the service, by the first balancer.
func (c *Cluster) URL() string { return "http://" + c.Balancers[0].About().Address + "/registration" }

// Parts are all parts, in the order in which they were started.
func (c *Cluster) Parts() []devstack.Part {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.parts)
}

// Stop ends everything, callers' side first, and removes the network.
func (c *Cluster) Stop() error {
	for _, p := range slices.Backward(c.Parts()) {
		_ = p.Heal() // what is cut off could not say goodbye
		_ = p.Resume()
		p.Stop()
	}
	if c.network != nil {
		return c.network.Close()
	}
	return nil
}

// each runs all at once and waits for the last.
func each(runs ...func() error) error {
	failed := make([]error, len(runs))
	var all sync.WaitGroup
	for i, run := range runs {
		all.Go(func() { failed[i] = run() })
	}
	all.Wait()
	return errors.Join(failed...)
}
