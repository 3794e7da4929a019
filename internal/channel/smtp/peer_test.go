package smtp_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is a mail server that misbehaves as told: a script maps the first word
// of a command, "" (the greeting), "." (after the dot) or "body" (in the middle
// of the message) to a reply, "close" or "hang".
type peer struct {
	host       string
	port       int
	extensions []string
	username   string
	password   string

	mutex       sync.Mutex
	script      map[string]string
	connections int
	open        int
	commands    []string
	messages    int
}

func newPeer(t testing.TB, script map[string]string) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{host: "127.0.0.1", port: l.Addr().(*net.TCPAddr).Port, script: script, extensions: []string{"ENHANCEDSTATUSCODES", "8BITMIME", "PIPELINING"}}
	var running sync.WaitGroup
	end := make(chan struct{})
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.mutex.Lock()
			p.connections++
			p.open++
			p.mutex.Unlock()
			running.Go(func() {
				done := make(chan struct{})
				running.Go(func() {
					select {
					case <-end:
					case <-done:
					}
					_ = conn.Close()
				})
				p.serve(conn, end)
				close(done)
				p.mutex.Lock()
				p.open--
				p.mutex.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		close(end)
		_ = l.Close()
		running.Wait()
	})
	return p
}

// set changes the script while the server runs.
func (p *peer) set(step, action string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.script[step] = action
}

func (p *peer) count() (connections, open, messages int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.connections, p.open, p.messages
}

// heard is every command so far.
func (p *peer) heard() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.commands)
}

func (p *peer) said(prefix string) int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	n := 0
	for _, c := range p.commands {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// act does what the script says, or replies; false ends the connection.
func (p *peer) act(conn net.Conn, end chan struct{}, step, reply string) bool {
	p.mutex.Lock()
	action := p.script[step]
	p.mutex.Unlock()
	switch action {
	case "close":
		return false
	case "hang":
		<-end
		return false
	case "":
	default:
		reply = action
	}
	_, err := fmt.Fprintf(conn, "%s\r\n", reply)
	return err == nil
}

func (p *peer) serve(conn net.Conn, end chan struct{}) {
	if !p.act(conn, end, "", "220 peer") {
		return
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		line := lines.Text()
		p.mutex.Lock()
		p.commands = append(p.commands, line)
		p.mutex.Unlock()
		verb, rest, _ := strings.Cut(line, " ")
		reply := "250 2.0.0 ok"
		switch verb {
		case "EHLO":
			reply = "250-peer\r\n250-" + strings.Join(p.extensions, "\r\n250-") + "\r\n250 SIZE 10000000"
		case "QUIT":
			reply = "221 2.0.0 bye"
		case "AUTH":
			reply = p.signIn(conn, lines, rest)
		case "DATA":
			p.mutex.Lock() // before the answer: the script may change with it
			refused, middle := p.script["DATA"] != "", p.script["body"] == "close"
			p.mutex.Unlock()
			if !p.act(conn, end, "DATA", "354 go on") {
				return
			}
			if refused {
				continue
			}
			for lines.Scan() && lines.Text() != "." {
				if middle {
					return
				}
			}
			p.mutex.Lock()
			p.messages++
			p.mutex.Unlock()
			verb = "."
		}
		if !p.act(conn, end, verb, reply) || verb == "QUIT" {
			return
		}
	}
}

func (p *peer) signIn(conn net.Conn, lines *bufio.Scanner, rest string) string {
	ask := func(challenge string) string {
		fmt.Fprintf(conn, "334 %s\r\n", base64.StdEncoding.EncodeToString([]byte(challenge)))
		lines.Scan()
		answer, _ := base64.StdEncoding.DecodeString(lines.Text())
		return string(answer)
	}
	mechanism, initial, _ := strings.Cut(rest, " ")
	ok := false
	switch mechanism {
	case "PLAIN":
		given, _ := base64.StdEncoding.DecodeString(initial)
		ok = string(given) == "\x00"+p.username+"\x00"+p.password
	case "LOGIN":
		ok = ask("Username:") == p.username && ask("Password:") == p.password
	case "CRAM-MD5":
		const challenge = "<1896.697170952@peer>"
		ok = ask(challenge) == p.username+" "+hmacMD5(p.password, challenge)
	}
	if !ok {
		return "535 5.7.8 no"
	}
	return "235 2.7.0 welcome"
}

// eventually waits for what another goroutine is about to do.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for range 500 {
		if check() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s does not come about", what)
}
