package project

import "strings"

// table is what a case runs for.
type table struct {
	Columns string
	Rows    []row
}

// row is a row of a table: its name, which says what is special in it, and its
// cells between bars. A cell may hold \u and four hexadecimal digits.
type row struct{ Name, Cells string }

// long is n characters.
func long(n int) string { return strings.Repeat("x", n) }
