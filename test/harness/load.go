package harness

import (
	"bufio"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Conn is one kept HTTP/1.1 connection that costs the machine as little as it
// can, so that a measurement on the same cores measures the service.
type Conn struct {
	net.Conn
	r    *bufio.Reader
	head string
}

// Dial connects to the SOAP endpoint at target.
func Dial(ctx context.Context, target string) (*Conn, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	head := "POST " + u.Path + " HTTP/1.1\r\nHost: " + u.Host + "\r\nContent-Type: text/xml; charset=utf-8\r\nSOAPAction: \"\"\r\nContent-Length: "
	return &Conn{Conn: c, r: bufio.NewReader(c), head: head}, nil
}

// Post sends one envelope and reads the answer to its end; it gives the status.
func (c *Conn) Post(envelope string) (int, error) {
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(c.Conn, c.head+strconv.Itoa(len(envelope))+"\r\n\r\n"+envelope); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// Load posts n envelopes over conns connections, each as soon as the one
// before is answered, and fails on any status but 200. envelope makes the i-th.
func Load(tb testing.TB, target string, conns, n int, envelope func(i int) string) time.Duration {
	tb.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, conns)
	start := time.Now()
	for range conns {
		wg.Go(func() {
			c, err := Dial(tb.Context(), target)
			if err != nil {
				errs <- err
				return
			}
			defer c.Close()
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				status, err := c.Post(envelope(i))
				if err == nil && status != http.StatusOK {
					err = fmt.Errorf("envelope %d: HTTP %d", i, status)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	close(errs)
	for err := range errs {
		tb.Fatal(err)
	}
	return took
}

// CPU is the processor time that a process has used, user and system, from
// the kernel's accounting (10 ms steps).
func CPU(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	fields := stat(tb, pid)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		tb.Fatalf("/proc/%d/stat: %v %v", pid, err1, err2)
	}
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	return time.Duration(user+system) * tick
}

// RSS is a process's resident memory in bytes.
func RSS(tb testing.TB, pid int) int {
	tb.Helper()
	pages, err := strconv.Atoi(stat(tb, pid)[21])
	if err != nil {
		tb.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// stat is /proc/PID/stat from the third field on, which follows the command's name.
func stat(tb testing.TB, pid int) []string {
	tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), ") ")
	if !ok {
		tb.Fatalf("/proc/%d/stat has another form", pid)
	}
	return strings.Fields(rest)
}

// People makes the envelopes of a run: each person has an e-mail and an SMS to
// follow, and is of this run alone.
func People(run string) func(i int) string {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, run) // it never fails
	first := int(sum.Sum32())       // a number is sent a few codes a day only
	return func(i int) string {
		return Envelope(Register{
			RequestID: fmt.Sprintf("%s-%d", run, i), Username: fmt.Sprintf("%s%d", run, i), Email: fmt.Sprintf("%s%d@example.com", run, i),
			Password: "velvet-anchor-tuesday", FirstName: "Noor", LastName: "Haddad", MobileNumber: fmt.Sprintf("+96651%07d", (first+i)%10_000_000), Locale: "en",
		}.Body())
	}
}
