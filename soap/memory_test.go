package soap_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"registrar/soap"
)

// oneAtOnce has room for one body of 100 kB and not for a second.
func oneAtOnce(c *soap.Config) {
	c.BodyLimit = 100_000
	c.MemoryLimit = 600_000
}

// arriving is a body that is still on its way: what was written of it is there.
type arriving struct {
	*io.PipeWriter
	e      *echo
	answer chan answer
}

func (e *echo) begin(t *testing.T, headers ...string) *arriving {
	t.Helper()
	reader, writer := io.Pipe()
	a := &arriving{writer, e, make(chan answer, 1)}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/echo", reader)
	r.ContentLength = -1
	r.Header.Set("Content-Type", "text/xml")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	go func() { a.answer <- e.do(t, r) }()
	return a
}

func (a *arriving) write(t *testing.T, s string) {
	t.Helper()
	if _, err := io.WriteString(a, s); err != nil {
		t.Fatal(err)
	}
}

// end sends the rest and gives the answer.
func (a *arriving) end(t *testing.T, s string) answer {
	t.Helper()
	a.write(t, s)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return <-a.answer
}

func TestRow14ALargeBodyForWhichThereIsNoRoomIsToBeSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEcho(t, oneAtOnce)
		whole := pad(100_000)
		first := e.begin(t)
		first.write(t, whole[:90_000])
		began := time.Now()
		second := e.begin(t).end(t, whole)
		if took := time.Since(began); took > 250*time.Millisecond {
			t.Errorf("refused after %v", took)
		}
		e.expectFault(t, second, soap.Overloaded)
		if second.status != http.StatusInternalServerError {
			t.Errorf("status %d", second.status)
		}
		e.effects.Store(0)
		expectEcho(t, e.xml11(t, pad(8000)), soap.SOAP11) // small ones never wait
		if time.Since(began) > 250*time.Millisecond {
			t.Error("a small body waited")
		}
		expectEcho(t, first.end(t, whole[90_000:]), soap.SOAP11)
		expectEcho(t, e.xml11(t, whole), soap.SOAP11) // all is given back
	})
}

func TestRow14ALargeBodyWaitsALittleForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEcho(t, oneAtOnce)
		whole := pad(100_000)
		first := e.begin(t)
		first.write(t, whole[:90_000])
		second := e.begin(t)
		go func() {
			_, _ = io.WriteString(second, whole)
			_ = second.Close()
		}()
		time.Sleep(100 * time.Millisecond)
		expectEcho(t, first.end(t, whole[90_000:]), soap.SOAP11)
		expectEcho(t, <-second.answer, soap.SOAP11)
	})
}

// TestRow14ManyLargeBodiesAtOnceCannotHoldEachOtherUp: all begin together and
// none has room to end; some give up and the others are answered.
func TestRow14ManyLargeBodiesAtOnceCannotHoldEachOtherUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEcho(t, oneAtOnce)
		whole := pad(100_000)
		var all []*arriving
		for range 20 {
			a := e.begin(t)
			all = append(all, a)
			go func() {
				for at := 0; at < len(whole); at += 1000 {
					_, _ = io.WriteString(a, whole[at:at+1000])
					time.Sleep(time.Millisecond)
				}
				_ = a.Close()
			}()
		}
		answered := 0
		for _, a := range all {
			if got := <-a.answer; got.status == http.StatusOK {
				answered++
			} else if got.kind() != soap.Overloaded {
				t.Errorf("got %d %s", got.status, got.body)
			}
		}
		if answered == 0 {
			t.Error("none was answered")
		}
	})
}

func TestRow14WhatAPackedBodyUnpacksToIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEcho(t, oneAtOnce)
		first := e.begin(t)
		first.write(t, pad(100_000)[:90_000])
		e.expectFault(t, e.send(t, zipped(t, pad(100_000)), "Content-Type", "text/xml", "Content-Encoding", "gzip"), soap.Overloaded)
		if err := first.CloseWithError(io.ErrUnexpectedEOF); err != nil {
			t.Fatal(err)
		}
		<-first.answer
		expectEcho(t, e.send(t, zipped(t, pad(100_000)), "Content-Type", "text/xml", "Content-Encoding", "gzip"), soap.SOAP11)
	})
}

// TestRow14TheLargestBodyHasRoomInAnyForm: one of the body limit is read also
// where the memory limit is as small as it may be.
func TestRow14TheLargestBodyHasRoomInAnyForm(t *testing.T) {
	e := newEcho(t, func(c *soap.Config) { c.BodyLimit, c.MemoryLimit = 200_000, 6*200_000 })
	doc := strings.Replace(envelope11(say(hello)), hello, hello+"<!--#-->", 1)
	euros := func(n int) string { return strings.Replace(doc, "#", strings.Repeat("\x80", n), 1) }
	expectEcho(t, e.send(t, euros(199_000), "Content-Type", "text/xml; charset=windows-1252"), soap.SOAP11)
	expectEcho(t, e.send(t, pad(200_000), "Content-Type", "text/xml"), soap.SOAP11)
	stored := &strings.Builder{}
	z, err := gzip.NewWriterLevel(stored, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(z, pad(199_900)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	expectEcho(t, e.send(t, stored.String(), "Content-Type", "text/xml", "Content-Encoding", "gzip"), soap.SOAP11)
	expectEcho(t, e.xml11(t, pad(200_000)), soap.SOAP11)
}

func TestAMemoryLimitBelowOneBodyIsRefused(t *testing.T) {
	c := newEcho(t, nil).config(t)
	c.BodyLimit, c.MemoryLimit = 1<<20, 2<<20
	if _, err := soap.New(c); err == nil || !strings.Contains(err.Error(), "MemoryLimit") {
		t.Errorf("got %v", err)
	}
}
