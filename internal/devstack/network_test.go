package devstack_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// serveOn starts a mail server on a host.
func serveOn(t *testing.T, h *devstack.Host, dir string) (address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := devstack.StartSMTP(ctx, dir, devstack.SMTPOptions{Host: h})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	return s.About().Address
}

// connect opens a connection within some time and closes it.
func connect(ctx context.Context, address string, within time.Duration) error {
	conn, err := (&net.Dialer{Timeout: within}).DialContext(ctx, "tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// The ends of curl(1).
const (
	curlHTTPError = "exit status 22"
	curlTimeout   = "exit status 28"
)

// curl asks a server, from a host, within a second.
func curl(h *devstack.Host, dir, url string) string {
	p, err := h.Start("curl", dir, "/usr/bin/curl", "--silent", "--show-error", "--fail", "--max-time", "1", "--output", "/dev/null", url)
	if err == nil {
		err = p.Err()
	}
	return fmt.Sprint(err)
}

func newNetwork(t *testing.T) *devstack.Network {
	t.Helper()
	n, err := devstack.NewNetwork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func newHost(t *testing.T, n *devstack.Network) *devstack.Host {
	t.Helper()
	h, err := n.Host()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestPartition: hosts and this machine reach each other; one that is cut off
// loses packets and says nothing, and is back after it.
func TestPartition(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	a, b := newHost(t, n), newHost(t, n)
	dir := t.TempDir()
	address := serveOn(t, a, dir)
	here, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(n.Gateway, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(here) }()
	t.Cleanup(func() { _ = server.Close() })
	reach := func(when, toHost, toMachine string) {
		t.Helper()
		if got := curl(b, dir, "smtp://"+address+"/client"); got != toHost {
			t.Errorf("%s, from one host to another: %s, want %s", when, got, toHost)
		}
		if got := curl(a, dir, "http://"+here.Addr().String()); got != toMachine {
			t.Errorf("%s, from a host to this machine: %s, want %s", when, got, toMachine)
		}
	}
	reach("at first", "<nil>", curlHTTPError)

	open, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	lines := bufio.NewReader(open)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "220 ") {
		t.Fatalf("%q, %v", line, err)
	}
	if err := a.Partition(); err != nil {
		t.Fatal(err)
	}
	reach("cut off", curlTimeout, curlTimeout)
	if err := connect(t.Context(), address, time.Second); !isTimeout(err) {
		t.Errorf("a connection to a host that is cut off: %v, want a timeout", err)
	}
	if _, err := fmt.Fprint(open, "NOOP\r\n"); err != nil {
		t.Errorf("an open connection: %v", err)
	}
	if err := open.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := lines.ReadByte(); !isTimeout(err) {
		t.Errorf("an open connection: %v, want a timeout", err)
	}

	if err := a.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := open.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "250 ") {
		t.Errorf("the open connection goes on: %q, %v", line, err)
	}
	reach("healed", "<nil>", curlHTTPError)
}

// TestLoopbackHasNoCable: what cannot be cut off says so.
func TestLoopbackHasNoCable(t *testing.T) {
	t.Parallel()
	if h := devstack.Loopback(); h.Partition() == nil || h.Heal() == nil {
		t.Error("loopback was cut off")
	}
}

// TestNetworksSideBySide: two of one process and two of other processes have
// subnets of their own.
func TestNetworksSideBySide(t *testing.T) {
	t.Parallel()
	gateways := map[string]bool{}
	note := func(gateway string) {
		if gateway == "" || gateways[gateway] {
			t.Errorf("%q is there twice", gateway)
		}
		gateways[gateway] = true
	}
	var others []*exec.Cmd
	var outs []*bufio.Reader
	for range 2 {
		other, out := otherProcess(t)
		others, outs = append(others, other), append(outs, out)
	}
	for range 2 {
		note(newNetwork(t).Gateway)
	}
	for i, out := range outs {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		note(strings.Fields(line)[0])
		_ = others[i].Process.Signal(syscall.SIGKILL)
		_ = others[i].Wait()
	}
}

// TestNetworksOfTheDead: a process that is killed takes its programs with it, and
// the next network of anybody removes what it had.
func TestNetworksOfTheDead(t *testing.T) {
	t.Parallel()
	other, out := otherProcess(t)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := strings.Fields(line)[1]
	if err := connect(t.Context(), address, time.Second); err != nil {
		t.Errorf("its program: %v", err)
	}
	names := fmt.Sprintf("rgs%xn", other.Process.Pid)
	if len(named(t, names)) == 0 {
		t.Fatal("nothing has its name")
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	newNetwork(t)
	if left := named(t, names); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestCloseLeavesNothing, however many networks a process makes one after the
// other. It is alone in this process.
func TestCloseLeavesNothing(t *testing.T) { //nolint:paralleltest // it looks at all that this process has
	for range 12 { // more than there are names at once
		n, err := devstack.NewNetwork()
		if err != nil {
			t.Fatal(err)
		}
		h, err := n.Host()
		if err != nil {
			t.Error(err)
		} else if err := connect(t.Context(), net.JoinHostPort(h.IP, "1"), time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the host: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if left := named(t, fmt.Sprintf("rgs%xn", os.Getpid())); len(left) > 0 {
			t.Fatalf("left: %v", left)
		}
	}
}

// named are the interfaces and namespaces whose names begin so.
func named(t *testing.T, prefix string) (names []string) {
	t.Helper()
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if strings.HasPrefix(i.Name, prefix) {
			names = append(names, i.Name)
		}
	}
	spaces, err := filepath.Glob("/run/netns/" + prefix + "*")
	if err != nil {
		t.Fatal(err)
	}
	return append(names, spaces...)
}

// networkOwner makes the test program one that makes a network, with a host and a
// program on it, says where, and waits for its end.
const networkOwner = "DEVSTACK_NETWORK_OWNER"

func otherProcess(t *testing.T) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestNetworkOwner$")
	cmd.Env = append(os.Environ(), networkOwner+"="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewReader(out)
}

// TestNetworkOwner is what otherProcess runs. By itself it makes a network and
// closes it.
func TestNetworkOwner(t *testing.T) {
	n := newNetwork(t)
	h := newHost(t, n)
	dir := os.Getenv(networkOwner)
	if dir == "" {
		return
	}
	fmt.Println(n.Gateway, serveOn(t, h, dir))
	<-t.Context().Done()
}
