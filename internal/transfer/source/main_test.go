package source_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"registrar/internal/devstack"
)

// node is the server that the package's tests share.
var node struct {
	sync.Once
	*devstack.MariaDB
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if node.MariaDB != nil {
		node.Kill()
	}
	if node.dir != "" {
		_ = os.RemoveAll(node.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func sharedNode(t testing.TB) *devstack.MariaDB {
	t.Helper()
	node.Do(func() {
		if node.dir, node.err = os.MkdirTemp("", "source"); node.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if node.MariaDB, node.err = devstack.StartMariaDB(ctx, node.dir); node.err == nil {
			node.err = node.CreateDatabase(ctx, "laravel")
		}
	})
	if node.err != nil {
		t.Fatal(node.err)
	}
	return node.MariaDB
}
