package devstack

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// ipCommand is of iproute2, which hack/deps installs.
const ipCommand = "/usr/sbin/ip"

// Network is a bridge with hosts behind it, each in a network namespace of its
// own. This machine reaches them, and they it, at Gateway. It needs root, and
// nothing that filters what goes over bridges.
//
// What a process leaves behind that was killed, the next NewNetwork of any
// process removes.
type Network struct {
	Gateway string // this machine's address in the network

	name   string // of the bridge; begins the names of all that belongs to it
	prefix string // of the addresses
	hosts  []*Host
}

const (
	// networkPrefix begins the names of all networks of this package; the id of
	// the process that made one follows in hexadecimal, an n and a digit. Names of
	// interfaces have 15 letters at most, and a host's adds four.
	networkPrefix = "rgs"
	// subnetFormat: 10.213.0.0/24 to 10.213.255.0/24 are private (RFC 1918), and
	// are tried one after the other.
	subnetFormat = "10.213.%d."
	// hostsLimit and networksLimit, the latter of one process, keep names that short.
	hostsLimit    = 240
	networksLimit = 10
	// networkLock is held by the one that makes or removes networks: two that look
	// for a free subnet at once would find the same.
	networkLock = "/run/lock/registrar-network"
)

// networks are those of this process, by name.
var networks = struct {
	sync.Mutex
	open map[string]bool
}{open: map[string]bool{}}

// NewNetwork makes a network. Close it once its programs have ended.
func NewNetwork() (*Network, error) {
	unlock, err := lockNetworks()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := removeStale(); err != nil {
		return nil, err
	}
	n, err := freeNetwork()
	if err != nil {
		return nil, err
	}
	networks.open[n.name] = true
	for _, args := range [][]string{
		{"link", "add", n.name, "type", "bridge"},
		{"addr", "add", n.Gateway + "/24", "dev", n.name},
		{"link", "set", n.name, "up"},
	} {
		if err := ip(args...); err != nil {
			return nil, errors.Join(fmt.Errorf("%w; it needs root, and iproute2, which hack/deps installs", err), n.remove())
		}
	}
	return n, nil
}

// lockNetworks waits for its turn among all processes of this machine, and in
// this one.
func lockNetworks() (unlock func(), err error) {
	file, err := os.OpenFile(networkLock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("devstack: network: %w; it needs root", err)
	}
	networks.Lock()
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		networks.Unlock()
		return nil, errors.Join(fmt.Errorf("devstack: network: lock: %w", err), file.Close())
	}
	return func() {
		networks.Unlock()
		_ = file.Close() // and the lock is open
	}, nil
}

// freeNetwork finds a name and a subnet that nobody has.
func freeNetwork() (*Network, error) {
	name := ""
	for i := range networksLimit {
		if one := fmt.Sprintf("%s%xn%d", networkPrefix, os.Getpid(), i); !networks.open[one] {
			name = one
			break
		}
	}
	if name == "" {
		return nil, fmt.Errorf("devstack: network: this process has %d of them, which is the limit", networksLimit)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("devstack: network: %w", err)
	}
	for i := range 256 {
		n := &Network{name: name, prefix: fmt.Sprintf(subnetFormat, i)}
		n.Gateway = n.prefix + "1"
		if subnet, err := netip.ParsePrefix(n.prefix + "0/24"); err == nil && !isTaken(subnet, addresses) {
			return n, nil
		}
	}
	return nil, errors.New("devstack: network: every subnet is taken")
}

// isTaken says whether this machine has an address in the subnet.
func isTaken(subnet netip.Prefix, addresses []net.Addr) bool {
	for _, a := range addresses {
		if own, err := netip.ParsePrefix(a.String()); err == nil && subnet.Contains(own.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// Host adds a host to the network.
func (n *Network) Host() (*Host, error) {
	k := len(n.hosts) + 2
	if len(n.hosts) == hostsLimit {
		return nil, fmt.Errorf("devstack: network: it has %d hosts, which is the limit", hostsLimit)
	}
	h := &Host{IP: n.prefix + strconv.Itoa(k), namespace: fmt.Sprintf("%s.%d", n.name, k), outer: fmt.Sprintf("%s.%d", n.name, k)}
	inner := fmt.Sprintf("%s-%d", n.name, k)
	n.hosts = append(n.hosts, h)
	for _, args := range [][]string{
		{"netns", "add", h.namespace},
		{"link", "add", h.outer, "type", "veth", "peer", "name", inner, "netns", h.namespace},
		{"link", "set", h.outer, "master", n.name, "up"},
		{"-n", h.namespace, "link", "set", "lo", "up"},
		{"-n", h.namespace, "addr", "add", h.IP + "/24", "dev", inner},
		{"-n", h.namespace, "link", "set", inner, "up"},
		{"-n", h.namespace, "route", "add", "default", "via", n.Gateway},
	} {
		if err := ip(args...); err != nil {
			return nil, err
		}
	}
	if err := h.awaitForwarding(); err != nil {
		return nil, err
	}
	return h, nil
}

// Close removes the network. Its programs must have ended.
func (n *Network) Close() error {
	unlock, err := lockNetworks()
	if err != nil {
		return err
	}
	defer unlock()
	return n.remove()
}

// remove is Close under the lock.
func (n *Network) remove() error {
	delete(networks.open, n.name)
	return removeNetworks(func(name string) bool {
		of, _, _ := strings.Cut(name, ".")
		return of == n.name
	})
}

// removeStale removes the networks of processes that are gone, one that had
// this process's id among them.
func removeStale() error {
	return removeNetworks(func(name string) bool {
		of, _, _ := strings.Cut(name, ".")
		id, _, _ := strings.Cut(strings.TrimPrefix(of, networkPrefix), "n")
		pid, err := strconv.ParseInt(id, 16, 32)
		switch {
		case !strings.HasPrefix(name, networkPrefix) || err != nil:
			return false
		case int(pid) == os.Getpid():
			return !networks.open[of]
		default:
			return errors.Is(syscall.Kill(int(pid), 0), syscall.ESRCH)
		}
	})
}

// removeNetworks removes the interfaces and namespaces whose names are chosen.
// Interfaces go first, and are gone at once; those in a namespace go with it some
// time after its name.
func removeNetworks(chosen func(name string) bool) error {
	var failed []error
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("devstack: network: %w", err)
	}
	for _, i := range interfaces {
		if !chosen(i.Name) {
			continue
		}
		err := ip("link", "delete", i.Name)
		if _, gone := net.InterfaceByName(i.Name); gone == nil { // else it went with a namespace meanwhile
			failed = append(failed, err)
		}
	}
	spaces, err := os.ReadDir("/run/netns")
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("devstack: network: %w", err)
	}
	for _, s := range spaces {
		if chosen(s.Name()) {
			failed = append(failed, ip("netns", "delete", s.Name()))
		}
	}
	return errors.Join(failed...)
}

// ip runs iproute2's ip.
func ip(args ...string) error {
	command := exec.Command(ipCommand, args...) //nolint:gosec,noctx // our own arguments; it takes no time, also where everything else is being given up
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("devstack: ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
