package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
	"registrar/internal/transfer/source"
)

// TestRejectsAreReadLikeTheSource: what was refused can be mended and imported; what
// is left of the reasons does not matter, however often.
func TestRejectsAreReadLikeTheSource(t *testing.T) {
	t.Parallel()
	headless := csvSource()
	headless.Header, headless.Columns = false, []string{"id", "name"}
	for _, test := range []struct {
		name, file, text string
		source           mapping.Source
		want             string // the file, twice refused
	}{
		{"CSV", "users.csv", "id,name\n1,\"a,\n\"\"b\"\"\"\n2\n3,\"x\n", csvSource(), "id,name,import_reason\n1,\"a,\n\"\"b\"\"\",erased\n2,,row_unreadable: why\n\"3,\"\"x\",,row_unreadable: why\n"},
		{"CSV without a header", "users.csv", "1,a\n2\n", headless, "1,a,erased\n2,,row_unreadable: why\n"},
		{"a field too many", "users.csv", "id,name\n1,Smith, John\n2,a,b,c\n", csvSource(), "id,name,import_reason\n1,Smith,\" John\",row_unreadable: why\n2,a,b,c,row_unreadable: why\n"},
		{"a field too many without a header", "users.csv", "3,x\n1,Smith, John\n2,a,b,c\n", headless, "3,x,erased\n1,Smith,\" John\",row_unreadable: why\n2,a,b,c,row_unreadable: why\n"},
		{"columns in another order", "users.csv", "id,import_reason,name\n1,old,a\n", csvSource(), "id,name,import_reason\n1,a,erased\n"},
		{"JSON Lines", "users.jsonl", "{\"name\": \"a<b\", \"id\": 1, \"other\": [2]}\n", mapping.Source{Kind: mapping.JSONL}, "{\"id\":1,\"import_reason\":\"erased\",\"name\":\"a<b\",\"other\":[2]}\n"},
		{"JSON that cannot be read", "users.jsonl", "{oops\n{\"id\":1,\"id\":2}\n{\"id\":\"\\ud800\"}\n{\"id\":\"\xe9\"}\n{\"id\":[],\"name\":\"\"}\n", mapping.Source{Kind: mapping.JSONL},
			`{"import_reason":"row_unreadable: why","unreadable":"{oops"}` + "\n" + `{"import_reason":"row_unreadable: why","unreadable":"{\"id\":1,\"id\":2}"}` + "\n" +
				`{"import_reason":"row_unreadable: why","unreadable":"{\"id\":\"\\ud800\"}"}` + "\n" + `{"import_reason":"row_unreadable: why","unreadable_base64":"eyJpZCI6IukifQ=="}` + "\n" +
				`{"id":[],"import_reason":"row_unreadable: why","name":""}` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from := write(t, test.file, test.text)
			for range 2 {
				to := filepath.Join(t.TempDir(), "rejects"+filepath.Ext(test.file))
				r, err := source.OpenRejects(to, test.source, from, nil)
				if err != nil {
					t.Fatal(err)
				}
				var rejects []transfer.Reject
				for _, row := range all(t, test.source, from, []string{"id", "name"}, "") {
					reason := "erased"
					if row.Wrong != "" {
						reason = "row_unreadable: why"
					}
					rejects = append(rejects, transfer.Reject{Row: row, Reason: reason})
				}
				if _, err := r.Append(0, rejects); err != nil {
					t.Fatal(err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				if text, err := os.ReadFile(to); err != nil || string(text) != test.want {
					t.Fatalf("the rejects are\n%s\nnot\n%s(%v)", text, test.want, err)
				}
				from = to
			}
		})
	}
}

// TestRejectsOfADatabase are JSON Lines, which the same mapping reads.
func TestRejectsOfADatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	s := mapping.Source{Kind: mapping.Database}
	r, err := source.OpenRejects(path, s, "", []string{"id", "email"})
	if err != nil {
		t.Fatal(err)
	}
	values := []transfer.Value{{Text: "1"}, {Null: true}}
	if _, err := r.Append(0, []transfer.Reject{{Row: transfer.Row{Raw: values}, Reason: "why"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := brief(all(t, s, path, []string{"email", "id", "import_reason"}, "")); !slices.Equal(got, []string{"1:~|1|why"}) {
		t.Errorf("read again they are %q", got)
	}
}

// TestRejectsBehindASize: what was written beyond what counts is dropped; less than
// what counts is an error.
func TestRejectsBehindASize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rejects.jsonl")
	open := func() *source.Rejects {
		r, err := source.OpenRejects(path, mapping.Source{Kind: mapping.Database}, "", []string{"id"})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	reject := func(id string) []transfer.Reject {
		return []transfer.Reject{{Row: transfer.Row{Raw: []transfer.Value{{Text: id}}}, Reason: "why"}}
	}
	r := open()
	size, err := r.Append(0, reject("1"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the transaction was rolled back, and run again
		if _, err := r.Append(size, reject("22222222")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open() // the process was killed before COMMIT
	if size, err = r.Append(size, reject("3")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "{\"id\":\"1\",\"import_reason\":\"why\"}\n{\"id\":\"3\",\"import_reason\":\"why\"}\n" || int64(len(text)) != size {
		t.Errorf("the file is %q, %v", text, err)
	}
	if _, err := r.Append(size+1, nil); !errors.Is(err, source.ErrRejectsShort) {
		t.Errorf("the error is %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	if _, err := r.Append(0, nil); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file with nothing in it is left: %v", err)
	}
	if strings.Contains(string(text), "2222") {
		t.Error("what did not count is there")
	}
}

// TestUnreadableRowsStayUnreadable: what is left of a row that could not be read is
// not taken for one before somebody has mended it.
func TestUnreadableRowsStayUnreadable(t *testing.T) {
	t.Parallel()
	headless := csvSource()
	headless.Header, headless.Columns = false, []string{"id", "name"}
	for _, test := range []struct {
		file, text, mended string
		source             mapping.Source
	}{
		{"users.csv", "id,name\n1\n", "id,name,import_reason\n1,,\n", csvSource()},
		{"users.csv", "1,\"\n", "1,,\n", headless},
		{"users.jsonl", "{\"id\": 1\n", "{\"id\": 1, \"import_reason\": \"\", \"name\": \"\"}", mapping.Source{Kind: mapping.JSONL}},
	} {
		from := write(t, test.file, test.text)
		for range 3 {
			rows := all(t, test.source, from, []string{"id", "name"}, "")
			if len(rows) != 1 || rows[0].Wrong == "" {
				t.Fatalf("%q is read as %q", test.text, brief(rows))
			}
			to := filepath.Join(t.TempDir(), "rejects"+filepath.Ext(test.file))
			r, err := source.OpenRejects(to, test.source, from, nil)
			if err != nil {
				t.Fatal(err)
			}
			reason := transfer.Finding{Rule: transfer.RowUnreadable, Why: rows[0].Wrong}.String()
			if _, err := r.Append(0, []transfer.Reject{{Row: rows[0], Reason: reason}}); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			from = to
		}
		if rows := all(t, test.source, write(t, test.file, test.mended), []string{"id", "name"}, ""); len(rows) != 1 || rows[0].Values[0].Text != "1" {
			t.Errorf("mended it is read as %q", brief(rows))
		}
	}
}
