package devstack

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WebState is how a balancer sees a web server (management guide, 9.1).
type WebState struct {
	Name        string
	Status      string // UP; DOWN; NOLB: it takes no new calls; behind a space how far it is on its way to another
	Check       string // what the last check saw, such as L7OK; INI before the first
	Connections int    // that went there so far, in the life of the balancer
}

// Webs asks the balancer for its web servers. It answers also while it is cut
// off, but not while it is paused.
func (b *HAProxy) Webs(ctx context.Context) ([]WebState, error) {
	answer, err := b.command(ctx, "show stat")
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(answer, "# "))).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fmt.Errorf("devstack: %s: its state cannot be read: %w", b.name, errors.Join(err, io.ErrUnexpectedEOF))
	}
	column := func(row []string, name string) string {
		if i := slices.Index(rows[0], name); i >= 0 {
			return row[i]
		}
		return ""
	}
	var webs []WebState
	for _, row := range rows[1:] {
		if name := column(row, "svname"); column(row, "pxname") == "webs" && name != "BACKEND" {
			connections, err := strconv.Atoi(column(row, "stot"))
			if err != nil {
				return nil, fmt.Errorf("devstack: %s: its state cannot be read: %w", b.name, err)
			}
			webs = append(webs, WebState{Name: name, Status: column(row, "status"), Check: strings.TrimPrefix(column(row, "check_status"), "* "), Connections: connections})
		}
	}
	return webs, nil
}

var workerPID = regexp.MustCompile(`(?m)^Pid: (\d+)$`)

// worker is the process id of the one that takes connections.
func (b *HAProxy) worker(ctx context.Context) (string, error) {
	info, err := b.command(ctx, "show info")
	if err != nil {
		return "", err
	}
	found := workerPID.FindStringSubmatch(info)
	if found == nil {
		return "", fmt.Errorf("devstack: %s: it names no process: %q", b.name, info)
	}
	return found[1], nil
}

// command sends one to the socket of operators, and gives the answer.
func (b *HAProxy) command(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	// By the process's own directory: the path of a socket may not be long.
	conn, err := new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/%d/cwd/socket", b.PID()))
	if err != nil {
		return "", fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	if _, err := io.WriteString(conn, text+"\n"); err != nil {
		return "", fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", fmt.Errorf("devstack: %s: %w", b.name, err)
	}
	return string(answer), nil
}
