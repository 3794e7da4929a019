package store

import (
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
