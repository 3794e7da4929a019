package devstack

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// program is what parts have in common that are one program each: it ends and
// is started again, on the same host. The process of the last start may be asked
// while another start is under way.
type program struct {
	name  string // of the part, and of its log
	kind  string
	host  *Host
	dir   string        // it runs there, and its log is there
	grace time.Duration // of Stop

	process atomic.Pointer[Process] // nil before the first start
}

// start starts the program, which does not run, and waits for ready.
func (p *program) start(ctx context.Context, ready func(context.Context) error, argv ...string) error {
	if last := p.process.Load(); last != nil && !last.ended() {
		return fmt.Errorf("devstack: %s: still running", p.name)
	}
	process, err := p.host.Start(p.name, p.dir, argv...)
	if err != nil {
		return err
	}
	p.process.Store(process)
	if err := process.AwaitReady(ctx, ready); err != nil {
		process.Kill()
		return err
	}
	return nil
}

// about is About for who answers at address.
func (p *program) about(address, admin string) About {
	a := About{Name: p.name, Kind: p.kind, Address: address, Admin: admin}
	if process := p.process.Load(); process != nil {
		a.PID, a.Log = process.PID(), process.Log
	}
	return a
}

// PID is the process id of the last start.
func (p *program) PID() int { return p.process.Load().PID() }

// Kill implements Part. It does nothing to what was never started.
func (p *program) Kill() {
	if process := p.process.Load(); process != nil {
		process.Kill()
	}
}

// Stop implements Part. It does nothing to what was never started.
func (p *program) Stop() {
	if process := p.process.Load(); process != nil {
		process.Stop(p.grace)
	}
}

// Pause implements Part.
func (p *program) Pause() error { return p.process.Load().Pause() }

// Resume implements Part.
func (p *program) Resume() error { return p.process.Load().Resume() }

// Exited implements Part.
func (p *program) Exited() <-chan struct{} { return p.process.Load().Exited() }

// Partition implements Part.
func (p *program) Partition() error { return p.host.Partition() }

// Heal implements Part.
func (p *program) Heal() error { return p.host.Heal() }
