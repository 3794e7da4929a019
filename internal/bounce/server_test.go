package bounce_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"registrar/internal/bounce"
	"registrar/internal/delivery"
	"registrar/internal/registration"
)

// serve runs a server for bounces@example.org, and gives its address and what
// ends it.
func serve(t testing.TB, h *handler) (address string, stop func()) {
	t.Helper()
	return serveLogging(t, h, quiet())
}

func serveLogging(t testing.TB, h *handler, log *slog.Logger) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := bounce.NewServer(listener, bounce.ServerConfig{Addresses: []string{"Bounces@example.org", "complaints@example.org"}, Hello: "app.example.org", MaxBytes: 64 << 10, Log: log}, h.Handler)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

// smtplib is Python's own client: it prints what the server answered, a code
// for each step, up to the first that is an error.
const smtplib = `
import smtplib, sys
host, port, sender, to = sys.argv[1:5]
mail = sys.stdin.buffer.read()
with smtplib.SMTP(host, int(port), timeout=20) as client:
    client.ehlo("mx.example.net")
    codes = []
    for step in (lambda: client.mail(sender), lambda: client.rcpt(to), lambda: client.data(mail)):
        try:
            code, text = step()
        except smtplib.SMTPDataError as e:
            code, text = e.smtp_code, e.smtp_error
        codes.append("%d %s" % (code, text.decode().split(" ")[0]))
        if code >= 400:
            break
    print(", ".join(codes))
`

func send(t testing.TB, address, sender, to string, mail []byte) string {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", smtplib, host, port, sender, to)
	cmd.Stdin = bytes.NewReader(mail)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestServer: what is answered to each mail, by an SMTP client of another make.
func TestServer(t *testing.T) {
	t.Parallel()
	const taken, later = "250 2.0.0, 250 2.0.0, 250 2.0.0", "250 2.0.0, 250 2.0.0, 451 4.3.0"
	for name, c := range map[string]struct {
		sender, to string
		mail       []byte
		err        error
		want, seen string
	}{
		"a report":                {"", "bounces@example.org", golden(t, "postfix.eml"), nil, taken, "failed"},
		"another spelling":        {"", "BOUNCES@EXAMPLE.ORG", golden(t, "postfix.eml"), nil, taken, "failed"},
		"a complaint's sender":    {"abuse@provider.example", "complaints@example.org", golden(t, "complaint.eml"), nil, taken, "failed"},
		"a letter":                {"amina@example.net", "bounces@example.org", golden(t, "vacation.eml"), nil, taken, "no_report"},
		"a broken report":         {"", "bounces@example.org", []byte("Content-Type: multipart/report\r\n\r\n"), nil, taken, "unreadable"},
		"a forged one":            {"", "bounces@example.org", golden(t, "postfix.eml"), delivery.ErrUnmatched, taken, "unmatched"},
		"before the record":       {"", "bounces@example.org", golden(t, "postfix.eml"), delivery.ErrNotSettled, later, ""},
		"without database":        {"", "bounces@example.org", golden(t, "postfix.eml"), registration.ErrUnavailable, later, ""},
		"somebody else's mail":    {"", "registrar@example.org", golden(t, "postfix.eml"), nil, "250 2.0.0, 550 5.1.1", ""},
		"an address that is none": {"", "bounces", golden(t, "postfix.eml"), nil, "250 2.0.0, 501 5.5.2", ""},
		"too much":                {"", "bounces@example.org", append(golden(t, "postfix.eml"), bytes.Repeat([]byte("all work and no play\r\n"), 5000)...), nil, "250 2.0.0, 250 2.0.0, 552 5.3.4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(&ledger{verdict: gone, err: c.err})
			address, stop := serve(t, h)
			if got := send(t, address, c.sender, c.to, c.mail); got != c.want {
				t.Errorf("answered %q, want %q", got, c.want)
			}
			stop()
			if h.seen() != c.seen {
				t.Errorf("results %q, want %q", h.seen(), c.seen)
			}
		})
	}
}

