package interop_test

// client is one row of the table: a stack as a caller of the service uses it.
type client struct {
	stack    string   // the folder that has it
	soap     string   // the SOAP version: 1.1 or 1.2
	flavour  string   // which client, where a folder has several
	gate     bool     // part of `make test` and `make interop`; the others run by `make interop-all`
	security []string // the ways in which it can authenticate: basic, wsse-text, wsse-digest
}

var clients = []client{
	{stack: "perl", soap: "1.1", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
	{stack: "perl", soap: "1.2", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
	{stack: "php", soap: "1.1", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
	{stack: "php", soap: "1.2", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
	{stack: "suds", soap: "1.1", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
	{stack: "zeep", soap: "1.1", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
	{stack: "zeep", soap: "1.2", gate: true, security: []string{"basic", "wsse-text", "wsse-digest"}},
}
