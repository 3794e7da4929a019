// Package source reads the tables of monoliths: CSV and JSON Lines files, and
// tables of MySQL and MariaDB. It implements transfer.Source and
// transfer.RejectFile.
//
// To be relied on: rows come in the order of the file, or of the key column; a
// source that is opened at the position behind a row goes on with the next one;
// what is in memory is a bounded number of rows and of octets a row. A row that
// cannot be read is told as such, and those behind it are read. No row's content is
// in an error.
//
// Not to be relied on: that rows which are written meanwhile are seen. Those with a
// key behind the position are, others are not.
package source
