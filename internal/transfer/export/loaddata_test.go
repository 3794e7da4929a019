package export_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"registrar/internal/transfer"
	"registrar/internal/transfer/export"
)

// awkward are values that one reader or another takes for something else.
var awkward = []string{
	"", " ", "  lead", "trail ", "NULL", "null", `\N`, `\\N`, `N\`, `\`, `\\`, `\"`, `"`, `""`, `'`, "`", `A\B`, `Foo\`, `\0`, `Tab\t`, `back\nslash`, `\Z`, `\'`,
	",", `a,b;c`, `","`, "\t", "\n", "\r", "\r\n", "x\r\ny", "\x00", "a\x00b", "\x1a", "\x08", "\ufeff", "@id", "#", "-- ", "/*", "%s", "=cmd|x", ";",
	"😀👨\u200d👩", "محمد", "\u200fمحمد\u200f", "نورة, \"الحداد\"", "é", "e\u0301", "ß", "\u2028", "日本\\語", "\U0010ffff",
}

// piece gives a text of some of the awkward ones, of letters and of octets.
func piece(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(4) {
		switch r.IntN(3) {
		case 0:
			b.WriteString(awkward[r.IntN(len(awkward))])
		case 1:
			b.WriteRune(rune(r.IntN(0x80)))
		default:
			b.WriteRune([]rune("aZ0نé😀\u200f\u0301")[r.IntN(8)])
		}
	}
	return b.String()
}

func query(t *testing.T, sql string) string {
	t.Helper()
	out, err := sharedNode(t).Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// load writes rows to a file, and loads it as the statement says.
func load(t *testing.T, table export.Table, mode string, columns []string, rows [][]transfer.Value) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "it's.mysql")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := export.NewLoadData(f, columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if warnings := query(t, fmt.Sprintf("SET sql_mode = '%s'; %s SHOW WARNINGS", mode, table.Load(path, columns))); warnings != "" {
		t.Errorf("the server warns: %.300s", warnings)
	}
}

// TestWhatIsLoadedIsWhatWasWritten: as many rows, and each value and null as it was,
// by the statement as it is given, whatever sql_mode is.
func TestWhatIsLoadedIsWhatWasWritten(t *testing.T) {
	t.Parallel()
	const texts = 3
	columns := []string{"id", "a", "b`c", "d e", "registration_id"}
	for name, mode := range map[string]string{"default": "", "strict": "STRICT_ALL_TABLES", "no_backslashes": "NO_BACKSLASH_ESCAPES", "ansi": "ANSI,NO_BACKSLASH_ESCAPES,TRADITIONAL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Log("seed", seed)
			r := rand.New(rand.NewPCG(seed, 0))
			var rows [][]transfer.Value
			add := func(values ...transfer.Value) {
				id := transfer.Value{Text: fmt.Sprint(len(rows) + 1)}
				rows = append(rows, slices.Concat([]transfer.Value{id}, values, []transfer.Value{{Text: "0190"}}))
			}
			null := transfer.Value{Null: true}
			add(null, null, null)
			for _, v := range awkward {
				add(transfer.Value{Text: v}, null, transfer.Value{Text: v})
				add(null, transfer.Value{Text: v}, null)
			}
			for range 3000 {
				values := make([]transfer.Value, texts)
				for i := range values {
					switch values[i].Text = piece(r); {
					case r.IntN(5) == 0:
						values[i] = null
					case i == texts-1: // a salt of octets
						values[i].Text += string([]byte{byte(r.UintN(256)), byte(r.UintN(256))}) + piece(r)
					}
				}
				add(values...)
			}

			table := "back." + name
			query(t, "CREATE TABLE "+table+" (id INT NOT NULL PRIMARY KEY, a VARCHAR(200), `b``c` VARCHAR(200), `d e` VARBINARY(200)) CHARACTER SET utf8mb4")
			load(t, export.Table{Name: table}, mode, columns, rows)
			got := strings.Split(query(t, "SELECT CONCAT_WS(' ', id, IFNULL(HEX(a), '-'), IFNULL(HEX(`b``c`), '-'), IFNULL(HEX(`d e`), '-'), '.') FROM "+table+" ORDER BY id"), "\n")
			if len(got) != len(rows) {
				t.Fatalf("%d rows are there, not %d", len(got), len(rows))
			}
			for i, row := range rows {
				want := row[0].Text
				for _, v := range row[1 : 1+texts] {
					if v.Null {
						want += " -"
					} else {
						want += " " + strings.ToUpper(hex.EncodeToString([]byte(v.Text)))
					}
				}
				if want += " ."; got[i] != want {
					t.Errorf("row %d %+v is %s, not %s", i+1, row, got[i], want)
				}
			}
		})
	}
}

// TestRowsGoIntoATableOfOtherTypes: moments in the session's time zone, a bit, and a
// key that the table makes where there is none.
func TestRowsGoIntoATableOfOtherTypes(t *testing.T) {
	t.Parallel()
	query(t, "CREATE TABLE back.types (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP NULL, news BIT(1), password VARCHAR(255) NOT NULL)")
	text := func(s string) transfer.Value { return transfer.Value{Text: s} }
	null := transfer.Value{Null: true}
	load(t, export.Table{Name: "back.types", TimeZone: "+03:00"}, "TRADITIONAL", []string{"id", "at", "news", "password", "registration_id"}, [][]transfer.Value{
		{text("7"), text("2024-01-01 03:00:00"), text("\x01"), text("x"), text("0190")},
		{text("9"), null, text("\x00"), text(""), text("0190")},
		{null, null, null, text("y"), text("0190")},
	})
	want := "7 1704067200 1 x|9 - 0 |10 - - y"
	if got := query(t, "SELECT GROUP_CONCAT(CONCAT_WS(' ', id, IFNULL(UNIX_TIMESTAMP(at), '-'), IFNULL(news + 0, '-'), password) ORDER BY id SEPARATOR '|') FROM back.types"); got != want {
		t.Errorf("there is %s, not %s", got, want)
	}
}
