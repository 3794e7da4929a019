package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"registrar/internal/transfer"
)

// Table is where MySQL or MariaDB puts what NewLoadData has written.
type Table struct {
	// Name may have its schema before it: laravel.users_back.
	Name string
	// TimeZone is that of the session, for TIMESTAMP columns; "" for the server's own.
	TimeZone string
}

// loadNull stands for null, and for nothing else: a backslash in a value is doubled.
const loadNull = `\N`

// loadEscapes are the octets that LOAD DATA would not take as they are, or that the
// way there could change.
var loadEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`, "\x1a", `\Z`)

// NewLoadData writes for LOAD DATA of MySQL and MariaDB, with a first line of the
// columns' names. The statement that Table.Load makes reads each value, and null, as
// they are. CSV is no such form: LOAD DATA takes a backslash in it for its own.
func NewLoadData(w io.Writer, columns []string) (Writer, error) {
	l := &loadWriter{w: bufio.NewWriterSize(w, 64<<10)}
	names := make([]transfer.Value, len(columns))
	for i, c := range columns {
		names[i].Text = c
	}
	return l, l.Write(names)
}

type loadWriter struct {
	w    *bufio.Writer
	line []byte
}

func (l *loadWriter) Write(row []transfer.Value) error {
	l.line = l.line[:0]
	for i, v := range row {
		if i > 0 {
			l.line = append(l.line, '\t')
		}
		if v.Null {
			l.line = append(l.line, loadNull...)
		} else {
			l.line = append(l.line, loadEscapes.Replace(v.Text)...)
		}
	}
	if _, err := l.w.Write(append(l.line, '\n')); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (l *loadWriter) Flush() error { return l.w.Flush() }

// Load gives the SQL that reads a file of NewLoadData with these columns, whatever
// sql_mode is. The last column is the registration's id, which the table is not taken
// to have.
func (t Table) Load(path string, columns []string) string {
	var sql strings.Builder
	if t.TimeZone != "" {
		fmt.Fprintf(&sql, "SET time_zone = '%s';\n", strings.ReplaceAll(t.TimeZone, "'", "''"))
	}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quotedName(c)
	}
	names[len(names)-1] = "@" + idColumn
	// Numbers and not '\t' and '\\', which NO_BACKSLASH_ESCAPES reads in another way.
	fmt.Fprintf(&sql, "LOAD DATA LOCAL INFILE '%s' INTO TABLE %s CHARACTER SET utf8mb4\n"+
		"  FIELDS TERMINATED BY 0x09 ESCAPED BY 0x5C LINES TERMINATED BY 0x0A IGNORE 1 LINES\n  (%s);",
		strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(path), t.quoted(), strings.Join(names, ", "))
	return sql.String()
}

func (t Table) quoted() string {
	parts := strings.Split(t.Name, ".")
	for i, part := range parts {
		parts[i] = quotedName(part)
	}
	return strings.Join(parts, ".")
}

// quotedName is a name as SQL has it.
func quotedName(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
