package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// Registrar is a process of the program itself: web, app or notify.
type Registrar struct {
	kind    string
	name    string
	host    *Host
	dir     string
	address string
	admin   string
	argv    []string
	process atomic.Pointer[Process]
}

// RegistrarOptions say what a process of the program is to be.
type RegistrarOptions struct {
	Binary string
	Kind   string // KindWeb, KindApp or KindNotify
	Name   string
	Host   *Host
	Dir    string // of its own; made when it is missing
	Config string // the file that all processes share
	// Address is where it answers web servers or callers, "" for a free one.
	// Notifiers answer nobody.
	Address string
	Admin   string // "" for a free one
}

const (
	// registrarStart is for a process to become ready: the first one of a system
	// makes the schema.
	registrarStart = time.Minute
	// registrarStop is for what is in progress.
	registrarStop = 30 * time.Second
)

// NewRegistrar prepares a process, to be started by Restart.
func NewRegistrar(o RegistrarOptions) (r *Registrar, err error) {
	r = &Registrar{kind: o.Kind, name: o.Name, host: o.Host, dir: o.Dir, address: o.Address, admin: o.Admin}
	for _, a := range []*string{&r.address, &r.admin} {
		if *a == "" {
			if *a, err = o.Host.Address(); err != nil {
				return nil, fmt.Errorf("devstack: %s: %w", o.Name, err)
			}
		}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("devstack: %s: %w", o.Name, err)
	}
	r.argv = []string{o.Binary, o.Kind, "--config", o.Config, "--admin-listen", r.admin}
	switch o.Kind {
	case KindWeb:
		r.argv = append(r.argv, "--listen", r.address)
	case KindApp:
		r.argv = append(r.argv, "--tier-listen", r.address, "--data-dir", filepath.Join(o.Dir, "data"))
	case KindNotify:
		r.address = r.admin
		r.argv = append(r.argv, "--data-dir", filepath.Join(o.Dir, "data"))
	default:
		return nil, fmt.Errorf("devstack: %s: the program has no command %s", o.Name, o.Kind)
	}
	return r, nil
}

// Address is where it answers.
func (r *Registrar) Address() string { return r.address }

// About implements Part.
func (r *Registrar) About() About {
	return About{Name: r.name, Kind: r.kind, PID: r.process.Load().PID(), Address: r.address, Admin: r.admin, Log: r.process.Load().Log}
}

// Restart implements Part.
func (r *Registrar) Restart(ctx context.Context) error {
	if p := r.process.Load(); p != nil && !p.ended() {
		return fmt.Errorf("devstack: %s: still running", r.name)
	}
	p, err := r.host.Start(r.name, r.dir, r.argv...)
	if err != nil {
		return err
	}
	r.process.Store(p)
	ctx, cancel := context.WithTimeout(ctx, registrarStart)
	defer cancel()
	if err := p.AwaitReady(ctx, r.ready); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// ready asks /readyz.
func (r *Registrar) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.admin+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("/readyz answers " + resp.Status)
	}
	return nil
}

// Kill implements Part.
func (r *Registrar) Kill() { r.process.Load().Kill() }

// Stop implements Part.
func (r *Registrar) Stop() { r.process.Load().Stop(registrarStop) }

// Pause implements Part.
func (r *Registrar) Pause() error { return r.process.Load().Pause() }

// Resume implements Part.
func (r *Registrar) Resume() error { return r.process.Load().Resume() }

// Exited implements Part.
func (r *Registrar) Exited() <-chan struct{} { return r.process.Load().Exited() }

// Partition implements Part.
func (r *Registrar) Partition() error { return r.host.Partition() }

// Heal implements Part.
func (r *Registrar) Heal() error { return r.host.Heal() }
