// Package importing_test measures registrar import next to what the same server
// does with the same rows when nobody looks at them: LOAD DATA, and INSERTs of as
// many rows in a transaction, written beforehand. All three write the same two
// tables with the same indexes, on one node, in one run. The machine's cores are
// shared by the program and the server: the ratios say more than the figures.
package importing_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// rowsAsked is how many rows are imported: $IMPORT_ROWS, else a million.
func rowsAsked(b *testing.B) int {
	b.Helper()
	text := os.Getenv("IMPORT_ROWS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		b.Fatalf("IMPORT_ROWS=%q is not a number of rows, 1000 or more", text)
	}
	return n
}

// batch is the rows of a transaction of the baseline: what the import has at most.
const batch = 1000

// measured is what one way of writing took.
type measured struct {
	name      string
	took, cpu time.Duration // cpu is of the program that sends the rows
	server    time.Duration // and this of the server
	peak      int64         // octets of memory of the program
	rows      int
}

func (m measured) rate() float64 { return float64(m.rows) / m.took.Seconds() }

// BenchmarkImport prints the rows a second of each way.
func BenchmarkImport(b *testing.B) {
	n := rowsAsked(b)
	node, _ := harness.MariaDB(b)
	// The indexes have room in memory, as on a server that is made for so many people.
	if _, err := node.Query(b.Context(), "SET GLOBAL innodb_buffer_pool_size = 2147483648"); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	users := filepath.Join(dir, "users.csv")
	writeUsers(b, users, n)
	databases := map[string]string{}
	for _, name := range []string{"imported", "loaded", "inserted"} {
		databases[name] = database(b, node, name)
	}
	b.ResetTimer()

	all := []measured{imported(b, node, databases["imported"], users, n)}
	export(b, node, dir)
	all = append(all, loaded(b, node, dir, n))
	statements := filepath.Join(dir, "statements")
	writeStatements(b, node, statements)
	all = append(all, inserted(b, node, statements, n))

	first := all[0]
	for _, m := range all {
		b.Logf("%-22s %9.0f rows/s  import is %.2f of it  program %6.1fs of a core, %4d MiB at most; server %6.1fs of a core",
			m.name, m.rate(), first.rate()/m.rate(), m.cpu.Seconds(), m.peak>>20, m.server.Seconds())
	}
	b.ReportMetric(first.rate(), "rows/s")
	b.ReportMetric(first.rate()/all[1].rate(), "of-LOAD-DATA")
	b.ReportMetric(first.rate()/all[2].rate(), "of-INSERT")
	b.ReportMetric(float64(first.peak>>20), "peak-MiB")
}

// writeUsers writes a Laravel table as CSV. Addresses and hashes are in no order, as
// people's are.
func writeUsers(b *testing.B, path string, n int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "id,name,email,email_verified_at,password,locale,allow_notify,created_at")
	begun := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		var seed [8]byte
		binary.BigEndian.PutUint64(seed[:], uint64(i))
		sum := sha256.Sum256(seed[:])
		hash := strings.NewReplacer("+", ".", "=", "").Replace(base64.StdEncoding.EncodeToString(append(sum[:], sum[:8]...)))
		at := begun.Add(time.Duration(i) * 5 * time.Minute % (9 * 365 * 24 * time.Hour)).Format(time.DateTime)
		fmt.Fprintf(w, "%d,Person %x of Somewhere,%x.%d@example%d.com,%s,$2y$10$%se%sm,ar,%d,%s\n",
			i+1, sum[:3], sum[:5], i, i%50, at, hash[:21], hash[21:51], i%2, at)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// database makes one with the service's schema, and gives its configuration.
func database(b *testing.B, node *devstack.MariaDB, name string) string {
	b.Helper()
	if err := node.CreateDatabase(b.Context(), name); err != nil {
		b.Fatal(err)
	}
	config := harness.Config(b, fmt.Sprintf("codes: {key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}\ndatabase: {driver: mariadb, addresses: [%q], name: %s, user: %s, password: %s}\n",
		node.Address, name, node.User, node.Password))
	if out, err := exec.CommandContext(b.Context(), harness.PlainBinary(b), "migrate", "up", "--config", config).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return config
}

// measure runs work, which sends n rows.
func measure(b *testing.B, node *devstack.MariaDB, name string, n int, work func() *os.ProcessState) measured {
	b.Helper()
	server, begun := harness.CPU(b, node.About().PID), time.Now()
	state := work()
	m := measured{name: name, took: time.Since(begun), server: harness.CPU(b, node.About().PID) - server, rows: n}
	if state != nil {
		usage, ok := state.SysUsage().(*syscall.Rusage)
		if !ok {
			b.Fatal("the program's usage is not known")
		}
		m.cpu, m.peak = state.UserTime()+state.SystemTime(), usage.Maxrss<<10
	}
	return m
}

