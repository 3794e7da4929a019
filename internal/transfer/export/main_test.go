package export_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

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
	os.Exit(code)
}

func sharedNode(t testing.TB) *devstack.MariaDB {
	t.Helper()
	node.Do(func() {
		if node.dir, node.err = os.MkdirTemp("", "export"); node.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if node.MariaDB, node.err = devstack.StartMariaDB(ctx, node.dir); node.err == nil {
			node.err = node.CreateDatabase(ctx, "back")
		}
	})
	if node.err != nil {
		t.Fatal(node.err)
	}
	return node.MariaDB
}
