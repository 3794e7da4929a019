package devstack

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	postfixMaster = "/usr/lib/postfix/sbin/master"
	saslPasswords = "/usr/sbin/saslpasswd2" //nolint:gosec // a program's name
	// mailboxOwner is whom Postfix delivers as: it never does as root.
	mailboxOwner = "nobody"
)

// Postfix is a mail server that takes mail to every address and delivers it into
// one Maildir. It offers PIPELINING, DSN, CHUNKING, 8BITMIME and SMTPUTF8.
//
// Its configuration, queue and mail are in a directory of their own; nothing of
// the machine's Postfix is read or written. It has to be started by root.
type Postfix struct {
	*Process
	Host    string
	Port    int
	RootCAs *x509.CertPool // of its certificate; nil without TLS
	CAFile  string         // the same in a file
	User    string         // to sign in as; "" where nobody has to
	Secret  string

	dir string
}

// Addresses that Postfix has.
const (
	PostfixFull    = "full@example.com"    // mail to it is accepted, and returned with 5.2.2
	PostfixUnknown = "unknown@example.com" // mail to it is refused with 550 5.1.1
	PostfixAlias   = "127.0.0.2"           // it listens there too, where its certificate does not hold
)

// PostfixOptions say what the server asks for.
type PostfixOptions struct {
	TLS    bool   // STARTTLS, required
	SignIn bool   // by SASL, required
	Milter string // host:port of a mail filter; "" for none
}

// StartPostfix starts a mail server whose files are in dir, and waits until it
// greets.
func StartPostfix(ctx context.Context, dir string, o PostfixOptions) (*Postfix, error) {
	p, err := newPostfix(ctx, dir, o)
	if err == nil {
		p.Process, err = StartProcess("postfix", p.dir, postfixMaster, "-c", p.config(), "-d")
	}
	if err != nil {
		return nil, fmt.Errorf("devstack: postfix: %w", err)
	}
	if err := p.AwaitReady(ctx, func(ctx context.Context) error { return greets(ctx, p.Host, p.Port) }); err != nil {
		p.Kill()
		return nil, fmt.Errorf("%w\n%s", err, tail(filepath.Join(p.dir, "maillog")))
	}
	return p, nil
}

// newPostfix writes everything that Postfix reads.
func newPostfix(ctx context.Context, dir string, o PostfixOptions) (*Postfix, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("it can only be started by root")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p := &Postfix{Host: "127.0.0.1", dir: dir}
	if p.Port, err = FreePort(); err != nil {
		return nil, err
	}
	owner, err := user.Lookup(mailboxOwner)
	if err != nil {
		return nil, err
	}
	daemon, err := user.Lookup("postfix")
	if err != nil {
		return nil, fmt.Errorf("%w (hack/deps installs it)", err)
	}
	if err := passable(dir); err != nil {
		return nil, err
	}
	folders := map[string]*user.User{p.path("etc/sasl"): nil, p.path("queue/pid"): nil, p.path("data"): daemon, p.path("mail"): owner}
	for _, queue := range []string{
		"active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private", "public", "saved", "trace",
	} {
		folders[p.path("queue/"+queue)] = daemon
	}
	for path, owner := range folders {
		if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // other users' processes read there
			return nil, err
		}
		if owner != nil {
			if err := chown(path, owner); err != nil {
				return nil, err
			}
		}
	}
	if o.TLS {
		p.CAFile = p.path("cert.pem")
		if p.RootCAs, err = writeCertificate(p.CAFile, p.path("key.pem"), p.Host); err != nil {
			return nil, err
		}
	}
	if o.SignIn {
		p.User, p.Secret = "registrar@mail.example.org", "devstack"
		if err := p.addUser(ctx, daemon); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(p.config(), "main.cf"), []byte(p.mainConfiguration(o, owner)), 0o600); err != nil {
		return nil, err
	}
	return p, os.WriteFile(filepath.Join(p.config(), "master.cf"), []byte(p.services()), 0o600)
}

// passable lets other users' processes pass to dir, where the directories above
// it are temporary ones.
func passable(dir string) error {
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return err
		}
		if info.Mode()&0o001 != 0 {
			continue
		}
		if !strings.HasPrefix(d, filepath.Clean(os.TempDir())+string(filepath.Separator)) {
			return fmt.Errorf("other users cannot pass through %s, and Postfix has users of its own", d)
		}
		if err := os.Chmod(d, info.Mode().Perm()|0o011); err != nil {
			return err
		}
	}
	return nil
}

