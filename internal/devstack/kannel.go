package devstack

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	kannelBearerbox = "/usr/sbin/bearerbox" //nolint:gosec // a program's name
	kannelSmsbox    = "/usr/sbin/smsbox"
	kannelBatch     = "/usr/bin/mtbatch"
	kannelUser      = "registrar"
	kannelPassword  = "secret"
	kannelSender    = "Registrar"
	kannelQueue     = 10_000_000 // messages; beyond it they are refused
	kannelConns     = 64         // that Send keeps open at most
	kannelTimeout   = 60 * time.Second
	kannelGrace     = 60 * time.Second // its store may have a million messages
)

// Kannel is an SMS gateway: smsbox takes messages by HTTP, and bearerbox stores
// them, queues them in a heap by priority and sends them to one message centre.
//
// What it takes is in a file before it answers, and is sent again after a
// crash of the process. It does not have: fsync, so that a crash of the machine
// may lose what was taken; a ledger of what became of a message, or of what was
// sent before; a deadline that is checked before each attempt. Of equal
// priority it sends the newest second's messages first.
type Kannel struct {
	bearerbox, smsbox *Process
	admin, send       string // URLs
	dir, port         string // port is bearerbox's
	client            *http.Client
}

// KannelOptions say how the gateway keeps and sends messages.
type KannelOptions struct {
	Store      string // "spool", a file a message (the default), or "file", one log, rewritten when it is quiet
	Window     int    // how many messages may be without an answer at the message centre; 0 for 10
	Throughput int    // messages a second at most, which go out at once at the beginning of each second; 0 for no limit
}

// StartKannel starts a gateway whose files are in dir, with one transceiver at
// smsc, and waits until both are bound. What an earlier one has left in dir is
// sent first.
func StartKannel(ctx context.Context, dir string, smsc *SMSC, o KannelOptions) (*Kannel, error) {
	k, settings, err := newKannel(dir, smsc, o)
	if err != nil {
		return nil, fmt.Errorf("devstack: kannel: %w", err)
	}
	// smsbox ends where no bearerbox listens, so it comes second.
	if k.bearerbox, err = StartProcess("bearerbox", dir, kannelBearerbox, "-v", "2", settings); err == nil {
		err = k.await(ctx, k.bearerbox, "online", func(s kannelStatus) []string { return s.Centres })
	}
	if err == nil {
		k.smsbox, err = StartProcess("smsbox", dir, kannelSmsbox, "-v", "2", settings)
	}
	if err == nil {
		err = k.await(ctx, k.smsbox, "on-line", func(s kannelStatus) []string { return s.Boxes })
	}
	if err != nil {
		k.Kill()
		return nil, err
	}
	return k, nil
}

// await waits for the one peer that p brings to bearerbox to be there.
func (k *Kannel) await(ctx context.Context, p *Process, there string, peers func(kannelStatus) []string) error {
	return p.AwaitReady(ctx, func(ctx context.Context) error {
		status, err := k.status(ctx)
		if err != nil {
			return err
		}
		if got := peers(status); len(got) != 1 || !strings.HasPrefix(got[0], there) {
			return fmt.Errorf("bearerbox sees %q, not one that is %s", got, there)
		}
		return nil
	})
}

// newKannel writes the settings of both programs.
func newKannel(dir string, smsc *SMSC, o KannelOptions) (k *Kannel, settings string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, "", err
	}
	var ports [3]int // bearerbox's for the administrator and for smsbox, smsbox's for messages
	for i := range ports {
		if ports[i], err = FreePort(); err != nil {
			return nil, "", err
		}
	}
	o.Store, o.Window = cmp.Or(o.Store, "spool"), cmp.Or(o.Window, 10)
	store := filepath.Join(dir, "store")
	if err := os.MkdirAll(store, 0o700); err != nil {
		return nil, "", err
	}
	if o.Store == "file" {
		store = filepath.Join(store, "messages")
	}
	group := func(name string, settings ...string) string {
		return "group = " + name + "\n" + strings.Join(settings, "\n") + "\n\n"
	}
	centre := []string{
		"smsc = smpp", "smsc-id = centre", "transceiver-mode = true", "host = " + smsc.Host, fmt.Sprint("port = ", smsc.Port),
		"smsc-username = " + smsc.SystemID, "smsc-password = " + smsc.Password, `system-type = ""`, fmt.Sprint("max-pending-submits = ", o.Window),
	}
	if o.Throughput > 0 {
		centre = append(centre, fmt.Sprint("throughput = ", o.Throughput))
	}
	text := group("core", "admin-interface = 127.0.0.1", fmt.Sprint("admin-port = ", ports[0]), "admin-password = "+kannelPassword,
		"smsbox-interface = 127.0.0.1", fmt.Sprint("smsbox-port = ", ports[1]), "box-allow-ip = 127.0.0.1",
		"store-type = "+o.Store, "store-location = "+store, fmt.Sprint("sms-outgoing-queue-limit = ", kannelQueue)) +
		group("smsc", centre...) +
		group("smsbox", "smsbox-id = smsbox", "bearerbox-host = 127.0.0.1", fmt.Sprint("bearerbox-port = ", ports[1]),
			"sendsms-interface = 127.0.0.1", fmt.Sprint("sendsms-port = ", ports[2])) +
		group("sendsms-user", "username = "+kannelUser, "password = "+kannelPassword)
	settings = filepath.Join(dir, "kannel.conf")
	if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	return &Kannel{
		dir: dir, port: strconv.Itoa(ports[1]),
		admin:  fmt.Sprintf("http://127.0.0.1:%d/status.xml?password=%s", ports[0], kannelPassword),
		send:   fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms?username=%s&password=%s", ports[2], kannelUser, kannelPassword),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: kannelConns, MaxConnsPerHost: kannelConns}},
	}, settings, nil
}

