package gateway_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"registrar/internal/gateway"
)

// TestBasicAsClientsWriteIt: "none" is for what is refused.
func TestBasicAsClientsWriteIt(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Basic cGxhaW46UExBSU4=":     "plain:PLAIN",
		"basic cGxhaW46UExBSU4=":     "plain:PLAIN",
		"BASIC    cGxhaW46UExBSU4=":  "plain:PLAIN",
		"Basic cGxhaW46UExBSU4=  ":   "plain:PLAIN",
		"Basic cGxhaW46UExBSU4":      "plain:PLAIN",
		"Basic YTpiOmM=":             "a:b:c",
		"Basic YTo=":                 "a:",
		"Basic Og==":                 ":",
		"Basic Og":                   ":",
		"Basic YTpi":                 "a:b",
		"Basic YTr8":                 "a:\xfc",
		"Basic YTrDvA==":             "a:ü",
		"Basic":                      "none",
		"Basic ":                     "none",
		"Basic YQ==":                 "none", // no colon
		"Basic\tYTpi":                "none",
		"Basic\u00a0YTpi":            "none",
		" Basic YTpi":                "none",
		"Basic YTpi YTpi":            "none",
		"Basic YT pi":                "none",
		"Basic YTpi,":                "none",
		"Basic YTpi=":                "none",
		"Basic Og=":                  "none",
		"Basic Og===":                "none",
		"Basic Oh==":                 "none", // bits left over
		"Basic Oh":                   "none",
		"Basic YTpi\r\n":             "none",
		"Basic -_-_":                 "none",
		"Basic a:b":                  "none",
		"Bearer YTpi":                "none",
		"Basic realm=\"x\", a=\"b\"": "none",
	} {
		name, password, ok := gateway.ParseBasic(header)
		if got := name + ":" + password; ok != (want != "none") || ok && got != want {
			t.Errorf("%q: %q, %t", header, got, ok)
		}
	}
}

// FuzzBasic: what net/http takes means the same here, and what is taken here
// beyond that differs in spaces and padding alone.
func FuzzBasic(f *testing.F) {
	for _, header := range []string{"Basic YTpi", "basic  Og", "Basic Og==", "Basic Og=\n=", "Basic Oh==", "Basic", "Bearer YTpi", "Ba\u017fic YTpi"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		name, password, ok := gateway.ParseBasic(header)
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		otherName, otherPassword, other := r.BasicAuth()
		if ok && other && (name != otherName || password != otherPassword) {
			t.Fatalf("%q: %q %q, net/http %q %q", header, name, password, otherName, otherPassword)
		}
		if !ok {
			return
		}
		written := "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
		plain := func(s string) string {
			scheme, rest, _ := strings.Cut(s, " ")
			return strings.ToLower(scheme) + " " + strings.TrimRight(strings.Trim(rest, " "), "=")
		}
		if plain(written) != plain(header) {
			t.Fatalf("%q is taken for %q", header, written)
		}
	})
}
