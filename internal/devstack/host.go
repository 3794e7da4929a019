package devstack

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Host is where a part runs: this machine's loopback, or a network namespace
// with an address of its own, which can be cut off from the others.
type Host struct {
	IP string

	namespace string // "" for this machine's own
	outer     string // the end of the namespace's cable that is outside of it

	mu   sync.Mutex
	next int // the port that is given out next in the namespace
}

// errLoopback: a part on loopback has no cable that could be cut.
var errLoopback = errors.New("devstack: only a part in a network namespace can be cut off; see NewNetwork")

// firstPort of those that are given out in a namespace, below the ports of
// outgoing connections.
const firstPort = 20001

// Loopback is this machine's loopback. Parts on it cannot be cut off.
func Loopback() *Host { return &Host{IP: "127.0.0.1"} }

// Address is a host:port that nobody listens on.
func (h *Host) Address() (string, error) {
	port, err := h.Port()
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(h.IP, strconv.Itoa(port)), nil
}

// Port is a TCP port that nobody listens on.
func (h *Host) Port() (int, error) {
	if h.namespace == "" {
		return FreePort()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == 0 {
		h.next = firstPort
	}
	h.next++
	return h.next - 1, nil
}

// Start is StartProcess on the host.
func (h *Host) Start(name, dir string, argv ...string) (*Process, error) {
	if h.namespace == "" {
		return StartProcess(name, dir, argv...)
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, fmt.Errorf("devstack: %s: %w (hack/deps installs it)", name, err)
	}
	return StartProcess(name, dir, append([]string{ipCommand, "netns", "exec", h.namespace}, argv...)...) // it becomes the program: one process
}

// Partition cuts the host off from all others, without a word to anybody:
// packets are lost. Heal ends it.
func (h *Host) Partition() error { return h.link("down") }

// Heal ends a Partition. Packets pass when it returns.
func (h *Host) Heal() error {
	if err := h.link("up"); err != nil {
		return err
	}
	return h.awaitForwarding()
}

const (
	// forwarding is a bridge port's state in which packets pass (BR_STATE_FORWARDING).
	forwarding = "3"
	// forwardingTimeout is for a cable that was plugged in to be noticed, which
	// takes up to a second.
	forwardingTimeout = 10 * time.Second
)

// awaitForwarding waits until the bridge passes on what comes by the host's cable.
func (h *Host) awaitForwarding() error {
	for deadline := time.Now().Add(forwardingTimeout); ; time.Sleep(5 * time.Millisecond) {
		state, err := os.ReadFile("/sys/class/net/" + h.outer + "/brport/state")
		if err == nil && strings.TrimSpace(string(state)) == forwarding {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("devstack: network: nothing passes %s", h.outer), err)
		}
	}
}

func (h *Host) link(state string) error {
	if h.namespace == "" {
		return errLoopback
	}
	return ip("link", "set", h.outer, state)
}
