package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"registrar/internal/devstack"
	"registrar/internal/devstack/cluster"
)

// display shows what is where: on a terminal a table that is kept current, else
// lines as things happen.
type display struct {
	out      io.Writer
	terminal bool

	mu    sync.Mutex
	lines int             // of the table that is shown
	last  map[string]row  // by name
	parts []devstack.Part // of the table
}

type row struct {
	about devstack.About
	state string
	since time.Time
}

func newDisplay(out *os.File) *display {
	return &display{out: out, terminal: isatty.IsTerminal(out.Fd()), last: map[string]row{}}
}

// says shows a line above the table.
func (d *display) says(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.above(text + "\n")
}

// Write implements io.Writer, for a log.
func (d *display) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.above(string(p))
	return len(p), nil
}

// above writes where the table is, and the table below it again.
func (d *display) above(text string) {
	if d.lines > 0 {
		fmt.Fprintf(d.out, "\x1b[%dA\x1b[J", d.lines)
		d.lines = 0
	}
	fmt.Fprint(d.out, text)
	d.draw()
}

// started shows a part that can be used.
func (d *display) started(a devstack.About) {
	d.says(fmt.Sprintf("  %-10s %-9s pid %-8d %s", a.Name, a.Kind, a.PID, a.Address))
}

// ready shows how to use it, and from now on the table.
func (d *display) ready(c *cluster.Cluster, took time.Duration, dir string) {
	about := c.Describe()
	d.says(fmt.Sprintf(`
Ready after %s.

  SOAP endpoint  %s
  WSDL           %s?wsdl
  Inbox          mail: %s   SMS: %s
  What is where  %s

Kill any part by its pid: it is started again. Ctrl-C stops everything.
`, took.Round(100*time.Millisecond), about.URL, about.URL, c.Mail.Inbox(), c.SMSC.Journal(), filepath.Join(dir, "cluster.json")))
	d.update(c.Parts())
}

// update shows the parts as they are now, and says whether any is another
// process than before.
func (d *display) update(parts []devstack.Part) (changed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range parts {
		now := row{about: p.About(), state: state(p), since: time.Now()}
		before, known := d.last[now.about.Name]
		if known && before.about.PID == now.about.PID && before.state == now.state {
			continue
		}
		if known && before.about.PID != now.about.PID {
			changed = true
		}
		d.last[now.about.Name] = now
	}
	d.parts = parts
	if d.terminal {
		d.above("")
	}
	return changed
}

// draw writes the table, on a terminal.
func (d *display) draw() {
	if !d.terminal || len(d.parts) == 0 {
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "\n%-10s %-9s %-8s %-22s %-22s %-6s %s\n", "NAME", "KIND", "PID", "ADDRESS", "ADMIN", "STATE", "FOR")
	for _, p := range d.parts {
		r := d.last[p.About().Name]
		fmt.Fprintf(&b, "%-10s %-9s %-8d %-22s %-22s %-6s %s\n", r.about.Name, r.about.Kind, r.about.PID, r.about.Address, r.about.Admin, r.state, time.Since(r.since).Round(time.Second))
	}
	d.lines = strings.Count(b.String(), "\n")
	_, _ = d.out.Write(b.Bytes())
}
