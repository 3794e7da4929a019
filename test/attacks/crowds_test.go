package attacks_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// crowds are the attacks by many connections at once.
func crowds() []attack {
	all := []attack{
		{name: "slowloris: 500 slow headers", slow: true, want: cutBy(headerTimeout), run: slow(500, func(v *victim) string {
			return "POST /registration HTTP/1.1\r\nHost: " + v.address + "\r\nX-A: "
		})},
		{name: "slowloris: 500 slow bodies", slow: true, want: cutBy(requestTimeout), run: slow(500, func(v *victim) string {
			r := post(v, bytes.Repeat([]byte(" "), 8000))
			return string(r.bytes()[:len(r.head)+7000])
		})},
		{name: "slowloris: 200 large slow bodies", slow: true, want: either(overloaded, cutBy(requestTimeout)), run: slow(200, func(v *victim) string {
			r := post(v, bytes.Repeat([]byte(" "), 1_000_000))
			return string(r.bytes()[:len(r.head)+200_000])
		})},
		{name: "slowloris: 500 slow gzip bodies", slow: true, want: cutBy(requestTimeout), run: slow(500, func(v *victim) string {
			r := post(v, gzipped(bytes.Repeat([]byte(" "), 100_000)), "Content-Encoding: gzip")
			return string(r.bytes()[:len(r.head)+80])
		})},
		{name: "500 connections that say nothing", slow: true, want: cutBy(headerTimeout), run: slow(500, func(*victim) string { return "" })},
		{name: "200 clients that do not read", slow: true, want: func(answer) string { return "" }, run: deaf},
	}
	for _, kind := range largeBodies() {
		all = append(all, attack{
			name: "200 bodies of 1 MiB at once: " + kind.name, want: either(overloaded, kind.want),
			run: func(ctx context.Context, v *victim) []answer {
				return atOnce(ctx, v, 200, post(v, kind.body, kind.headers...))
			},
		})
	}
	return all
}

// overloaded is the fault that says that the same request may succeed later.
func overloaded(a answer) string {
	return fault("UNAVAILABLE", "<retryable>true<", "Retry-After: ")(a)
}

// cutBy wants a connection that was ended at a deadline, with 408 or without a word.
func cutBy(deadline time.Duration) func(answer) string {
	return func(a answer) string {
		if wrong := either(status(408), cut)(a); wrong != "" {
			return wrong
		}
		if errors.Is(a.err, errStillOpen) || a.took < deadline/2 || a.took > deadline+*within {
			return fmt.Sprintf("cut after %v, want %v", a.took, deadline)
		}
		return ""
	}
}

var errStillOpen = errors.New("the connection is still open")

// slow opens n connections, sends what begin gives and then a byte now and then.
func slow(n int, begin func(v *victim) string) func(ctx context.Context, v *victim) []answer {
	return func(ctx context.Context, v *victim) []answer {
		start := []byte(begin(v))
		answers := make([]answer, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { answers[i] = trickle(ctx, v, start) })
		}
		wg.Wait()
		return answers
	}
}

func trickle(ctx context.Context, v *victim, start []byte) answer {
	began := time.Now()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return answer{err: err}
	}
	defer c.Close()
	got := make(chan answer, 1)
	go func() { got <- receive(c, bufio.NewReader(c)) }()
	_, _ = c.Write(start)
	for {
		select {
		case a := <-got:
			a.took = time.Since(began)
			return a
		case <-time.After(200 * time.Millisecond):
			if len(start) > 0 {
				_, _ = c.Write([]byte(" "))
			}
		case <-ctx.Done():
			return answer{err: errStillOpen}
		}
	}
}

