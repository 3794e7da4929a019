package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Restart implements Part: it waits until the node takes writes. A node that has
// crashed says by its own log where it is, so that the others send what it has
// missed and not all that they have. One of several never makes a cluster of its
// own; where none of them runs, see Galera.Bootstrap.
func (m *MariaDB) Restart(ctx context.Context) error {
	if len(m.peers) == 0 {
		return m.start(ctx)
	}
	at, err := m.recoverPosition(ctx)
	if err != nil {
		return err
	}
	return m.start(ctx, at.flags()...)
}

// start runs the server and waits until it takes writes. One that gives up on
// its way into the cluster is started once more, from where it has come to.
func (m *MariaDB) start(ctx context.Context, flags ...string) error {
	for attempt := 1; ; attempt++ {
		err := m.startOnce(ctx, flags...)
		if !errors.Is(err, errGaveUp) || attempt == startAttempts {
			return err
		}
		at, err := m.recoverPosition(ctx)
		if err != nil {
			return err
		}
		flags = at.flags()
	}
}

const startAttempts = 3

var errGaveUp = errors.New("it has given up on its cluster")

func (m *MariaDB) startOnce(ctx context.Context, flags ...string) error {
	if err := m.mustBeDown(); err != nil {
		return err
	}
	p, err := m.host.Start(m.name, m.dir, slices.Concat([]string{mariadbServer, "--defaults-file=" + m.config}, asRoot(), flags)...)
	if err != nil {
		return err
	}
	m.process = p
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	err = p.AwaitReady(ctx, func(ctx context.Context) error {
		err := m.synced(ctx)
		if err != nil && m.GaveUp(ctx) {
			giveUp(errGaveUp)
		}
		return err
	})
	if err != nil {
		p.Kill()
		if cause := context.Cause(ctx); errors.Is(cause, errGaveUp) {
			err = fmt.Errorf("%w: %w", cause, err)
		}
		return err
	}
	return nil
}

// GaveUp says whether the node runs and will not come back into its cluster
// unless it is started again: it has left the group, since the others outvoted
// it or could not send it what it missed. A node without quorum has not.
func (m *MariaDB) GaveUp(ctx context.Context) bool {
	if m.mustBeDown() == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	connected, err := m.Status(ctx, "wsrep_connected")
	return err == nil && connected == "OFF"
}

// askTimeout is for a node to say where it stands.
const askTimeout = 2 * time.Second

func (m *MariaDB) mustBeDown() error {
	if m.process != nil && !m.process.ended() {
		return fmt.Errorf("devstack: %s: still running", m.name)
	}
	return nil
}

// synced says whether the node takes writes.
func (m *MariaDB) synced(ctx context.Context) error {
	state, err := m.Status(ctx, "wsrep_local_state_comment")
	if err == nil && state != "Synced" {
		err = fmt.Errorf("the node's state is %q", state)
	}
	return err
}

// position is how far a node has come in the history of a cluster.
type position struct {
	text  string // the cluster's UUID, a colon and seqno
	seqno int64  // -1 where it is not known
}

// flags tell a server that starts where it is.
func (p position) flags() []string {
	if p.seqno < 0 {
		return nil
	}
	return []string{"--wsrep_start_position=" + p.text}
}

var recoveredPosition = regexp.MustCompile(`WSREP: Recovered position: ([0-9a-f-]{36}:(-?\d+))`)

// recoverPosition lets the storage engine bring the data of a node that does not
// run in order, and say how far it is.
func (m *MariaDB) recoverPosition(ctx context.Context) (position, error) {
	if err := m.mustBeDown(); err != nil {
		return position{}, err
	}
	if _, err := os.Stat(filepath.Join(m.data(), "ibdata1")); errors.Is(err, fs.ErrNotExist) {
		return position{seqno: -1}, nil // its disk was lost
	}
	server := exec.CommandContext(ctx, mariadbServer, append([]string{"--defaults-file=" + m.config, "--wsrep-recover"}, asRoot()...)...) //nolint:gosec // our own arguments
	server.WaitDelay = time.Second
	out, err := server.CombinedOutput()
	if err != nil {
		return position{}, fmt.Errorf("devstack: %s: its position: %w\n%s", m.name, err, out)
	}
	found := recoveredPosition.FindSubmatch(out)
	if found == nil {
		return position{}, fmt.Errorf("devstack: %s: the server does not say its position\n%s", m.name, out)
	}
	seqno, err := strconv.ParseInt(string(found[2]), 10, 64)
	if err != nil {
		return position{}, fmt.Errorf("devstack: %s: its position: %w", m.name, err)
	}
	return position{text: string(found[1]), seqno: seqno}, nil
}
