package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"registrar/internal/caller"
	"registrar/internal/devstack"
	"registrar/internal/registration"
	"registrar/internal/store"
	"registrar/internal/tier"
)

// TestMain is also the application servers that are measured: this program
// starts itself with "app" and what it is to be.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "app" {
		fmt.Fprintln(os.Stderr, serve(os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// app is an application server on ready-made hashes, or with a domain that does
// nothing where it has no nodes of a database.
type app struct {
	Listen                   string
	Nodes                    []string
	User, Password, Database string
	MaxConnections           int
}

// instant is a domain that does nothing.
type instant struct{ tier.Registrar }

func (instant) Register(_ context.Context, r registration.Request) (registration.Receipt, error) {
	return registration.Receipt{ID: r.Call.ID, Status: registration.PendingVerification, Locale: "en", RegisteredAt: r.Call.At}, nil
}

// noCallers is a service that everybody may call.
type noCallers struct{ gateway }

type gateway interface{ tier.Callers }

func (noCallers) Callers(context.Context) ([]caller.Caller, error) { return nil, nil }

func serve(text string) error {
	var a app
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var domain tier.Registrar = instant{}
	ready := func(context.Context) error { return nil }
	if len(a.Nodes) > 0 {
		db, err := store.Open(context.Background(), store.Options{Addresses: a.Nodes, User: a.User, Password: a.Password, Database: a.Database, MaxConnections: a.MaxConnections})
		if err != nil {
			return err
		}
		if domain, err = newService(db); err != nil {
			return err
		}
		ready = db.Ready
	}
	on, err := net.Listen("tcp", a.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "ready")
	return tier.NewServer(tier.ServerSettings{Ready: ready, Grace: time.Second}, domain, noCallers{}, nil, log).Serve(context.Background(), on)
}

// startApp starts an application server in a process of its own, with a domain
// that does nothing where there is no database.
func startApp(b *testing.B, o store.Options) (address string, process *devstack.Process) {
	b.Helper()
	port, err := devstack.FreePort()
	if err != nil {
		b.Fatal(err)
	}
	address = fmt.Sprintf("127.0.0.1:%d", port)
	what, err := json.Marshal(app{Listen: address, Nodes: o.Addresses, User: o.User, Password: o.Password, Database: o.Database, MaxConnections: o.MaxConnections})
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	if process, err = devstack.StartProcess("app", b.TempDir(), program, "app", string(what)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(process.Kill)
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	if err := process.AwaitReady(ctx, func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			err = c.Close()
		}
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return address, process
}

// dial is a web server's way to application servers, once all take calls.
func dial(b *testing.B, servers ...string) *tier.Client {
	b.Helper()
	client, err := tier.Dial(tier.ClientSettings{Servers: servers, NewID: newID}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := client.Close(); err != nil {
			b.Error(err)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); client.Serving() < len(servers); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d application servers take calls", client.Serving(), len(servers))
		}
	}
	return client
}
