// Package mapping reads mapping files: how the rows of a monolith's table become
// people of this service, and by which rules those that do not fit are kept,
// changed or refused. docs/import.md is the reference of the format.
//
// To be relied on: all that is wrong with a file is told together, by line; what
// is made of a row depends on the row, the file and Environment alone; nothing of
// a row's content is in any text that leaves the package.
//
// Not to be relied on: that what is mapped can be stored. Who has a name already,
// the store knows.
package mapping
