package devstack

import "context"

// The kinds of parts.
const (
	KindDatabase = "database" // a MariaDB Galera node
	KindBroker   = "broker"   // a Kafka broker
	KindBalancer = "balancer" // HAProxy
	KindWeb      = "web"      // registrar web
	KindApp      = "app"      // registrar app
	KindNotify   = "notify"   // registrar notify
	KindMail     = "mail"     // an SMTP server
	KindSMSC     = "smsc"     // a message centre of SMS
)

// About says what a part is and where.
type About struct {
	Name    string `json:"name"` // of its own in its system, such as db1
	Kind    string `json:"kind"`
	PID     int    `json:"pid"`
	Address string `json:"address"` // host:port where others reach it
	Admin   string `json:"admin,omitempty"`
	Log     string `json:"log"` // the file
}

// Part is one program of a system. Its address stays the same for its whole
// life.
type Part interface {
	About() About
	// Kill is SIGKILL; what was not on disk is lost. It waits for the end.
	Kill()
	// Stop ends it as an operator does, and waits for the end.
	Stop()
	// Pause is SIGSTOP: its sockets stay open and nobody answers.
	Pause() error
	Resume() error
	// Restart starts it again after its end, with the data that it had, and waits
	// until it can be used or ctx ends. The first start is one too.
	Restart(ctx context.Context) error
	// Exited is closed when the program has ended.
	Exited() <-chan struct{}
	// Partition cuts it off from all others, where it is in a network namespace
	// (see Host.Partition). Heal ends it.
	Partition() error
	Heal() error
}
