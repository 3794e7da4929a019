package soap_test

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestRow18WhatFollowsAnUnframedRequestIsNoRequest: HTTP/1.0 has no chunks and
// no body without a length, so nobody knows where such a request ends.
func TestRow18WhatFollowsAnUnframedRequestIsNoRequest(t *testing.T) {
	doc := envelope11(say(hello))
	hidden := "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: " + strconv.Itoa(len(doc)) + "\r\n\r\n" + doc
	for name, head := range map[string]string{
		"chunks":              "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n",
		"no length":           "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Type: text/xml\r\n\r\n",
		"chunks in a GET":     "GET /echo?wsdl HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
		"chunks in something": "PUT /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		e := newEcho(t, nil)
		got := talk(t, serve(t, e, 5*time.Second), head+hidden)
		if e.effects.Load() != 0 || strings.Count(got, "HTTP/1.") != 1 {
			t.Errorf("%s: got %s", name, got)
		}
	}
	// With a length it is framed, and the connection is kept.
	e := newEcho(t, nil)
	framed := strings.Replace(hidden, "HTTP/1.1", "HTTP/1.0\r\nConnection: keep-alive", 1)
	if got := talk(t, serve(t, e, 5*time.Second), framed+hidden); e.effects.Load() != 2 {
		t.Errorf("got %s", got)
	}
}
