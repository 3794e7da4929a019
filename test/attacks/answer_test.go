package attacks_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// answer is what came back for one request.
type answer struct {
	status int
	text   string // status line, headers and body
	took   time.Duration
	err    error // of the connection
}

// kind is the answer in a word or two, for the table.
func (a answer) kind() string {
	switch {
	case errors.Is(a.err, errStillOpen):
		return "no answer is read"
	case a.status == 0 && a.err != nil:
		return "cut off"
	case a.status == http.StatusOK:
		return "200"
	}
	for _, tag := range []string{"<code>", "<faultcode>", "Value>soap:"} {
		if _, after, ok := strings.Cut(a.text, tag); ok {
			code, _, _ := strings.Cut(after, "<")
			return strings.TrimPrefix(code, "soap:")
		}
	}
	return strconv.Itoa(a.status)
}

func excerpt(s string) string {
	if len(s) > 600 {
		return s[:600] + "..."
	}
	return s
}

// fault wants a fault of that code whose text has each of words.
func fault(code string, words ...string) func(answer) string {
	return func(a answer) string {
		if a.kind() != code || a.status < 400 {
			return "want the fault " + code
		}
		for _, w := range words {
			if !strings.Contains(a.text, w) {
				return "want the words " + w
			}
		}
		return ""
	}
}

func status(codes ...int) func(answer) string {
	return func(a answer) string {
		for _, c := range codes {
			if a.status == c {
				return ""
			}
		}
		return fmt.Sprintf("want the HTTP status %v", codes)
	}
}

// either wants what one of the wishes wants.
func either(wishes ...func(answer) string) func(answer) string {
	return func(a answer) string {
		var all []string
		for _, w := range wishes {
			wrong := w(a)
			if wrong == "" {
				return ""
			}
			all = append(all, wrong)
		}
		return strings.Join(all, " or ")
	}
}

// cut wants a connection that is closed without an answer.
func cut(a answer) string {
	if a.status != 0 || a.err == nil {
		return "want the connection closed"
	}
	return ""
}

// inside is what no answer may hold: types and messages of Go and of its
// library, of drivers and parsers, and paths of files.
var inside = regexp.MustCompile(`goroutine |\.go\b|\b(xml|http|soap|xmlreader|xsd|charset|errors|fmt|net|io|sql|store|registration|endpoint|gzip|flate|strconv|utf8|json)(\.[A-Z]\w+|: )` +
	`|encoding/|\bEOF\b|0x[0-9a-f]{6,}|/(home|tmp|root|var|usr|etc|work|proc)/` +
	`|(?i)runtime error|panic|nil pointer|unexpected eof|unmarshal|strconv|xmlreader|deadline exceeded|context canceled|sqlite|mysql|mariadb|\bsql\b|no rows|driver` +
	`|errno|syscall|i/o timeout|reset by peer|libxml|expat|golang`)

// judged are the texts that were looked through, without what is different in
// each: most of a thousand answers are one.
var judged = map[string]string{}

// leaks gives the first of these in a text. What the caller sent is never in
// it, so it cannot come from there.
func leaks(text string) string {
	if _, after, ok := strings.Cut(text, "X-Correlation-Id: "); ok {
		id, _, _ := strings.Cut(after, "\r\n")
		text = strings.ReplaceAll(text, id, "")
	}
	found, known := judged[text]
	if !known {
		found = inside.FindString(text)
		judged[text] = found
	}
	return found
}

// request is one HTTP request as it goes over the wire.
type request struct {
	head string // request line and headers, without the empty line
	body []byte
}

// post is a request with a body and its length.
func post(v *victim, body []byte, headers ...string) request {
	head := "POST /registration HTTP/1.1\r\nHost: " + v.address + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	if !strings.Contains(strings.ToLower(strings.Join(headers, "\n")), "content-type:") {
		head += "Content-Type: text/xml; charset=utf-8\r\n"
	}
	for _, h := range headers {
		head += h + "\r\n"
	}
	return request{head: head, body: body}
}

func (r request) bytes() []byte { return append([]byte(r.head+"\r\n"), r.body...) }

// exchange sends a request on a connection of its own, and reads the answer
// while it is still sending, as the service may answer early.
func exchange(ctx context.Context, v *victim, raw []byte) answer {
	began := time.Now()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return answer{err: err}
	}
	defer c.Close()
	var sending sync.WaitGroup
	sending.Go(func() { _, _ = c.Write(raw) })
	a := receive(c, bufio.NewReader(c))
	a.took = time.Since(began)
	c.Close()
	sending.Wait()
	return a
}

// receive reads one answer.
func receive(c net.Conn, from *bufio.Reader) answer {
	if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return answer{err: err}
	}
	resp, err := http.ReadResponse(from, nil)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s\n", resp.Proto, resp.Status)
	_ = resp.Header.Write(&text)
	text.WriteByte('\n')
	if _, err = io.Copy(&text, resp.Body); err != nil {
		return answer{err: err}
	}
	return answer{status: resp.StatusCode, text: text.String()}
}

// many sends a request some times over, four at once: as many large bodies as there is room for.
func many(ctx context.Context, v *victim, times int, r request) []answer {
	const atOnce = 4
	answers := make([]answer, times)
	raw := r.bytes()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(atOnce, times) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < times; i = int(next.Add(1)) - 1 {
				answers[i] = exchange(ctx, v, raw)
			}
		})
	}
	wg.Wait()
	return answers
}
