package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// csvSource is what a mapping says of a CSV file unless it says more.
func csvSource() mapping.Source {
	return mapping.Source{Kind: mapping.CSV, Delimiter: ',', Header: true}
}

// all reads everything behind a position, some rows at a time.
func all(t testing.TB, s mapping.Source, path string, columns []string, at transfer.Position) []transfer.Row {
	t.Helper()
	src, err := source.Open(t.Context(), s, path, columns, at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}()
	var rows []transfer.Row
	for {
		some, err := src.Next(t.Context(), 1+rand.IntN(4))
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			t.Fatal("no rows, and not the end")
		}
		rows = append(rows, some...)
	}
}

// brief is rows as NUMBER:VALUE|VALUE, null as ~ and what is wrong as !.
func brief(rows []transfer.Row) []string {
	texts := []string{}
	for _, r := range rows {
		var values []string
		for _, v := range r.Values {
			if v.Null {
				v.Text = "~"
			}
			values = append(values, v.Text)
		}
		text := fmt.Sprintf("%d:%s", r.Number, strings.Join(values, "|"))
		if r.Wrong != "" {
			text = fmt.Sprintf("%d!%s", r.Number, r.Wrong)
		}
		texts = append(texts, text)
	}
	return texts
}

func TestCSV(t *testing.T) {
	t.Parallel()
	null := `\N`
	with := func(change func(*mapping.Source)) mapping.Source {
		s := csvSource()
		change(&s)
		return s
	}
	headless := with(func(s *mapping.Source) { s.Header, s.Columns = false, []string{"id", "name"} })
	quote := "a quotation mark is in the wrong place, or not closed; inside of a quoted field it is doubled"
	for _, test := range []struct {
		name, text string
		source     mapping.Source
		columns    []string
		want       []string
	}{
		{"columns by their names", "name,id\nNadia,1\nAmir,2\n", csvSource(), []string{"id", "name"}, []string{"2:1|Nadia", "3:2|Amir"}},
		{"no line end at the end", "id\n1", csvSource(), []string{"id"}, []string{"2:1"}},
		{"a header alone", "id,name\n", csvSource(), []string{"id"}, []string{}},
		{"a byte order mark and CRLF", "\ufeffid,name\r\n1,Nadia\r\n2,Amir\r\n", csvSource(), []string{"id", "name"}, []string{"2:1|Nadia", "3:2|Amir"}},
		{"lines and quotation marks in a field", "id,name\n1,\"Na\ndia \"\"N\"\"\"\n2,Amir\n", csvSource(), []string{"id", "name"}, []string{"2:1|Na\ndia \"N\"", "4:2|Amir"}},
		{"empty lines", "id\n\n1\n\n\n2\n", csvSource(), []string{"id"}, []string{"3:1", "6:2"}},
		{"too few and too many fields", "id,name\n1\n2,Amir\n3,a,b,c\n4,Smith, John\n5,a,email_taken\n", csvSource(), []string{"id"}, []string{"2!it has 1 fields and not 2", "3:2", "4!it has 4 fields and not 2", "5!it has 3 fields and not 2", "6!it has 3 fields and not 2"}},
		{"too many fields without a header", "1,Amir\n2,Smith, John\n3,Smith,\n", headless, []string{"id", "name"}, []string{"1:1|Amir", "2!it has 3 fields and not 2", "3!it has 3 fields and not 2"}},
		{"rejects without a header", "1,Amir,\n2,Smith,email_taken\n3,Layla,\n4,Nadia\n5,Smith, John\n6,a,\"name_invalid (first_name): holds a control character; email_taken\"\n7,a,row_unreadable: why\n", headless, []string{"id", "name"},
			[]string{"1:1|Amir", "2:2|Smith", "3:3|Layla", "4:4|Nadia", "5!it has 3 fields and not 2", "6:6|a", "7!it is as it was when it could not be read: mend it, and empty its import_reason"}},
		{"a mark in the wrong place", "id,name\n1,Na\"dia\n2,Amir\n", csvSource(), []string{"id"}, []string{"2!" + quote, "3:2"}},
		{"a mark that is not closed", "id,name\n1,\"Nadia\n2,Amir\n3,\"Layla\"\n", csvSource(), []string{"id"}, []string{"2!" + quote, "3:2", "4:3"}},
		{"semicolons", "id;name\n1;a,b\n", with(func(s *mapping.Source) { s.Delimiter = ';' }), []string{"name"}, []string{"2:a,b"}},
		{"null", "id,name\n1,\\N\n2,\n", with(func(s *mapping.Source) { s.Null = &null }), []string{"id", "name"}, []string{"2:1|~", "3:2|"}},
		{"no header", "1,Nadia\n2,Amir\n", headless, []string{"name"}, []string{"1:Nadia", "2:Amir"}},
		{"windows-1256", "id,name\n1,\xc7\xe1\xe1\xe5\n", with(func(s *mapping.Source) { s.Charset = charmap.Windows1256 }), []string{"name"}, []string{"2:الله"}},
		{"not in the charset", "id,name\n1,\xc7\n2,x\n", csvSource(), []string{"id", "name"}, []string{"2!it is not in the file's charset", "3:2|x"}},
		{"a column that is not asked for may be anything", "id,name\n1,\xc7\n", csvSource(), []string{"id"}, []string{"2:1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "users.csv", test.text)
			rows := all(t, test.source, path, test.columns, "")
			if got := brief(rows); !slices.Equal(got, test.want) {
				t.Errorf("the rows are %q, not %q", got, test.want)
			}
			goesOn(t, test.source, path, test.columns, rows)
		})
	}
}

