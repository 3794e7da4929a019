package mapping_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"registrar/internal/address"
	"registrar/internal/password"
	"registrar/internal/transfer"
	"registrar/internal/transfer/mapping"
)

// head is what every mapping begins with.
const head = "version: 1\ncaller: monolith\nsource: {kind: csv}\n"

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func environment() mapping.Environment {
	return mapping.Environment{
		DomainToASCII: address.DomainToASCII, ParseMobile: address.Mobiles{Region: "SA"}.Parse, DefaultLocale: "en",
		CheckHash: password.Importable, Now: func() time.Time { return today },
	}
}

func parse(t testing.TB, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Parse("mapping.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mapRow maps a row that is given by its columns; "NULL" is null.
func mapRow(t testing.TB, m *mapping.Mapping, row map[string]string) transfer.Mapped {
	t.Helper()
	var values []transfer.Value
	for _, c := range m.Columns() {
		text, ok := row[c]
		values = append(values, transfer.Value{Text: text, Null: !ok})
	}
	return m.Mapper(environment()).Map(transfer.Row{Values: values, Number: 1})
}

// found is what was found, as RULE/ACTION with spaces between.
func found(m transfer.Mapped) string {
	var texts []string
	for _, f := range m.Findings {
		texts = append(texts, string(f.Rule)+"/"+string(f.Action))
	}
	return strings.Join(texts, " ")
}

func problemsOf(t *testing.T, text string) []string {
	t.Helper()
	_, err := mapping.Parse("mapping.yaml", []byte(text))
	problems, ok := errors.AsType[*mapping.Problems](err)
	if !ok {
		t.Fatalf("the error is %v", err)
	}
	var lines []string
	for _, p := range problems.List {
		lines = append(lines, p.String())
	}
	return lines
}