// Send hands one message over, and returns when it is stored or refused. to is
// an international number with +. Priority is SMPP's, 0 to 3; 3 goes first.
func (k *Kannel) Send(ctx context.Context, to, text string, priority int) error {
	query := url.Values{"from": {kannelSender}, "to": {to}, "text": {text}, "priority": {strconv.Itoa(priority)}}
	answer, err := k.get(ctx, k.send+"&"+query.Encode(), http.StatusAccepted)
	if err != nil {
		return fmt.Errorf("devstack: kannel: %w: %s", err, answer)
	}
	return nil
}

// SendBatch hands the text over to each of the international numbers, without +,
// by Kannel's own program for bulk, which knows no priority: they come behind
// all that have one. It returns when all are stored.
func (k *Kannel) SendBatch(ctx context.Context, text string, numbers []string) error {
	content, receivers := filepath.Join(k.dir, "content"), filepath.Join(k.dir, "receivers")
	for name, data := range map[string]string{content: text, receivers: strings.Join(numbers, "\n")} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			return fmt.Errorf("devstack: kannel: %w", err)
		}
	}
	p, err := StartProcess("mtbatch", k.dir, kannelBatch, "-v", "2", "-b", "127.0.0.1", "-p", k.port, "-f", kannelSender, content, receivers)
	if err != nil {
		return err
	}
	select {
	case <-p.Exited():
	case <-ctx.Done():
		p.Kill()
	}
	if err := p.Err(); err != nil {
		return fmt.Errorf("devstack: mtbatch: %w; its log: %s\n%s", errors.Join(err, ctx.Err()), p.Log, tail(p.Log))
	}
	return nil
}

// Queued is how many messages are stored: the message centre has not answered
// them yet.
func (k *Kannel) Queued(ctx context.Context) (int, error) {
	status, err := k.status(ctx)
	return status.Stored, err
}

// kannelStatus is of bearerbox's status page what is looked at.
type kannelStatus struct {
	Stored  int      `xml:"sms>storesize"`
	Boxes   []string `xml:"boxes>box>status"`
	Centres []string `xml:"smscs>smsc>status"`
}

func (k *Kannel) status(ctx context.Context) (status kannelStatus, err error) {
	page, err := k.get(ctx, k.admin, http.StatusOK)
	if err == nil {
		err = xml.Unmarshal(page, &status)
	}
	if err != nil {
		return status, fmt.Errorf("devstack: kannel: status: %w", err)
	}
	return status, nil
}

func (k *Kannel) get(ctx context.Context, url string, want int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kannelTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = errors.New(resp.Status)
	}
	return answer, err
}

// Stop ends both programs as an administrator does: smsbox first, so that
// bearerbox answers what it has taken. It is an error when one does not end by
// itself with exit code 0.
func (k *Kannel) Stop() error {
	k.client.CloseIdleConnections()
	var ends []error
	for _, p := range []*Process{k.smsbox, k.bearerbox} {
		p.Stop(kannelGrace)
		if err := p.Err(); err != nil {
			ends = append(ends, fmt.Errorf("devstack: %s: %w; its log: %s\n%s", p.Name, err, p.Log, tail(p.Log)))
		}
	}
	return errors.Join(ends...)
}

// Kill ends both programs at once.
func (k *Kannel) Kill() {
	k.client.CloseIdleConnections()
	for _, p := range []*Process{k.smsbox, k.bearerbox} {
		if p != nil {
			p.Kill()
		}
	}
}
