package soap

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
)

// errCoding is a Content-Encoding that is not read.
var errCoding = errors.New("the content coding is not supported")

// readError is a body that did not arrive: there is nobody to tell a fault.
type readError struct{ cause error }

func (e *readError) Error() string { return "the body did not arrive: " + e.cause.Error() }
func (e *readError) Unwrap() error { return e.cause }

// status is what to answer, in case somebody listens.
func (e *readError) status() int {
	if errors.Is(e.cause, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout
	}
	return http.StatusBadRequest
}

var (
	buffers     = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// keptBuffer is the largest buffer that is kept for other requests.
const keptBuffer = uncounted

func buffer() *bytes.Buffer {
	b, _ := buffers.Get().(*bytes.Buffer)
	return b
}

func putBuffer(b *bytes.Buffer) {
	if b.Cap() <= keptBuffer {
		clear(b.Bytes()) // it held a password
		b.Reset()
		buffers.Put(b)
	}
}

// readBody reads the request's body, gunzipped if need be, into into. Both the
// bytes that arrive and what they unpack to are limited, and counted in
// memory. The error is errCoding, a *readError or an *Error.
func readBody(r *http.Request, limit int64, memory *share, into *bytes.Buffer) error {
	packed := false
	switch strings.ToLower(strings.TrimSpace(strings.Join(r.Header["Content-Encoding"], ","))) {
	case "", "identity":
	case "gzip", "x-gzip":
		packed = true
	default:
		return errCoding
	}
	if r.ContentLength > limit {
		return refuseBody(r, limit, tooLarge(limit))
	}
	b := bodyReader{limit: limit, memory: memory}
	if !packed {
		return b.arrive(r, into)
	}
	// It is unpacked only when all of it is there, so that who sends slowly
	// holds his few bytes and no decoder, which takes 40 KiB.
	zipped := buffer()
	defer putBuffer(zipped)
	if err := b.arrive(r, zipped); err != nil {
		return err
	}
	b.beside = zipped.Cap()
	return b.unpack(r.Context(), zipped, into)
}

// bodyReader reads one request's body.
type bodyReader struct {
	limit  int64
	memory *share
	beside int // the capacity of a buffer that is held meanwhile
}

// arrive reads what the client sends.
func (b *bodyReader) arrive(r *http.Request, into *bytes.Buffer) error {
	end := b.limit + 1
	if r.ContentLength >= 0 {
		end = r.ContentLength + 1
	}
	err := b.read(r.Context(), r.Body, into, end)
	var own *Error
	switch {
	case errors.As(err, &own):
		return refuseBody(r, b.limit, own)
	case err != nil:
		return &readError{err}
	default:
		return nil
	}
}

func (b *bodyReader) unpack(ctx context.Context, zipped, into *bytes.Buffer) error {
	z, _ := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(z)
	err := z.Reset(zipped)
	if err == nil {
		err = b.read(ctx, z, into, b.limit+1)
	}
	var own *Error
	if err != nil && !errors.As(err, &own) {
		return failure(Malformed, "The request is not what its Content-Encoding says.")
	}
	return err
}

// firstBuffer is what a body gets before any of it has arrived.
const firstBuffer = 4 << 10

// read reads from to its end, which is expected before end. The buffer grows
// as bytes arrive: a Content-Length is a promise and takes nothing. The error
// is an *Error or from's.
func (b *bodyReader) read(ctx context.Context, from io.Reader, into *bytes.Buffer, end int64) error {
	for {
		if int64(into.Len()) > b.limit {
			return tooLarge(b.limit)
		}
		if into.Available() == 0 {
			size := min(max(2*into.Cap(), firstBuffer), int(end))
			if size <= into.Cap() {
				size = 2 * into.Cap() // more comes than was promised; HTTP does not let that happen
			}
			if err := b.memory.hold(ctx, b.beside, size); err != nil {
				return err
			}
			grown := bytes.NewBuffer(make([]byte, 0, size))
			_, _ = grown.Write(into.Bytes())
			clear(into.Bytes())
			*into = *grown
		}
		free := into.AvailableBuffer()
		n, err := from.Read(free[:cap(free)])
		_, _ = into.Write(free[:n]) // in place
		if errors.Is(err, io.EOF) {
			if int64(into.Len()) > b.limit {
				return tooLarge(b.limit)
			}
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // classified by the caller
		}
	}
}

func tooLarge(limit int64) *Error {
	return failure(LimitExceeded, "The request has more than %d bytes.", limit)
}

// refuseBody reads on for a while, since many clients look for an answer only
// when they have written all; one that waits for "100 Continue" does not
// write at all.
func refuseBody(r *http.Request, limit int64, why *Error) error {
	if r.Header.Get("Expect") == "" && r.ContentLength <= 4*limit {
		_, _ = io.CopyN(io.Discard, r.Body, 4*limit)
	}
	return why
}
