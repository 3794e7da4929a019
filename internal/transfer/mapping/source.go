package mapping

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// Kind is the form of a source.
type Kind string

// The kinds.
const (
	CSV      Kind = "csv"      // RFC 4180, with any delimiter
	JSONL    Kind = "jsonl"    // a JSON object a line
	Database Kind = "database" // a table of MySQL or MariaDB
)

// Source says where rows come from. Settings of kinds other than Kind are allowed:
// a file may be given in the place of the database.
type Source struct {
	Kind Kind
	// Of CSV.
	Delimiter rune
	Header    bool             // the first line names the columns
	Columns   []string         // their names, where no line does
	Null      *string          // the text that stands for null; nil for none
	Charset   *charmap.Charmap // nil for UTF-8
	// Of a database.
	Address      string // host:port
	Name         string // the database's
	User         string
	PasswordFile string // "" for none
	TLS          bool
	TLSCAFile    string // "" for the system's authorities
	Table        string // this, or Query
	Query        string // a SELECT without ORDER BY and LIMIT
	Key          string // a column with no two equal values and no null, by which the rows are in order
	TimeZone     string // of the session, for TIMESTAMP columns; "" for the server's own
}

// Identity names the source among all others of a caller, for a person too. path is
// a file's, and "" for the database.
func (s Source) Identity(path string) string {
	if path != "" {
		return path
	}
	what := s.Table
	if s.Query != "" {
		what = "(" + strings.Join(strings.Fields(s.Query), " ") + ")"
	}
	return s.Address + "/" + s.Name + "/" + what
}

func parseSource(n node) Source {
	s := Source{Delimiter: ',', Header: true}
	found := n.entries("kind", "delimiter", "header", "columns", "null", "charset",
		"address", "database", "user", "password_file", "tls", "tls_ca_file", "table", "query", "key", "time_zone")
	if found == nil {
		return s
	}
	if given, ok := found["kind"]; ok {
		kind, _ := given.one(string(CSV), string(JSONL), string(Database))
		s.Kind = Kind(kind)
	} else {
		n.wrong("has no kind", "write kind: csv, jsonl or database")
	}
	s.parseCSV(found)
	s.parseDatabase(n, found)
	return s
}

func (s *Source) parseCSV(found map[string]node) {
	if given, ok := found["delimiter"]; ok {
		text, ok := given.text()
		r, size := utf8.DecodeRuneInString(text)
		if ok && (size != len(text) || size == 0 || r >= utf8.RuneSelf || strings.ContainsRune("\"\r\n", r)) {
			given.wrong("must be one ASCII character", `write ",", ";" or "\t"`)
			r = ','
		}
		s.Delimiter = r
	}
	if given, ok := found["header"]; ok {
		s.Header = given.boolean()
	}
	if given, ok := found["columns"]; ok {
		for _, item := range given.list() {
			text, _ := item.text()
			if text == "" || slices.Contains(s.Columns, text) {
				item.wrong("holds a name that is empty or there twice", "")
			}
			s.Columns = append(s.Columns, text)
		}
		if s.Header {
			given.wrong("are named although the first line names them", "write header: false, or remove columns")
		}
	} else if h := found["header"]; h.Node != nil && !s.Header {
		h.wrong("is false and nothing names the columns", "write columns: [id, email, ...]")
	}
	if given, ok := found["null"]; ok {
		if text, ok := given.text(); ok {
			s.Null = &text
		}
	}
	if given, ok := found["charset"]; ok {
		text, _ := given.text()
		switch encoding, err := htmlindex.Get(text); {
		case strings.EqualFold(text, "utf-8"), strings.EqualFold(text, "utf8"), strings.EqualFold(text, "utf8mb4"):
		case err != nil:
			given.wrong("is not a charset that is known", "write a name of the WHATWG Encoding Standard, such as utf-8 or windows-1256")
		default:
			table, oneOctet := encoding.(*charmap.Charmap)
			if !oneOctet {
				given.wrong("is one of several octets a character", "convert the file to UTF-8 first: iconv -f "+printable(text)+" -t utf-8")
			}
			s.Charset = table
		}
	}
}

func (s *Source) parseDatabase(n node, found map[string]node) {
	texts := map[string]*string{
		"address": &s.Address, "database": &s.Name, "user": &s.User, "password_file": &s.PasswordFile, "tls_ca_file": &s.TLSCAFile,
		"table": &s.Table, "query": &s.Query, "key": &s.Key, "time_zone": &s.TimeZone,
	}
	for _, name := range sortedKeys(texts) {
		if given, ok := found[name]; ok {
			if *texts[name], ok = given.text(); ok && *texts[name] == "" {
				given.wrong("is empty", "")
			}
		}
	}
	if given, ok := found["tls"]; ok {
		s.TLS = given.boolean()
	}
	if s.TLSCAFile != "" {
		s.TLS = true
	}
	if s.Kind != Database {
		return
	}
	for _, name := range []string{"address", "database", "user", "key"} {
		if _, ok := found[name]; !ok {
			n.wrong("has no "+name, "a database needs address, database, user, key, and table or query")
		}
	}
	if given, ok := found["address"]; ok && s.Address != "" && !isHostPort(s.Address) {
		given.wrong("must be host:port", "MySQL's port is 3306")
	}
	switch {
	case s.Table == "" && s.Query == "":
		n.wrong("has neither table nor query", "name the table, or write a SELECT")
	case s.Table != "" && s.Query != "":
		found["query"].wrong("stands beside table", "keep one of them")
	}
	if given, ok := found["time_zone"]; ok {
		if _, err := time.LoadLocation(s.TimeZone); err != nil && !isOffset(s.TimeZone) {
			given.wrong("is not a time zone", `write an offset such as "+03:00", or an IANA name that the server knows`)
		}
	}
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, wrong := strconv.ParseUint(port, 10, 16)
	return err == nil && wrong == nil && host != "" && n > 0
}

func isOffset(s string) bool {
	_, err := time.Parse("-07:00", s)
	return err == nil
}
