package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"registrar/internal/config"
	"registrar/internal/store"
	"registrar/internal/transfer/export"
	"registrar/internal/transfer/mapping"
)

// The formats of an export.
const (
	formatCSV   = "csv"
	formatJSON  = "jsonl"
	formatMySQL = "mysql"
)

// exported is how an export is written.
type exported struct {
	*export.Exporter
	delimiter rune
	null      string
	lost      []string     // columns that nothing fills
	like      string       // the table with such columns; "" where none is known
	table     export.Table // where the rows go, by LOAD DATA
}

func (f exportFlags) exporter(cmd *cobra.Command, c config.Config, db *store.DB) (e exported, err error) {
	e = exported{Exporter: &export.Exporter{People: db.People(nil), Caller: f.caller, Form: export.Plain{}}, delimiter: ',', table: export.Table{Name: "people_back"}}
	if e.Hashes, err = export.ParseHashes(f.hashes); err != nil {
		return e, fmt.Errorf("--hashes: %w", err)
	}
	if f.since != "" {
		if e.Since, err = time.Parse(time.RFC3339, f.since); err != nil {
			return e, fmt.Errorf("--since %q is not a time such as 2026-03-01T12:00:00Z", f.since)
		}
	}
	named := cmd.Flags().Changed("caller")
	switch {
	case !slices.Contains([]string{formatCSV, formatJSON, formatMySQL}, f.format):
		return e, errors.New("--format must be csv, jsonl or mysql")
	case f.mapping == "" && !named:
		return e, errors.New("--caller is needed, or --mapping: registrar caller list names the callers")
	case f.mapping == "":
		return e, nil
	}
	m, err := mapping.Load(f.mapping)
	if err != nil {
		return e, err
	}
	if named && f.caller != m.Caller {
		return e, fmt.Errorf("--caller is another one than the mapping's, %s: leave it out", m.Caller)
	}
	inverse, lost := m.Inverse()
	e.Caller, e.lost, e.delimiter = m.Caller, lost, m.Source.Delimiter
	if m.Source.Table != "" {
		e.like, e.table = m.Source.Table, export.Table{Name: m.Source.Table + "_back", TimeZone: m.Source.TimeZone}
	}
	form := export.Mapped{Inverse: inverse, Mapper: m.Mapper(mappingEnvironment(c))}
	switch {
	case m.Source.Null != nil:
		e.null = *m.Source.Null
	case m.Source.Kind == mapping.Database:
		e.null = `\N`
	}
	if f.format == formatCSV {
		form.Null = e.null
	}
	e.Form = form
	return e, nil
}

func (e exported) writer(w io.Writer, format string) (export.Writer, error) {
	switch format {
	case formatJSON:
		return export.NewJSON(w, e.Form.Columns())
	case formatMySQL:
		return export.NewLoadData(w, e.Form.Columns())
	default:
		return export.NewCSV(w, e.delimiter, e.null, e.Form.Columns())
	}
}
