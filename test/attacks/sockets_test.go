package attacks_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// sockets are the attacks by the bytes of HTTP/1.1 itself: request smuggling
// hides a request in the body of another. What is hidden would register
// somebody, whom nobody must find afterwards.
func sockets() []attack {
	hidden := func(v *victim) string { return string(post(v, []byte(lineless(register("smuggled")))).bytes()) }
	// framing is a request whose length is said in several ways.
	framing := func(name string, want func(answer) string, answers int, raw func(v *victim, hidden string) string) attack {
		return attack{name: "smuggling: " + name, want: want, after: never("smuggled"), run: func(ctx context.Context, v *victim) []answer {
			all := converse(ctx, v, []byte(raw(v, hidden(v))))
			if len(all) != answers {
				all = append(all, answer{err: fmt.Errorf("%d answers, want %d", len(all), answers)})
			}
			return all
		}}
	}
	head := func(v *victim, line string) string {
		return line + "\r\nHost: " + v.address + "\r\nContent-Type: text/xml\r\n"
	}
	const line = "POST /registration HTTP/1.1"
	length := func(s string) string { return strconv.Itoa(len(s)) }
	chunk := func(s string) string { return strconv.FormatInt(int64(len(s)), 16) + "\r\n" + s + "\r\n0\r\n\r\n" }
	refused := status(400, 501)
	return []attack{
		framing("two lengths", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length: " + length(nobody) + "\r\nContent-Length: " + length(nobody+hidden) + "\r\n\r\n" + nobody + hidden
		}),
		framing("two lengths in one", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length: " + length(nobody) + ", " + length(nobody+hidden) + "\r\n\r\n" + nobody + hidden
		}),
		framing("a length with a sign", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length: +" + length(nobody) + "\r\n\r\n" + nobody + hidden
		}),
		framing("a negative length", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length: -1\r\n\r\n" + nobody + hidden
		}),
		framing("a hexadecimal length", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length: 0x10\r\n\r\n" + nobody + hidden
		}),
		// The chunks decide (RFC 9112, 6.3), and the connection ends with them:
		// what the length covers beyond is never looked at.
		framing("chunks and a length", either(fault("NOT_FOUND"), status(400)), 1, func(v *victim, _ string) string {
			rest := chunk(nobody) + "BAD\r\n\r\n"
			return head(v, line) + "Content-Length: " + length(rest) + "\r\nTransfer-Encoding: chunked\r\n\r\n" + rest
		}),
		framing("two transfer codings", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunk(nobody) + hidden
		}),
		framing("another transfer coding", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n" + chunk(nobody) + hidden
		}),
		framing("a list of transfer codings", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk(nobody) + hidden
		}),
		framing("a space before the colon", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n" + chunk(nobody) + hidden
		}),
		framing("a vertical tab before chunked", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: \vchunked\r\nContent-Length: 4\r\n\r\n" + chunk(nobody) + hidden
		}),
		framing("chunk sizes with a line feed alone", status(400), 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n5\r\n0\r\n\r\n" + hidden
		}),
		framing("a chunk that is longer than it says", status(400), 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: chunked\r\n\r\n5\r\n<?xml version='1.0'?>\r\n0\r\n\r\n" + hidden
		}),
		framing("a chunk size beyond 64 bits", status(400), 1, func(v *victim, hidden string) string {
			return head(v, line) + "Transfer-Encoding: chunked\r\n\r\n1" + strings.Repeat("0", 16) + "\r\n" + hidden
		}),
		framing("chunk extensions without end", status(400, 408), 1, func(v *victim, _ string) string {
			return head(v, line) + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("a", 4000)+"\r\n \r\n", 500) + "0\r\n\r\n"
		}),
		framing("a NUL in a header", status(400), 1, func(v *victim, hidden string) string {
			return head(v, line) + "X-A: \x00\r\nContent-Length: " + length(nobody) + "\r\n\r\n" + nobody + hidden
		}),
		framing("a header without a colon", status(400), 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length\r\n\r\n" + nobody + hidden
		}),
		framing("a carriage return in a header", status(400), 1, func(v *victim, hidden string) string {
			return head(v, line) + "X-A: a\rContent-Length: 0\r\nContent-Length: " + length(nobody) + "\r\n\r\n" + nobody + hidden
		}),
		// Lines that end with a line feed alone, and folded ones, are read as
		// RFC 9112 (2.2 and 5.2) allows it; then they count like any other.
		framing("line feeds alone", refused, 1, func(v *victim, hidden string) string {
			return strings.ReplaceAll(head(v, line), "\r\n", "\n") + "Content-Length: " + length(nobody) + "\nContent-Length: 0\n\n" + nobody + hidden
		}),
		framing("a folded length", refused, 1, func(v *victim, hidden string) string {
			return head(v, line) + "Content-Length:\r\n " + length(nobody) + "\r\nContent-Length: 0\r\n\r\n" + nobody + hidden
		}),
		framing("a folded transfer coding", fault("NOT_FOUND"), 1, func(v *victim, _ string) string {
			return head(v, line) + "Content-Length: 4\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" + chunk(nobody)
		}),
		// HTTP/1.0 knows no chunks, and has no body without a length: what
		// follows the headers must not be read as a request (RFC 9112, 6.1).
		framing("chunks in HTTP/1.0", invalid(), 1, func(v *victim, hidden string) string {
			return head(v, "POST /registration HTTP/1.0") + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden
		}),
		framing("a body of HTTP/1.0 without a length", invalid(), 1, func(v *victim, hidden string) string {
			return head(v, "POST /registration HTTP/1.0") + "Connection: keep-alive\r\n\r\n" + hidden
		}),
		framing("two Hosts", status(400), 1, func(v *victim, hidden string) string {
			return line + "\r\nHost: a\r\nHost: " + v.address + "\r\nContent-Type: text/xml\r\nContent-Length: " + length(nobody) + "\r\n\r\n" + nobody + hidden
		}),
		framing("HTTP/2 without its handshake", either(status(400, 505), cut), 1, func(*victim, string) string {
			return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00", 1000)
		}),
		framing("TLS to a plain port", either(status(400), cut), 1, func(*victim, string) string {
			return "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 500) + "\r\n\r\n"
		}),
		{name: "1,000 requests in one go", want: fault("NOT_FOUND"), run: func(ctx context.Context, v *victim) []answer {
			return converse(ctx, v, []byte(strings.Repeat(string(post(v, []byte(nobody)).bytes()), 1000)))
		}},
	}
}

// lineless is an envelope in one line, so that it may stand in a header.
func lineless(body string) string {
	return `<soap:Envelope xmlns:soap="` + soap11 + `" xmlns:r="urn:registrar:registration:v1"><soap:Body>` + body + `</soap:Body></soap:Envelope>`
}

// converse sends bytes on one connection and gives all answers until the
// service closes it, or says nothing more.
func converse(ctx context.Context, v *victim, raw []byte) (all []answer) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return []answer{{err: err}}
	}
	defer c.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = c.Write(raw)
	}()
	from := bufio.NewReader(c)
	for len(all) < 10_000 {
		began := time.Now()
		if len(all) > 0 && from.Buffered() == 0 {
			// What follows comes at once, or not at all.
			_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
			if _, err := from.Peek(1); err != nil {
				break
			}
		}
		a := receive(c, from)
		a.took = time.Since(began)
		if a.err != nil {
			if len(all) == 0 {
				all = append(all, a)
			}
			break
		}
		all = append(all, a)
	}
	c.Close()
	<-sent
	return all
}