// deaf asks for many documents on each of many connections, and reads none of
// them. The service has to keep what it wants to say out of its own memory.
func deaf(ctx context.Context, v *victim) []answer {
	ask := []byte(strings.Repeat("GET /registration?wsdl HTTP/1.1\r\nHost: "+v.address+"\r\n\r\n", 2000))
	var all []net.Conn
	defer func() {
		for _, c := range all {
			c.Close()
		}
	}()
	for range 200 {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
		if err != nil {
			return []answer{{err: err}}
		}
		all = append(all, c)
		_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		_, _ = c.Write(ask)
	}
	time.Sleep(time.Second)
	return []answer{{err: errStillOpen}}
}

// largeBody is 1 MiB of some kind.
type largeBody struct {
	name    string
	body    []byte
	headers []string
	want    func(answer) string // where there is room for it
}

func largeBodies() []largeBody {
	const limit = 1 << 20
	fill := func(doc, with string, size int) []byte { // at the place of #
		return []byte(strings.Replace(doc, "#", strings.Repeat(with, (size-len(doc))/len(with)), 1))
	}
	found := fault("NOT_FOUND")
	comment := in("<!--#-->", "", "nobody")
	latin := strings.Replace(comment, "UTF-8", "windows-1252", 1)
	utf16be := binary.BigEndian.AppendUint16(nil, 0xFEFF)
	for _, u := range utf16.Encode([]rune(string(fill(comment, "注", limit/2*3-1000)))) { // three bytes become two
		utf16be = binary.BigEndian.AppendUint16(utf16be, u)
	}
	var stored bytes.Buffer
	z, _ := gzip.NewWriterLevel(&stored, gzip.NoCompression) // the level is known
	_, _ = z.Write(fill(comment, "x", limit-2000))           // into memory
	_ = z.Close()
	attributes := "<w:a"
	for i := range 60 {
		attributes += fmt.Sprintf(` attribute%d=""`, i)
	}
	security := in("", `<w:Security xmlns:w="`+wsse+`">`+strings.Repeat(attributes+"/>", 980)+`</w:Security>`, "nobody")
	return []largeBody{
		{"blanks behind", fill(nobody+"#", " ", limit), nil, found},
		{"a comment", fill(comment, "x", limit), nil, found},
		{"a long value", fill(in("", "", "#"), "x", limit), nil, invalid("username")},
		{"references in a value", fill(in("", "", "#"), "&lt;", limit), nil, invalid("username")},
		{"a value in pieces", fill(in("", "", "#"), "xxxxxxxx<!---->", limit), nil, invalid("username")},
		{"an attribute of references", fill(in("", `<a xmlns="urn:a" b="#"/>`, "nobody"), "&#10;", limit), nil, found},
		{"windows-1252, of three bytes each", []byte(strings.ReplaceAll(string(fill(latin, "x", limit)), "xxxx", "\x80\x80\x80\x80")), []string{"Content-Type: text/xml"}, found},
		{"UTF-16", utf16be, []string{"Content-Type: text/xml"}, found},
		{"gzip", gzipped(fill(comment, "x", limit)), []string{"Content-Encoding: gzip"}, found},
		{"gzip, stored", stored.Bytes(), []string{"Content-Encoding: gzip"}, found},
		{"a security header of 59,000 attributes", []byte(security), nil, fault("UNAUTHENTICATED")},
	}
}

// atOnce sends n requests side by side, the last byte of all only when all
// others are on their way.
func atOnce(ctx context.Context, v *victim, n int, r request) []answer {
	raw := r.bytes()
	answers := make([]answer, n)
	var ready, wg sync.WaitGroup
	ready.Add(n)
	for i := range n {
		wg.Go(func() {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
			if err == nil {
				defer c.Close()
				_, err = c.Write(raw[:len(raw)-1])
			}
			ready.Done()
			if err != nil {
				answers[i] = answer{err: err}
				return
			}
			ready.Wait()
			began := time.Now()
			_, _ = c.Write(raw[len(raw)-1:])
			answers[i] = receive(c, bufio.NewReader(c))
			answers[i].took = time.Since(began)
		})
	}
	wg.Wait()
	return answers
}
