package store_test

import (
	"context"
	"database/sql/driver"
	"strings"
	"sync"

	"registrar/internal/store"
)

// injector stands between the store and the driver and makes chosen statements
// fail.
type injector struct {
	mu    sync.Mutex
	fault func(statement string) *fault
	seen  []string // the statements' first words, in order
	sent  int      // statements, compound ones as one
	made  int      // connections
}

// fault is what becomes of one statement.
type fault struct {
	before func() // runs before it; may be nil
	run    bool   // the statement is sent
	sever  bool   // then the connection is closed
	err    error  // and this is the answer; nil for the statement's own
}

// through gives o with the injector in it.
func (i *injector) through(o store.Options) store.Options {
	return store.Wrapped(o, func(c driver.Connector) driver.Connector { return injectedConnector{c, i} })
}

// set changes the faults from now on, and forgets what was seen.
func (i *injector) set(f func(statement string) *fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault, i.seen, i.sent = f, nil, 0
}

// sendings counts what was sent to be executed since set.
func (i *injector) sendings() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sent
}

// connections counts those that were made.
func (i *injector) connections() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.made
}

// times counts the statements seen that begin with a text.
func (i *injector) times(begin string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for _, s := range i.seen {
		if strings.HasPrefix(s, begin) {
			n++
		}
	}
	return n
}

func (i *injector) ask(statement string) *fault {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.seen = append(i.seen, statement)
	if i.fault == nil {
		return nil
	}
	return i.fault(statement)
}

// once is f at the n-th statement, from 1, that begins with a text.
func once(begin string, n int, f fault) func(string) *fault {
	return func(statement string) *fault {
		if !strings.HasPrefix(statement, begin) {
			return nil
		}
		if n--; n == 0 {
			return &f
		}
		return nil
	}
}

type injectedConnector struct {
	driver.Connector
	i *injector
}

func (c injectedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c.i.mu.Lock()
	c.i.made++
	c.i.mu.Unlock()
	return &injectedConn{conn, c.i}, nil
}

// injectedConn passes on all that the drivers' connections can do and the
// store uses.
type injectedConn struct {
	driver.Conn
	i *injector
}

func (c *injectedConn) apply(statement string, run func() (driver.Result, error)) (driver.Result, error) {
	f := c.i.ask(statement)
	if f == nil {
		return run()
	}
	if f.before != nil {
		f.before()
	}
	var result driver.Result
	var err error
	if f.run {
		if result, err = run(); err != nil {
			return nil, err
		}
	}
	if f.sever {
		_ = c.Close()
	}
	return result, f.err
}

// ExecContext executes the parts of a compound statement one by one, and none
// after one that fails, as the server does.
func (c *injectedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	c.i.mu.Lock()
	c.i.sent++
	c.i.mu.Unlock()
	for statement := range store.InCompound(query) {
		own := args[:strings.Count(statement, "?")]
		args = args[len(own):]
		result, err = c.apply(statement, func() (driver.Result, error) { return c.Conn.(driver.ExecerContext).ExecContext(ctx, statement, own) })
		if err != nil {
			return nil, err
		}
	}
	return result, nil
}

func (c *injectedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c *injectedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &injectedStmt{s, c, query}, nil
}

func (c *injectedConn) ResetSession(ctx context.Context) error {
	return c.Conn.(driver.SessionResetter).ResetSession(ctx)
}

func (c *injectedConn) IsValid() bool { return c.Conn.(driver.Validator).IsValid() }

func (c *injectedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type injectedStmt struct {
	driver.Stmt
	c     *injectedConn
	query string
}

func (s *injectedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.apply(s.query, func() (driver.Result, error) { return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) })
}
