// Package haproxy holds the balancer's configuration, so that development and
// tests run the very file that operators do.
package haproxy

import _ "embed"

// Configuration is haproxy.cfg. It wants another file beside it, with the
// backend `webs` (see webs.cfg).
//
//go:embed haproxy.cfg
var Configuration []byte