func imported(b *testing.B, node *devstack.MariaDB, config, users string, n int) measured {
	b.Helper()
	m := measure(b, node, "registrar import", n, func() *os.ProcessState {
		cmd := exec.CommandContext(b.Context(), harness.PlainBinary(b), "import", "--mapping", "laravel", users, "--config", config)
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return cmd.ProcessState
	})
	complete(b, node, "imported", n)
	return m
}

// complete fails unless all rows are there.
func complete(b *testing.B, node *devstack.MariaDB, name string, n int) {
	b.Helper()
	text, err := node.Query(b.Context(), fmt.Sprintf("SELECT COUNT(*) FROM %[1]s.accounts a JOIN %[1]s.profiles p ON p.account_id = a.id", name))
	if err != nil || text != strconv.Itoa(n) {
		b.Fatalf("%s has %s people, and not %d: %v", name, text, n, err)
	}
}

var tables = []string{"accounts", "profiles"}

// export writes the imported rows for LOAD DATA, in the order of their keys, which
// is the best for it.
func export(b *testing.B, node *devstack.MariaDB, dir string) {
	b.Helper()
	for _, table := range tables {
		key := map[string]string{"accounts": "id", "profiles": "account_id"}[table]
		if _, err := node.Query(b.Context(), fmt.Sprintf("SELECT * FROM imported.%s ORDER BY %s INTO OUTFILE '%s' CHARACTER SET binary", table, key, filepath.Join(dir, table))); err != nil {
			b.Fatal(err)
		}
	}
}

func loaded(b *testing.B, node *devstack.MariaDB, dir string, n int) measured {
	b.Helper()
	m := measure(b, node, "LOAD DATA", n, func() *os.ProcessState {
		for _, table := range tables {
			if _, err := node.Query(b.Context(), fmt.Sprintf("LOAD DATA INFILE '%s' INTO TABLE loaded.%s CHARACTER SET binary", filepath.Join(dir, table), table)); err != nil {
				b.Fatal(err)
			}
		}
		return nil
	})
	complete(b, node, "loaded", n)
	return m
}

func connect(b *testing.B, node *devstack.MariaDB, name string) *sql.DB {
	b.Helper()
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName, c.Collation = "tcp", node.Address, node.User, node.Password, name, "utf8mb4_bin"
	connector, err := mysql.NewConnector(c)
	if err != nil {
		b.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// writeStatements writes the INSERTs of the imported rows, those of a transaction
// after the other: each as its length and its text.
func writeStatements(b *testing.B, node *devstack.MariaDB, path string) {
	b.Helper()
	db := connect(b, node, "imported")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	after := []byte{}
	for {
		var last []byte
		for _, table := range tables {
			key := map[string]string{"accounts": "id", "profiles": "account_id"}[table]
			text, end := insertOf(b, db, fmt.Sprintf("SELECT * FROM %s WHERE %s > ? ORDER BY %s LIMIT %d", table, key, key, batch), table, after)
			if text == "" {
				break
			}
			last = end
			var size [4]byte
			binary.BigEndian.PutUint32(size[:], uint32(len(text)))
			_, _ = w.Write(size[:])
			_, _ = w.WriteString(text)
		}
		if last == nil {
			break
		}
		after = last
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// insertOf is an INSERT of what a SELECT gives, and the last row's first column.
func insertOf(b *testing.B, db *sql.DB, query, table string, after []byte) (string, []byte) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), query, after)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		b.Fatal(err)
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var text strings.Builder
	var last []byte
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			b.Fatal(err)
		}
		if text.WriteByte(','); last == nil {
			text.Reset()
			text.WriteString("INSERT INTO " + table + " VALUES ")
		}
		last = append([]byte{}, values[0]...)
		for i, v := range values {
			text.WriteByte("(,"[min(i, 1)])
			switch {
			case v == nil:
				text.WriteString("NULL")
			case columns[i].DatabaseTypeName() == "BINARY":
				fmt.Fprintf(&text, "x'%x'", []byte(v))
			case columns[i].DatabaseTypeName() == "BIGINT":
				text.Write(v)
			default:
				text.WriteString("'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(string(v)) + "'")
			}
		}
		text.WriteByte(')')
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return text.String(), last
}

// inserted sends the statements, a transaction for each batch.
func inserted(b *testing.B, node *devstack.MariaDB, path string, n int) measured {
	b.Helper()
	db := connect(b, node, "inserted")
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 1<<20)
	m := measure(b, node, "INSERTs of 1000 rows", n, func() *os.ProcessState {
		for {
			if err := transaction(b.Context(), db, r); err == io.EOF { //nolint:errorlint // io.EOF as it is
				return nil
			} else if err != nil {
				b.Fatal(err)
			}
		}
	})
	complete(b, node, "inserted", n)
	return m
}

// transaction sends the statements of one batch; io.EOF behind the last.
func transaction(ctx context.Context, db *sql.DB, r io.Reader) error {
	var tx *sql.Tx
	for range tables {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return err
		}
		text := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(r, text); err != nil {
			return err
		}
		if tx == nil {
			var err error
			if tx, err = db.BeginTx(ctx, nil); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return err
		}
	}
	return tx.Commit()
}
