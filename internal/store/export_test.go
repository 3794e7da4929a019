package store

import (
	"context"
	"database/sql/driver"

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
