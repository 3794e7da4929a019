// Package transfer brings people from a monolith's table into the store, many at
// once: it reads rows, makes a Person of each by a mapping, and stores them in
// batches. Reading (source), the mapping (mapping) and storing are others', by
// the interfaces of this package.
//
// To be relied on: a batch is stored together with the position behind it and
// with the size of the file of rejects, or not at all; whoever starts the same
// import again after any end of the process goes on behind the last batch, and
// what is there in the end is the same as without that end. A row whose caller
// and external id are there already is not stored again, whatever else it says.
// Nobody is told of anything unless the Importer is asked to. Memory does not
// grow with the number of rows.
//
// Not to be relied on: that somebody who is there is brought up to date. Nor the
// order in which two rows that want one name or address are seen where the
// source's order changes.
package transfer