// TestServerEnds with a client that says nothing, one in the middle of its mail,
// and more of them than are served at once: none of them holds it up.
func TestServerEnds(t *testing.T) {
	t.Parallel()
	h := newHandler(&ledger{verdict: gone})
	address, stop := serve(t, h)
	dial := func() net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	middle := dial()
	replies := bufio.NewScanner(middle)
	for _, line := range []string{"", "HELO mx", "MAIL FROM:<>", "RCPT TO:<bounces@example.org>", "DATA"} {
		if line != "" {
			fmt.Fprintf(middle, "%s\r\n", line)
		}
		if !replies.Scan() || replies.Text()[0] > '3' {
			t.Fatalf("%s: %s", line, replies.Text())
		}
	}
	fmt.Fprint(middle, "Subject: x\r\n")
	for range 300 {
		dial()
	}
	began := time.Now()
	stop()
	t.Logf("it took %s", time.Since(began))
	if replies.Scan() && strings.HasPrefix(replies.Text(), "2") {
		t.Errorf("the cut mail was taken: %s", replies.Text())
	}
	if h.seen() != "" {
		t.Errorf("results %q", h.seen())
	}
}

// TestTooManyConnections: as many clients as are served at once say nothing. One
// more is answered with 421 at once; with room again, mail is taken.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	const most = 256
	h := newHandler(&ledger{verdict: gone})
	var log bytes.Buffer
	address, stop := serveLogging(t, h, slog.New(slog.NewTextHandler(&log, nil)))
	greeting := func() (net.Conn, string, *bufio.Reader) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return conn, line, r
	}
	var idle []net.Conn
	for i := range most {
		conn, line, _ := greeting()
		if !strings.HasPrefix(line, "220 ") {
			t.Fatalf("connection %d: %s", i+1, line)
		}
		idle = append(idle, conn)
	}
	for range 3 {
		_, line, r := greeting()
		if !strings.HasPrefix(line, "421 app.example.org ") || !strings.HasSuffix(line, "\r\n") {
			t.Errorf("one too many: %q", line)
		}
		if _, err := r.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("it is not closed: %v", err)
		}
	}
	for _, conn := range idle[:most/2] {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for { // until the server has seen one of them close
		conn, line, _ := greeting()
		_ = conn.Close()
		if strings.HasPrefix(line, "220 ") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if got := send(t, address, "", "bounces@example.org", golden(t, "postfix.eml")); !strings.HasSuffix(got, "250 2.0.0") {
		t.Errorf("with room again: %s", got)
	}
	stop()
	if n := strings.Count(log.String(), "too many connections"); n != 1 {
		t.Errorf("it is told %d times:\n%s", n, log.String())
	}
}

// TestServerOnTheLedger: the report waits at its mail server until the
// notification is settled, and is in the database by the time of its 250.
func TestServerOnTheLedger(t *testing.T) {
	t.Parallel()
	db := openStore(t)
	id := db.register(t, "Amina@example.net")
	h := newHandler(db.Bounces())
	address, _ := serve(t, h)
	mail := about(t, "postfix.eml", id)
	if got := send(t, address, "", "bounces@example.org", mail); !strings.HasSuffix(got, "451 4.3.0") {
		t.Errorf("before the notification was sent: %s", got)
	}
	db.accept(t, id)
	if got := send(t, address, "", "bounces@example.org", mail); !strings.HasSuffix(got, "250 2.0.0") {
		t.Errorf("after it: %s", got)
	}
	db.expectBounced(t, id, amina, "BOUNCE 5.1.1", true)
	if got := send(t, address, "", "bounces@example.org", mail); !strings.HasSuffix(got, "250 2.0.0") {
		t.Errorf("once more: %s", got)
	}
	if h.seen() != "failed unchanged" {
		t.Errorf("results %q", h.seen())
	}
}
