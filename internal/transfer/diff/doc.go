// Package diff compares a monolith's table with the store: who is missing in the
// store, who is there although the table does not have them, and in which fields
// others differ.
//
// To be relied on: what is compared is what an import of the row would have
// stored, so that spellings are no differences; of values only the names of fields
// are told and stored. A comparison that was interrupted goes on where it last
// noted its place. Memory does not grow with the number of rows.
//
// Who is in the table is looked up in the store, many at a time. The other
// direction goes by checksums, since a table cannot always be asked for a key: the
// external ids of both sides are summed up in buckets by their hash, and only where
// the sums differ is the table read once more to find who it does not have.
//
// Not to be relied on: a state of both sides at one moment. Who is registered or
// changed while they are read may be seen on one of them alone; who is missing is
// looked up once more at the end, and who is extra is looked for in the table after
// they were seen in the store.
package diff
