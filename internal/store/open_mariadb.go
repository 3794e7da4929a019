package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"
)

const (
	// connectionLife is below what load balancers and firewalls allow an idle
	// connection, and brings connections back to a preferred setting in time.
	connectionLife = 4 * time.Minute
	// lockWait is innodb_lock_wait_timeout in seconds: far above what one
	// transaction takes, below what a caller waits.
	lockWait = 3
)

// openMariaDB opens two pools to the node of the cluster that is written to: one
// for transactions, and one whose statements wait until all that was committed
// before, on any node, is visible (wsrep_sync_wait=1).
func openMariaDB(o Options) (*DB, error) {
	nodes := newNodes(o.Addresses, o.WriterMoved)
	write, err := newRoute(o, nodes, map[string]string{})
	if err != nil {
		return nil, err
	}
	read, err := newRoute(o, nodes, map[string]string{"wsrep_sync_wait": "1"})
	if err != nil {
		return nil, err
	}
	writePool, readPool := mariadbPool(o, write), mariadbPool(o, read)
	prober := startProber(write)
	db := &DB{
		dialect: dialect{
			forUpdate: " FOR UPDATE",
			ready:     readyMariaDB,
			classify:  classifyMariaDB,
			compounds: true,
		},
		writerMoves: nodes.writerMoves,
		writers:     poolWriters{writePool},
		read:        readPool,
		asIs:        writePool,
		close: sync.OnceValue(func() error {
			prober.stop()
			return errors.Join(readPool.Close(), writePool.Close())
		}),
	}
	db.attempt = db.inPool
	return db, nil
}

func mariadbPool(o Options, r *route) *sqlx.DB {
	pool := sqlx.NewDb(sql.OpenDB(o.wrap(r)), "mysql")
	pool.SetMaxOpenConns(o.MaxConnections)
	pool.SetMaxIdleConns(o.MaxConnections)
	pool.SetConnMaxLifetime(connectionLife)
	return pool
}

// mariadbConfig is what every connection must have, whatever the server's own
// settings are: strict SQL, UTC, bounded waiting, matched rows counted.
func mariadbConfig(o Options, address string, variables map[string]string) *mysql.Config {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.Passwd, c.DBName = "tcp", address, o.User, o.Password, o.Database
	c.TLS = o.TLS
	c.Timeout, c.ReadTimeout, c.WriteTimeout = o.ConnectTimeout, o.ReadTimeout, o.WriteTimeout
	c.Collation = "utf8mb4_bin"
	c.ClientFoundRows, c.InterpolateParams, c.ParseTime = true, true, true
	c.Logger = &mysql.NopLogger{} // what it would log comes back as an error too
	c.Params = map[string]string{
		"sql_mode":                 "'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'",
		"time_zone":                "'+00:00'",
		"tx_isolation":             "'READ-COMMITTED'", // fewer gap locks; every write is conditional
		"innodb_lock_wait_timeout": strconv.Itoa(lockWait),
		// The server ends a statement by itself before we give the connection up.
		"max_statement_time": strconv.FormatFloat(o.ReadTimeout.Seconds()*0.9, 'f', 3, 64),
	}
	for name, value := range variables {
		c.Params[name] = value
	}
	return c
}

// poolWriters gives connections of a pool.
type poolWriters struct{ pool *sqlx.DB }

func (w poolWriters) acquire(ctx context.Context) (*session, error) {
	conn, err := w.pool.Connx(ctx)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn}, nil
}

func (w poolWriters) release(s *session, bad bool) {
	if bad {
		discard(s.conn)
	}
	_ = s.conn.Close()
}

// Ping and SELECT 1 succeed on a node without quorum too, so they say nothing.
// These do not fail on one.
const (
	nodeStatus   = "SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_local_state')"
	nodeSettings = "SHOW GLOBAL VARIABLES WHERE Variable_name = 'wsrep_on'"
)

// judge says by these whether a node takes writes. A server without wsrep
// always does.
func judge(query func(sql string) (map[string]string, error)) error {
	status, err := query(nodeStatus)
	if err != nil || status["wsrep_ready"] == "ON" && status["wsrep_local_state"] == "4" {
		return err
	}
	settings, err := query(nodeSettings)
	if err == nil && settings["wsrep_on"] == "ON" {
		err = errNotReady
	}
	return err
}

// nodeReady judges the node of a connection that is not in a pool yet.
func nodeReady(ctx context.Context, conn driver.Conn) error {
	return judge(func(sql string) (map[string]string, error) { return nodeValues(ctx, conn, sql) })
}

// nodeValues reads rows of two columns, the first of which names the second,
// over a connection that is in no pool.
func nodeValues(ctx context.Context, conn driver.Conn, sql string) (map[string]string, error) {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	pairs := make(map[string]string)
	values := make([]driver.Value, len(rows.Columns()))
	for err = rows.Next(values); err == nil; err = rows.Next(values) {
		pairs[textOf(values[0])] = textOf(values[1])
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return pairs, errors.Join(err, rows.Close())
}

// textOf is a value as the driver gives it, as text.
func textOf(v driver.Value) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(v)
}

// readyMariaDB judges the node of a pool's connection, and reads a table,
// which only a node that serves its clients allows.
func readyMariaDB(ctx context.Context, conn *sqlx.Conn) error {
	err := judge(func(sql string) (map[string]string, error) {
		var rows []struct {
			Name  string `db:"Variable_name"`
			Value string `db:"Value"`
		}
		err := conn.SelectContext(ctx, &rows, sql)
		pairs := make(map[string]string)
		for _, r := range rows {
			pairs[r.Name] = r.Value
		}
		return pairs, err
	})
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "SELECT 1 FROM accounts LIMIT 1")
	return err
}
