package devstack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// ipCommand is of iproute2, which hack/deps installs.
const ipCommand = "/usr/sbin/ip"

// Network is a bridge with hosts behind it, each in a network namespace of its
// own. This machine reaches them, and they it, at Gateway. It needs root.
type Network struct {
	Gateway string // this machine's address in the network

	name   string // of the bridge; begins the names of all that belongs to it
	prefix string // of the addresses
	hosts  []*Host
}

const (
	// networkPrefix begins the names of all networks of this package; the id of
	// the process that made one follows in hexadecimal, and an n. Names of
	// interfaces have 15 letters at most.
	networkPrefix = "rgs"
	// subnets are tried one after the other: 10.213.0.0/24 to 10.213.255.0/24
	// are private (RFC 1918).
	subnetFormat = "10.213.%d."
)

// networks are counted, for their names.
var networks atomic.Int32

// NewNetwork makes a network, and removes those whose process has died.
func NewNetwork() (*Network, error) {
	if err := removeStale(); err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("devstack: network: %w", err)
	}
	for _, a := range addresses {
		taken[a.String()] = true
	}
	for i := range 256 {
		n := &Network{name: fmt.Sprintf("%s%xn%d", networkPrefix, os.Getpid(), networks.Add(1)%10), prefix: fmt.Sprintf(subnetFormat, i)}
		n.Gateway = n.prefix + "1"
		if taken[n.Gateway+"/24"] {
			continue
		}
		if err := errors.Join(ip("link", "add", n.name, "type", "bridge"), ip("addr", "add", n.Gateway+"/24", "dev", n.name), ip("link", "set", n.name, "up")); err != nil {
			return nil, errors.Join(fmt.Errorf("%w; it needs root, and iproute2, which hack/deps installs", err), n.Close())
		}
		return n, nil
	}
	return nil, errors.New("devstack: network: every subnet is taken")
}

// Host adds a host to the network.
func (n *Network) Host() (*Host, error) {
	k := len(n.hosts) + 2
	if k > 250 {
		return nil, errors.New("devstack: network: no room for another host")
	}
	h := &Host{IP: n.prefix + strconv.Itoa(k), namespace: fmt.Sprintf("%s%d", n.name, k), outer: fmt.Sprintf("%s.%d", n.name, k)}
	inner := fmt.Sprintf("%s-%d", n.name, k)
	n.hosts = append(n.hosts, h)
	for _, args := range [][]string{
		{"netns", "add", h.namespace},
		{"link", "add", h.outer, "type", "veth", "peer", "name", inner},
		{"link", "set", inner, "netns", h.namespace},
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
	return h, nil
}

// Close removes the network. Its programs must have ended.
func (n *Network) Close() error {
	var failed []error
	for _, h := range n.hosts {
		failed = append(failed, ip("netns", "delete", h.namespace)) // its cable goes with it
	}
	n.hosts = nil
	return errors.Join(append(failed, ip("link", "delete", n.name))...)
}

// removeStale removes the networks of processes that are gone.
func removeStale() error {
	spaces, err := os.ReadDir("/run/netns")
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("devstack: network: %w", err)
	}
	for _, s := range spaces {
		if isStale(s.Name()) {
			_ = ip("netns", "delete", s.Name())
		}
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("devstack: network: %w", err)
	}
	for _, i := range interfaces {
		if isStale(i.Name) {
			_ = ip("link", "delete", i.Name)
		}
	}
	return nil
}

// isStale says whether a name is of a network whose process is gone.
func isStale(name string) bool {
	rest, ours := strings.CutPrefix(name, networkPrefix)
	of, _, _ := strings.Cut(rest, "n")
	pid, err := strconv.ParseInt(of, 16, 32)
	return ours && err == nil && errors.Is(syscall.Kill(int(pid), 0), syscall.ESRCH)
}

// ip runs iproute2's ip.
func ip(args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, ipCommand, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("devstack: ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
