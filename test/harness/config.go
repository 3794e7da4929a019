package harness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"registrar/internal/devstack"
)

// CheapHash is the section of a configuration whose password hashes cost the
// least that is allowed, so that a test loads the rest.
const CheapHash = "password:\n  argon2_memory_kib: 7168\n  argon2_passes: 1\n  queue: 1024\n"

// Config writes a configuration file.
func Config(tb testing.TB, yaml string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "registrar.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// codesKey is the section of a configuration that servers on one database share.
const codesKey = "codes:\n  key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"

// MariaDB starts a Galera node with an empty database, and gives the sections of
// a configuration that uses it: codes, and database last.
func MariaDB(tb testing.TB) (*devstack.MariaDB, string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	node, err := devstack.StartMariaDB(ctx, tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(node.Stop)
	if err := node.CreateDatabase(ctx, "registrar"); err != nil {
		tb.Fatal(err)
	}
	return node, codesKey + fmt.Sprintf("database:\n  driver: mariadb\n  addresses: [%q]\n  name: registrar\n  user: %q\n  password: %q\n  connect_timeout: 1s\n  read_timeout: 5s\n  write_timeout: 5s\n",
		node.Address, node.User, node.Password)
}

// Kafka starts a broker, and gives the section of a configuration that uses it.
func Kafka(tb testing.TB) (*devstack.Kafka, string) {
	tb.Helper()
	return KafkaCluster(tb, 1)
}

// KafkaCluster is Kafka with some brokers.
func KafkaCluster(tb testing.TB, brokers int) (*devstack.Kafka, string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	cluster, err := devstack.StartKafka(ctx, tb.TempDir(), brokers)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cluster.Stop)
	return cluster, fmt.Sprintf("kafka:\n  brokers: [%s]\n", strings.Join(cluster.Brokers(), ", "))
}
