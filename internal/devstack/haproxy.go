package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"registrar/deploy/haproxy"
)

// haproxyCommand is of haproxy, which hack/deps installs.
const haproxyCommand = "/usr/sbin/haproxy"

// HAProxy is a balancer that runs deploy/haproxy/haproxy.cfg, a Part. It is well
// without a web server too.
type HAProxy struct {
	program
	address string
	stats   string
	argv    []string
}

// HAProxyOptions say what a balancer is to be.
type HAProxyOptions struct {
	Name    string // "" is balancer
	Dir     string // of its own; made when it is missing
	Host    *Host  // nil is loopback
	Address string // where callers come; "" for a free one
	Stats   string // the operators' pages; "" for a free one
	Mode    string // "" is the file's own; http or tcp
	// Certificate is a file with chain and key in PEM form, by which the balancer
	// speaks TLS with callers; "" for none.
	Certificate string
	Webs        []Upstream
}

// Upstream is a web server.
type Upstream struct {
	Name    string
	Address string // where it takes callers
	Admin   string // where it answers /readyz
}

const (
	// haproxyStart is for the first check of each web server.
	haproxyStart = 20 * time.Second
	// haproxyReload is for a new worker to come. A master that has just started may
	// not hear what it is told.
	haproxyReload = 3 * time.Second
	// haproxyStop is for calls in progress; connections that callers keep may stay
	// for longer.
	haproxyStop = 10 * time.Second
)

// StartHAProxy starts a balancer and waits until it has looked at each web
// server once, whatever it saw.
func StartHAProxy(ctx context.Context, o HAProxyOptions) (*HAProxy, error) {
	host := cmp.Or(o.Host, Loopback())
	b := &HAProxy{program: program{name: cmp.Or(o.Name, "balancer"), kind: KindBalancer, host: host, dir: o.Dir, grace: haproxyStop}, address: o.Address, stats: o.Stats}
	if err := b.prepare(o); err != nil {
		return nil, fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	return b, b.Restart(ctx)
}

func (b *HAProxy) prepare(o HAProxyOptions) (err error) {
	if b.dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(haproxyCommand); err != nil {
		return fmt.Errorf("%w (hack/deps installs it)", err)
	}
	for _, a := range []*string{&b.address, &b.stats} {
		if *a == "" {
			if *a, err = b.host.Address(); err != nil {
				return err
			}
		}
	}
	settings := []string{
		"REGISTRAR_LISTEN=" + b.address,
		"REGISTRAR_STATS=" + b.stats,
		"REGISTRAR_SOCKET=unix@socket", // in its directory, where it runs: paths of sockets are short
		"REGISTRAR_MAXCONN=2000",
		"REGISTRAR_UNPRIVILEGED=yes",
	}
	if o.Mode != "" {
		settings = append(settings, "REGISTRAR_MODE="+o.Mode)
	}
	if o.Certificate != "" {
		settings = append(settings, "REGISTRAR_CERTIFICATE="+o.Certificate)
	}
	b.argv = append(append([]string{"/usr/bin/env"}, settings...), haproxyCommand, "-W", "-f", "haproxy.cfg", "-f", "webs.cfg")
	if err := os.WriteFile(filepath.Join(b.dir, "haproxy.cfg"), haproxy.Configuration, 0o600); err != nil {
		return err
	}
	return b.write(o.Webs)
}

// write writes the list of web servers.
func (b *HAProxy) write(webs []Upstream) error {
	var list strings.Builder
	list.WriteString("backend webs from registrar\n")
	for _, w := range webs {
		host, port, err := net.SplitHostPort(w.Admin)
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "    server %s %s addr %s port %s\n", w.Name, w.Address, host, port)
	}
	return os.WriteFile(filepath.Join(b.dir, "webs.cfg"), []byte(list.String()), 0o600)
}

// About implements Part. Admin has the operators' pages.
func (b *HAProxy) About() About { return b.about(b.address, b.stats) }

// Restart implements Part.
func (b *HAProxy) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, haproxyStart)
	defer cancel()
	return b.start(ctx, b.ready, b.argv...)
}

// Reload has it read a new list of web servers, and waits until it works with
// it. Calls in progress are brought to their end by the worker of before.
func (b *HAProxy) Reload(ctx context.Context, webs []Upstream) error {
	if err := b.write(webs); err != nil {
		return fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	before, err := b.worker(ctx)
	if err != nil {
		return fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, haproxyStart)
	defer cancel()
	var told time.Time
	return b.process.Load().AwaitReady(ctx, func(ctx context.Context) error {
		now, err := b.worker(ctx)
		if err == nil && now != before {
			return b.ready(ctx)
		}
		if time.Since(told) > haproxyReload {
			told = time.Now()
			err = errors.Join(err, syscall.Kill(b.PID(), syscall.SIGUSR2))
		}
		return errors.Join(errors.New("the worker of before still answers"), err)
	})
}

// Stop implements Part: no new connections, calls in progress are brought to
// their end.
func (b *HAProxy) Stop() {
	if process := b.process.Load(); process != nil {
		process.end(syscall.SIGUSR1, b.grace)
	}
}

// ready says whether each web server was looked at.
func (b *HAProxy) ready(ctx context.Context) error {
	webs, err := b.Webs(ctx)
	if err != nil {
		return err
	}
	for _, w := range webs {
		if w.Check == "INI" {
			return fmt.Errorf("%s was not looked at yet", w.Name)
		}
	}
	return nil
}
