package devstack

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const opendkimServer = "/usr/sbin/opendkim"

// OpenDKIM is a mail filter that verifies DKIM signatures and tells what it
// found in Authentication-Results (RFC 8601). Public keys come from a file
// instead of DNS.
type OpenDKIM struct {
	*Process
	Address string // host:port, for PostfixOptions.Milter
}

// StartOpenDKIM starts the filter. keys has the published records by name, such as
// "selector._domainkey.example.org": "v=DKIM1; k=rsa; p=...".
func StartOpenDKIM(ctx context.Context, dir string, keys map[string]string) (*OpenDKIM, error) {
	port, err := FreePort()
	if err != nil {
		return nil, fmt.Errorf("devstack: opendkim: %w", err)
	}
	o := &OpenDKIM{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	var records strings.Builder
	for name, record := range keys {
		fmt.Fprintf(&records, "%s %s\n", name, record)
	}
	published, settings := filepath.Join(dir, "published"), filepath.Join(dir, "opendkim.conf")
	if err := os.WriteFile(published, []byte(records.String()), 0o600); err != nil {
		return nil, fmt.Errorf("devstack: opendkim: %w", err)
	}
	text := fmt.Sprintf("Mode v\nSocket inet:%d@127.0.0.1\nTestPublicKeys %s\nAuthservID mail.example.org\nAlwaysAddARHeader yes\nSyslog no\nBackground no\n", port, published)
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("devstack: opendkim: %w", err)
	}
	if o.Process, err = StartProcess("opendkim", dir, opendkimServer, "-f", "-x", settings); err != nil {
		return nil, err
	}
	err = o.AwaitReady(ctx, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", o.Address)
		if err == nil {
			_ = conn.Close()
		}
		return err
	})
	if err != nil {
		o.Kill()
		return nil, err
	}
	return o, nil
}
