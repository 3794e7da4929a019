package devstack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports are given out of these: below those that the system takes for outgoing
// connections (ip_local_port_range), any of which might have one by the time it
// is listened on, or while its part is dead.
const lowestPort, highestPort = 10000, 32767

var portsGiven sync.Map // in this process

// FreePort finds a TCP port on loopback that nobody listens on, and that this
// process has not given to anybody.
func FreePort() (int, error) {
	const tries = 1000
	var failed error
	for range tries {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1) //nolint:gosec // no secret
		if _, given := portsGiven.LoadOrStore(port, true); given {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // takes no time
		if err == nil {
			return port, l.Close()
		}
		failed = err
	}
	return 0, fmt.Errorf("devstack: no free port: %w", failed)
}
