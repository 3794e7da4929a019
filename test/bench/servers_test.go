package bench_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// TestMain is also the servers that are measured: this program starts itself
// with the name of one and a port.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] != "" && os.Args[1][0] != '-' {
		fmt.Fprintln(os.Stderr, serve(os.Args[1], os.Args[2]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func serve(name, port string) error {
	handlers := map[string]func() (http.Handler, error){"edge": edge, "plain": plain}
	if handlers[name] == nil {
		return errors.New("there is no server " + name)
	}
	handler, err := handlers[name]()
	if err != nil {
		return err
	}
	s := &http.Server{Addr: net.JoinHostPort("127.0.0.1", port), Handler: handler, ReadHeaderTimeout: time.Minute}
	return s.ListenAndServe()
}

// startOwn starts one of the servers of this program and gives its address.
func startOwn(b *testing.B, name string) string {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	return start(b, name, b.TempDir(), program, name)
}

// start runs a server whose last argument is the port, and gives its address.
func start(b *testing.B, name, dir string, argv ...string) string {
	b.Helper()
	port, err := devstack.FreePort()
	if err != nil {
		b.Fatal(err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	process, err := devstack.StartProcess(name, dir, append(argv, strconv.Itoa(port))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(process.Kill)
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	if err := process.AwaitReady(ctx, func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return address
}