// goesOn: opened behind any row, a source gives the rows that follow.
func goesOn(t *testing.T, s mapping.Source, path string, columns []string, rows []transfer.Row) {
	t.Helper()
	for i, r := range rows {
		if got, want := brief(all(t, s, path, columns, r.After)), brief(rows[i+1:]); !slices.Equal(got, want) {
			t.Errorf("behind row %d are %q, not %q", i, got, want)
		}
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	path := write(t, "users.jsonl", "\ufeff"+`{"id": 12345678901234567890, "name": "Nad\u00eda", "ok": true}

{"name": null}
[1, 2]
{"id": {"a": 1}, "name": "x"}
{"id": 1.50, "name": "x", "ok": false
`+"{\"id\": 2, \"name\": \""+strings.Repeat("x", 2<<20)+"\"}\n"+`{"id": "3", "name": "last"}`)
	columns := []string{"id", "name", "ok"}
	s := mapping.Source{Kind: mapping.JSONL}
	rows := all(t, s, path, columns, "")
	want := []string{
		"1:12345678901234567890|Nadía|true", "3:~|~|~", "4!it is not a JSON object", "5!a column's value is neither a text nor a number, true, false or null",
		"6!it is not a JSON object", "7!it is longer than 1 MiB", "8:3|last|~",
	}
	if got := brief(rows); !slices.Equal(got, want) {
		t.Errorf("the rows are %q, not %q", got, want)
	}
	goesOn(t, s, path, columns, rows)
}

// TestJSONThatIsNotWhatItSeems: what a reader of JSON would change or leave out in
// silence makes a row unreadable.
func TestJSONThatIsNotWhatItSeems(t *testing.T) {
	t.Parallel()
	notUTF8, surrogate, twice := "it is not in UTF-8", `it has an escape \u of half a character`, "it has a name twice"
	for _, test := range []struct{ text, want string }{
		{"{\"id\":\"kr\xe9\"}", "1!" + notUTF8},
		{"{\"id\":1,\"other\":\"kr\xe9\"}", "1!" + notUTF8},
		{`{"id":"\ud800x"}`, "1!" + surrogate},
		{`{"id":"\udc00\ud800"}`, "1!" + surrogate},
		{`{"id":"\ud800\u0041"}`, "1!" + surrogate},
		{`{"id":"\uD83D\uDE00 \\ud800 \u00e9"}`, `1:😀 \ud800 é`},
		{`{"id":1,"name":"a","id":2}`, "1!" + twice},
		{`{"id":1,"i\u0064":2}`, "1!" + twice},
		{`{"id":"a,\"id\":{2}","other":[1,{"id":3,"id":4},5],"ID":6}`, `1:a,"id":{2}`},
		{`{}`, "1:~"},
	} {
		if got := brief(all(t, mapping.Source{Kind: mapping.JSONL}, write(t, "users.jsonl", test.text+"\n"+`{"id":null}`), []string{"id"}, "")); len(got) != 2 || got[0] != test.want {
			t.Errorf("%q is %q, not %q", test.text, got, test.want)
		}
	}
}

// TestColumnsThatNoObjectHas: of JSON Lines too a name that is written wrong is
// seen, wherever in the file reading begins. Rejects may leave out what was null.
func TestColumnsThatNoObjectHas(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("{\"id\":1,\"name\":null}\n", 3000)
	for _, test := range []struct{ name, text, err string }{
		{"a wrong name", long, "no row has a column passwrd: there are id, name"},
		{"in the last row alone", long + "{oops\n{\"passwrd\":null}\n", ""},
		{"nothing that could be read", "{oops\n", ""},
		{"nothing", "", ""},
		{"rejects", "{\"id\":1,\"import_reason\":\"why\"}\n", ""},
	} {
		for _, at := range []transfer.Position{"", "0:1"} {
			src, err := source.Open(t.Context(), mapping.Source{Kind: mapping.JSONL}, write(t, "users.jsonl", test.text), []string{"id", "passwrd"}, at)
			if err == nil {
				err = src.Close()
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

// TestAQuoteThatIsNeverClosed does not take the rest of the file with it, nor into
// memory.
func TestAQuoteThatIsNeverClosed(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("id,name\n1,\"Nadia\n")
	for i := range 200_000 {
		fmt.Fprintf(&b, "%d,somebody\n", i)
	}
	rows := all(t, csvSource(), write(t, "users.csv", b.String()), []string{"id"}, "")
	if len(rows) != 200_001 || !strings.HasPrefix(rows[0].Wrong, "it is longer than 1 MiB") || rows[1].Number != 3 || rows[200_000].Wrong != "" {
		t.Errorf("%d rows, the first is %q", len(rows), rows[0].Wrong)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, err string }{
		{"users.csv", "", "the file is empty"},
		{"users.csv", "a,b\n", "there is no column id, email: there are a, b"},
		{"users.csv", "id,email,name,id\n", "the first line names the column id twice"},
		{"users.csv", "\"a\n", "cannot be read"},
		{"users.csv", "\xc7,b\n", "not in the file's charset"},
		{"users.txt", "id,email\n", "neither .csv nor .jsonl"},
	} {
		s := csvSource()
		if strings.HasSuffix(test.name, ".txt") {
			s.Kind = mapping.Database
		}
		_, err := source.Open(t.Context(), s, write(t, test.name, test.text), []string{"id", "email"}, "")
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s %q: %v", test.name, test.text, err)
		}
	}
	for _, at := range []transfer.Position{"x", "-1:1", "99:1", "n:17"} {
		if _, err := source.Open(t.Context(), csvSource(), write(t, "users.csv", "id\n1\n"), []string{"id"}, at); err == nil {
			t.Errorf("the position %q is taken", at)
		}
	}
	pipe := filepath.Join(t.TempDir(), "users.csv") // that nobody writes to
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{t.TempDir(), pipe} {
		if _, err := source.Open(t.Context(), csvSource(), path, nil, ""); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := source.Fingerprint(t.Context(), path); err == nil {
			t.Errorf("%s has a fingerprint", path)
		}
	}
}

// TestFingerprint: a file that was changed is another one.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	middle := long[:100_000] + "y" + long[100_001:]
	seen := map[[32]byte]string{}
	for _, text := range []string{"", "a", "b", "ab", long, long + "y", "y" + long, long[1:] + "y", middle} {
		sum, err := source.Fingerprint(t.Context(), write(t, "f", text))
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := seen[sum]; twice {
			t.Errorf("two files have one fingerprint")
		}
		seen[sum] = text
	}
}

// FuzzCSV: whatever is in a file, reading ends, and goes on behind any row as if it
// had never stopped.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"id,name\n1,a\n", "id,name\n1,\"a\nb\"\n2,\"\n3,c\n", "\ufeffid,name\r\n\r\n1,\"\"\"\"\r\n", "id,name\n\"1\"x,2\n1,2,3\n\xff,\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, "users.csv", "id,name\n"+text)
		rows := all(t, csvSource(), path, []string{"id", "name"}, "")
		if len(rows) > 40 {
			rows = rows[:40]
		}
		for i, r := range rows {
			rest := all(t, csvSource(), path, []string{"id", "name"}, r.After)
			if got, want := brief(rest[:min(len(rest), len(rows)-i-1)]), brief(rows[i+1:]); !slices.Equal(got, want) {
				t.Fatalf("behind row %d of %q are %q, not %q", i, text, got, want)
			}
		}
	})
}

// TestCancelled: reading ends with its context.
func TestCancelled(t *testing.T) {
	t.Parallel()
	src, err := source.Open(t.Context(), csvSource(), write(t, "users.csv", "id\n1\n"), []string{"id"}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.Next(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if _, err := source.Fingerprint(ctx, write(t, "users.csv", "id\n1\n")); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
