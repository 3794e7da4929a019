package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Registrar is a process of the program itself: web, app or notify.
type Registrar struct {
	program
	address string
	admin   string
	argv    []string
}

// RegistrarOptions say what a process of the program is to be.
type RegistrarOptions struct {
	Binary string
	Kind   string // KindWeb, KindApp or KindNotify
	Name   string
	Host   *Host  // nil is loopback
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
	host := cmp.Or(o.Host, Loopback())
	for _, path := range []*string{&o.Binary, &o.Config, &o.Dir} { // it runs in Dir
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, fmt.Errorf("devstack: %s: %w", o.Name, err)
		}
	}
	r = &Registrar{program: program{name: o.Name, kind: o.Kind, host: host, dir: o.Dir, grace: registrarStop}, address: o.Address, admin: o.Admin}
	for _, a := range []*string{&r.address, &r.admin} {
		if *a == "" {
			if *a, err = host.Address(); err != nil {
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
func (r *Registrar) About() About { return r.about(r.address, r.admin) }

// Restart implements Part.
func (r *Registrar) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registrarStart)
	defer cancel()
	return r.start(ctx, r.ready, r.argv...)
}

// ready asks /readyz.
func (r *Registrar) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.admin+"/readyz", nil)
	if err != nil {
		return err
	}
	req.Close = true
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
