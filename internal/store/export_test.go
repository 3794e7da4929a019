package store

import (
	"context"
	"database/sql/driver"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Wrapped puts wrap around the connectors of an Options.
func Wrapped(o Options, wrap func(driver.Connector) driver.Connector) Options {
	o.wrap = wrap
	return o
}

// Raw gives the pool that reads.
func (db *DB) Raw() *sqlx.DB { return db.read }

// Judge decides by the answers to its questions whether a node takes writes.
var Judge = judge

// Told is what leaves the package of an error of MariaDB or of SQLite.
func Told(ctx context.Context, mariadb bool, err error) error {
	db := &DB{dialect: dialect{classify: classifySQLite}}
	if mariadb {
		db.dialect.classify = classifyMariaDB
	}
	return db.told(ctx, "op", err)
}

// Index is the name of the index in the text of error 1062.
var Index = mariadbIndex

// InCompound gives the statements of a compound one, or the one that it is.
func InCompound(text string) iter.Seq[string] {
	text = strings.TrimPrefix(text, compoundBegin)
	return strings.SplitSeq(strings.TrimSuffix(text, compoundEnd), between)
}

// EachHashBy is EachHash with other batches.
func (p *Passwords) EachHashBy(ctx context.Context, batch int, give func(hash string)) error {
	return p.eachHash(ctx, batch, give)
}

// MaxMembers bounds a group.
const MaxMembers = maxMembers

// Transact runs work in a transaction; work gets a way to execute statements.
func (db *DB) Transact(ctx context.Context, work func(run func(statement string, args ...any) error, again bool) error) error {
	return db.transact(ctx, "test", func(ctx context.Context, t *tx) error {
		return work(func(text string, args ...any) error { return t.run(ctx, statement(text), args...) }, t.again)
	})
}

// Duplicate says whether a statement failed because a key is there already.
func (db *DB) Duplicate(err error) bool { return db.dialect.classify(err).class == duplicate }

// Waiting is how many wait for SQLite's writer.
func (db *DB) Waiting() int {
	w := db.writers.(*soleWriter)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting[0].Len()
}

// GroupTime changes how long a group stays open.
func (db *DB) GroupTime(d time.Duration) { db.writers.(*soleWriter).groupTime = d }

// Nodes are nodes that no prober asks.
type Nodes struct{ nodes *nodes }

// NewNodes are so many that nothing is known of. Their addresses are 0, 1, ...
func NewNodes(n int, moved func(from, to string)) Nodes {
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = strconv.Itoa(i)
	}
	return Nodes{newNodes(addresses, moved)}
}

// Found takes what a probe found, and gives the name that is to be claimed now, if any.
func (n Nodes) Found(i int, name, owner string, fence int64, err error) string {
	claim, _, _ := n.nodes.found(i, name, writerRow{Owner: owner, Fence: fence}, err)
	return claim.Owner
}

// Written ends a claim.
func (n Nodes) Written() { n.nodes.written() }

// InOrder are the nodes in the order in which a connection tries them.
func (n Nodes) InOrder() []int { return n.nodes.inOrder() }

// Elsewhere says whether one other than i takes writes.
func (n Nodes) Elsewhere(i int) bool { return n.nodes.elsewhere(i) }
