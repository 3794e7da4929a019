package soap_test

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/golden/*.answer anew")

// TestGolden sends each testdata/golden/*.request over a connection, as bytes,
// and compares the answer's bytes, but for the Date header, with the .answer
// beside it. Lines of a request's head end with a line feed in the file; the
// Content-Length is added. Names begin with what the request is about.
func TestGolden(t *testing.T) {
	requests, err := filepath.Glob("testdata/golden/*.request")
	if err != nil || len(requests) == 0 {
		t.Fatal("no requests", err)
	}
	server := httptest.NewServer(newEcho(t, withHeaders))
	t.Cleanup(server.Close)
	for _, name := range requests {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".request"), func(t *testing.T) {
			got := exchange(t, server.Listener.Addr().String(), file(t, name))
			golden := strings.TrimSuffix(name, ".request") + ".answer"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want := file(t, golden); !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func exchange(t *testing.T, address string, request []byte) []byte {
	t.Helper()
	head, body, _ := bytes.Cut(request, []byte("\n\n"))
	body = bytes.TrimSuffix(body, []byte("\n"))
	raw := strings.ReplaceAll(string(head), "\n", "\r\n") + "\r\n"
	if len(body) > 0 {
		raw += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, raw+"\r\n"+string(body)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s\n", response.Proto, response.Status)
	response.Header.Del("Date")
	var lines []string
	for name, values := range response.Header {
		for _, v := range values {
			lines = append(lines, name+": "+v)
		}
	}
	slices.Sort(lines)
	fmt.Fprintf(&out, "%s\n\n%s\n", strings.Join(lines, "\n"), answer)
	return out.Bytes()
}