func (p *Postfix) path(name string) string { return filepath.Join(p.dir, name) }
func (p *Postfix) config() string          { return p.path("etc") }

// addUser makes a file of passwords for SASL.
func (p *Postfix) addUser(ctx context.Context, daemon *user.User) error {
	file := p.path("sasl.db")
	name, realm, _ := strings.Cut(p.User, "@")
	add := exec.CommandContext(ctx, saslPasswords, "-p", "-c", "-f", file, "-u", realm, name) //nolint:gosec // our own arguments
	add.Stdin = strings.NewReader(p.Secret)
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("%w (hack/deps installs it)\n%s", err, out)
	}
	// Debian's Postfix looks for it in sasl below its configuration.
	settings := "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: " + file + "\nmech_list: PLAIN LOGIN CRAM-MD5\n"
	if err := os.WriteFile(p.path("etc/sasl/smtpd.conf"), []byte(settings), 0o644); err != nil { //nolint:gosec // the daemon's user reads it
		return err
	}
	return chown(file, daemon)
}

func (p *Postfix) mainConfiguration(o PostfixOptions, owner *user.User) string {
	c := fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[1]s/maillog
maillog_file_prefixes = %[1]s
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtputf8_enable = yes
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_base = %[1]s/mail
virtual_mailbox_maps = static:box/
virtual_minimum_uid = 1
virtual_uid_maps = static:%[2]s
virtual_gid_maps = static:%[3]s
transport_maps = inline:{ {%[4]s=full:} }
smtpd_recipient_restrictions = check_recipient_access inline:{ {%[5]s=550 5.1.1 no such user} }%[6]s
smtpd_peername_lookup = no
disable_dns_lookups = yes
default_transport = error:outside
relay_transport = error:outside
`, p.dir, owner.Uid, owner.Gid, PostfixFull, PostfixUnknown, map[bool]string{true: ", permit_sasl_authenticated, reject", false: ", permit"}[o.SignIn])
	if o.TLS {
		c += fmt.Sprintf("smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = %s\nsmtpd_tls_key_file = %s\n", p.path("cert.pem"), p.path("key.pem"))
	}
	if o.SignIn {
		c += "smtpd_sasl_auth_enable = yes\n"
	}
	if o.Milter != "" {
		c += "smtpd_milters = inet:" + o.Milter + "\nmilter_default_action = tempfail\n"
	}
	return c
}

// services is master.cf: none of them changes its root directory.
func (p *Postfix) services() string {
	return strings.Join([]string{
		fmt.Sprintf("%s:%d inet n - n - - smtpd", p.Host, p.Port), fmt.Sprintf("%s:%d inet n - n - - smtpd", PostfixAlias, p.Port),
		"pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "tlsmgr unix - - n 1000? 1 tlsmgr",
		"rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
		"verify unix - - n - 1 verify", "flush unix n - n 1000? 0 flush", "proxymap unix - - n - - proxymap", "smtp unix - - n - - smtp",
		"error unix - - n - - error", "full unix - n n - - pipe user=" + mailboxOwner + " argv=/bin/sh -c {echo 5.2.2 mailbox full; exit 77}", "retry unix - - n - - error", "virtual unix - n n - - virtual", "anvil unix - - n - 1 anvil",
		"postlog unix-dgram n - n - 1 postlogd",
	}, "\n") + "\n"
}

// Messages gives what was delivered so far, oldest first, byte for byte. The
// envelope is in the header fields Return-Path and X-Original-To.
func (p *Postfix) Messages() ([][]byte, error) {
	dir := filepath.Join(p.path("mail"), "box", "new")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type arrival struct {
		at  time.Time
		raw []byte
	}
	arrivals := make([]arrival, len(entries))
	for i, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		arrivals[i].at = info.ModTime()
		if arrivals[i].raw, err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return a.at.Compare(b.at) })
	messages := make([][]byte, len(arrivals))
	for i, a := range arrivals {
		messages[i] = a.raw
	}
	return messages, nil
}

// Await waits for a message that check accepts, and gives it, with its header read.
func (p *Postfix) Await(ctx context.Context, check func(mail.Header) bool) ([]byte, mail.Header, error) {
	for {
		messages, err := p.Messages()
		if err != nil {
			return nil, nil, err
		}
		for _, raw := range messages {
			if m, err := mail.ReadMessage(bytes.NewReader(raw)); err == nil && check(m.Header) {
				return raw, m.Header, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("devstack: postfix: no such message among %d: %w\n%s", len(messages), ctx.Err(), tail(p.path("maillog")))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func chown(path string, u *user.User) error {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, gid)
}
