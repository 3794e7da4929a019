package smtp_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// sinkVariable makes this test binary a mail server that takes everything and
// keeps nothing, in a process of its own, so that what is measured is the client's.
// Its value is the extensions, by commas.
const sinkVariable = "REGISTRAR_SMTP_SINK"

// startSink gives the sink's port.
func startSink(b *testing.B, extensions ...string) int {
	b.Helper()
	sink := exec.CommandContext(b.Context(), os.Args[0])
	sink.Env = append(os.Environ(), sinkVariable+"="+strings.Join(extensions, ","))
	out, err := sink.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	stop, err := sink.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := sink.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stop.Close()
		_ = sink.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	port, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		b.Fatal(err)
	}
	return port
}

// runSink serves until standard input ends.
func runSink(extensions []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go swallow(conn, extensions)
		}
	}()
	_, _ = os.Stdin.Read(make([]byte, 1))
	return l.Close()
}

func swallow(conn net.Conn, extensions []string) {
	defer conn.Close()
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	_, _ = out.WriteString("220 sink\r\n")
	inData := false
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case inData:
			if len(line) == 3 && line[0] == '.' {
				inData = false
				_, _ = out.WriteString("250 2.0.0 ok\r\n")
			}
		case bytes.HasPrefix(line, []byte("DATA")):
			inData = true
			_, _ = out.WriteString("354 go on\r\n")
		case bytes.HasPrefix(line, []byte("EHLO")):
			for _, e := range extensions {
				_, _ = out.WriteString("250-" + e + "\r\n")
			}
			_, _ = out.WriteString("250 SIZE 10000000\r\n")
		case bytes.HasPrefix(line, []byte("QUIT")):
			_, _ = out.WriteString("221 2.0.0 bye\r\n")
			_ = out.Flush()
			return
		default:
			_, _ = out.WriteString("250 2.0.0 ok\r\n")
		}
	}
}
