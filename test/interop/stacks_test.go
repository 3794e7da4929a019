package interop_test

// client is one row of the table: a stack as a caller of the service uses it.
type client struct {
	stack    string   // the folder that has it
	soap     string   // the SOAP version: 1.1 or 1.2
	flavour  string   // which client, where a folder has several
	gate     bool     // part of `make test` and `make interop`; the others run by `make interop-all`
	more     []string // steps beyond those of every client
	security []string // the ways in which it can authenticate: basic, wsse-text, wsse-digest
}

// others are the steps of VerifyContact, ResendCode and VerifyPassword, whose
// messages have nothing that the others do not have too.
var others = []string{"codes", "passwords"}

// everyWay is what most stacks can.
var everyWay = []string{"basic", "wsse-text", "wsse-digest"}

var clients = []client{
	{stack: "axis1", soap: "1.1", gate: true, security: []string{"basic"}},
	{stack: "axis2", soap: "1.1", gate: true, security: []string{"basic"}},
	{stack: "axis2", soap: "1.2", gate: true, security: []string{"basic"}},
	{stack: "cxf", soap: "1.1", gate: true, security: everyWay},
	{stack: "cxf", soap: "1.2", gate: true, security: everyWay},
	{stack: "gowsdl", soap: "1.1", gate: true, security: []string{"basic", "wsse-text"}},
	{stack: "gsoap", soap: "1.1", gate: true, security: everyWay},
	{stack: "gsoap", soap: "1.2", gate: true, security: everyWay},
	{stack: "kdsoap", soap: "1.1", gate: true, security: []string{"basic", "wsse-digest"}},
	// Its digests once only: each process uses the same nonces, and two in one second make the same token.
	{stack: "kdsoap", soap: "1.2", gate: true, security: []string{"basic"}},
	{stack: "metro", soap: "1.1", gate: true, security: []string{"basic"}},
	{stack: "metro", soap: "1.2", gate: true, security: []string{"basic"}},
	{stack: "mono", soap: "1.1", gate: true, security: []string{"basic"}},
	{stack: "mono", soap: "1.2", gate: true, security: []string{"basic"}},
	{stack: "node-soap", soap: "1.1", gate: true, security: everyWay},
	{stack: "node-soap", soap: "1.2", gate: true, security: everyWay},
	{stack: "perl", soap: "1.1", gate: true, security: everyWay},
	{stack: "perl", soap: "1.2", gate: true, security: everyWay},
	{stack: "php", soap: "1.1", gate: true, more: others, security: everyWay},
	{stack: "php", soap: "1.2", gate: true, more: others, security: everyWay},
	{stack: "pysimplesoap", soap: "1.1", gate: true, security: []string{"basic", "wsse-text"}},
	{stack: "raw", soap: "1.1", flavour: "cics", gate: true},
	{stack: "raw", soap: "1.1", flavour: "curl-gzip", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.2", flavour: "curl-gzip", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.1", flavour: "msxml", gate: true},
	{stack: "raw", soap: "1.1", flavour: "msxml-utf16", gate: true},
	{stack: "raw", soap: "1.1", flavour: "msxml-windows1252", gate: true},
	{stack: "raw", soap: "1.1", flavour: "nusoap", gate: true},
	{stack: "raw", soap: "1.1", flavour: "oracle", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.1", flavour: "postman", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.2", flavour: "postman", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.1", flavour: "sap", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.1", flavour: "sap-wsa", gate: true, security: []string{"basic"}},
	{stack: "raw", soap: "1.1", flavour: "winhttp", gate: true},
	{stack: "strong-soap", soap: "1.1", gate: true, security: everyWay},
	{stack: "strong-soap", soap: "1.2", gate: true, security: everyWay},
	{stack: "suds", soap: "1.1", gate: true, security: everyWay},
	{stack: "zeep", soap: "1.1", gate: true, more: others, security: everyWay},
	{stack: "zeep", soap: "1.2", gate: true, more: others, security: everyWay},
}
