// Command sink is a mail server that takes everything and keeps nothing, for
// measurements: it shows when each message's DATA came, and how many there were.
//
//	sink [-log]
//
// It prints its port, then with -log a line for each message: its Message-ID
// without the domain, a space, and the microseconds since 1970 at which DATA was
// read. A line on standard input is answered by "= " and the number of messages
// so far; the end of standard input ends the program.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	log := flag.Bool("log", false, "a line for each message")
	flag.Parse()
	if err := run(*log); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sink counts messages and writes of them.
type sink struct {
	log   bool
	count atomic.Int64
	mu    sync.Mutex
	out   *bufio.Writer
}

func run(log bool) error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &sink{log: log, out: bufio.NewWriter(os.Stdout)}
	s.print(fmt.Sprintf("%d\n", l.Addr().(*net.TCPAddr).Port))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		s.print(fmt.Sprintf("= %d\n", s.count.Load()))
	}
	return l.Close()
}

func (s *sink) print(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.out.WriteString(line)
	_ = s.out.Flush()
}

// serve is one connection. Answers leave when nothing more has been read, so
// that commands that came together are answered together (RFC 2920).
func (s *sink) serve(conn net.Conn) {
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	_, _ = out.WriteString("220 sink ESMTP\r\n")
	var inData, inHeader bool
	var came time.Time
	var id string
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case inData && len(line) == 3 && line[0] == '.':
			inData = false
			s.count.Add(1)
			_, _ = out.WriteString("250 2.0.0 ok\r\n")
			if s.log {
				s.print(fmt.Sprintf("%s %d\n", id, came.UnixMicro()))
			}
		case inData && inHeader:
			if after, ok := bytes.CutPrefix(line, []byte("Message-ID: <")); ok && s.log {
				local, _, _ := bytes.Cut(after, []byte("@"))
				id = string(local)
			}
			inHeader = len(line) > 2
		case inData:
		case bytes.HasPrefix(line, []byte("DATA")):
			inData, inHeader, id, came = true, true, "", time.Now()
			_, _ = out.WriteString("354 go on\r\n")
		case bytes.HasPrefix(line, []byte("EHLO")):
			_, _ = out.WriteString("250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 10485760\r\n")
		case bytes.HasPrefix(line, []byte("QUIT")):
			_, _ = out.WriteString("221 2.0.0 bye\r\n")
			_ = out.Flush()
			return
		default:
			_, _ = out.WriteString("250 2.0.0 ok\r\n")
		}
	}
}
