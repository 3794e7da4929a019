package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"registrar/internal/transfer/export"
)

// exportView is an export as it is reported.
type exportView struct {
	Caller   string           `json:"caller"`
	File     string           `json:"file,omitempty"`
	Written  int64            `json:"written"`
	Keyless  int64            `json:"without_external_id"`
	Phantoms int64            `json:"left_out_address_of_others"`
	Earlier  int64            `json:"left_out_earlier"`
	NoHash   int64            `json:"without_password"`
	Hashes   map[string]int64 `json:"hashes"`
	ByPHP    int64            `json:"hashes_that_php_verifies"`
	Emptied  map[string]int64 `json:"hashes_left_empty"`
	Columns  []string         `json:"columns_left_null,omitempty"`
	Lost     map[string]int64 `json:"not_written_back,omitempty"`
	Table    string           `json:"table,omitempty"`
	LoadData string           `json:"load_data,omitempty"` // SQL that puts the file into Table
}

func (e exported) tell(w io.Writer, r export.Report, path string, flags exportFlags) error {
	v := exportView{e.Caller, path, r.Written, r.Keyless, r.Phantoms, r.Earlier, r.NoHash, r.Hashes, 0, r.Emptied, e.lost, r.Lost, "", ""}
	for class, n := range r.Hashes {
		if export.VerifiedByPHP(class) {
			v.ByPHP += n
		}
	}
	if flags.format == formatMySQL {
		v.Table, v.LoadData = e.table.Name, e.table.Load(cmp.Or(path, "/dev/stdin"), e.Form.Columns())
	}
	if flags.asJSON {
		return writeJSON(w, v)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name string, n int64) { fmt.Fprintf(table, "%s\t%d\n", name, n) }
	optional := func(name string, n int64) {
		if n > 0 {
			line(name, n)
		}
	}
	line("people written", r.Written)
	optional("  without an external id", r.Keyless)
	optional("  without a password", r.NoHash)
	optional("left out: the address is somebody else's", r.Phantoms)
	optional("left out: nothing since "+flags.since, r.Earlier)
	for _, class := range slices.Sorted(maps.Keys(r.Hashes)) {
		line("hashes of "+class, r.Hashes[class])
	}
	line("hashes that PHP's password_verify takes", v.ByPHP)
	for _, class := range slices.Sorted(maps.Keys(r.Emptied)) {
		line("left empty: hashes of "+class, r.Emptied[class])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Lost)) {
		line("not written back: "+name, r.Lost[name])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range e.lost {
		fmt.Fprintf(w, "The column %s is null in all rows.\n", c)
	}
	if path != "" {
		fmt.Fprintf(w, "\n%s is whole. It has password hashes in it: keep it as you keep the database.\n", path)
	}
	if v.LoadData == "" {
		return nil
	}
	such := ""
	if e.like != "" {
		such = fmt.Sprintf(" such as CREATE TABLE %s LIKE %s makes", e.table.Name, e.like)
	}
	_, err := fmt.Fprintf(w, "\nMySQL and MariaDB load it by this, into an empty table%s:\n\n%s\n\nThe answer has to be Records: %d  Deleted: 0  Skipped: 0  Warnings: 0. If it is not, SHOW WARNINGS says why.\n",
		such, v.LoadData, r.Written)
	return err
}
