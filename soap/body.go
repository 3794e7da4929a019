package soap

import (
	"bytes"
	"compress/gzip"
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
const keptBuffer = 64 << 10

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
// bytes that arrive and what they unpack to are limited. The error is errCoding,
// a *readError or an *Error.
func readBody(r *http.Request, limit int64, into *bytes.Buffer) error {
	packed := false
	switch strings.ToLower(strings.TrimSpace(strings.Join(r.Header["Content-Encoding"], ","))) {
	case "", "identity":
	case "gzip", "x-gzip":
		packed = true
	default:
		return errCoding
	}
	if r.ContentLength > limit {
		return tooLarge(r, limit)
	}
	source := &limitedSource{from: r.Body, left: limit}
	if !packed {
		if r.ContentLength > 0 {
			// A promise of a long body is no reason to take memory for it.
			into.Grow(int(min(r.ContentLength, keptBuffer)) + bytes.MinRead)
		}
		_, err := into.ReadFrom(source)
		return source.judge(r, limit, err, nil)
	}
	z, _ := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(z)
	err := z.Reset(source)
	if err == nil {
		_, err = into.ReadFrom(io.LimitReader(z, limit+1))
	}
	if int64(into.Len()) > limit {
		return tooLarge(r, limit)
	}
	return source.judge(r, limit, err, failure(Malformed, "The request is not what its Content-Encoding says."))
}

// limitedSource reads at most left bytes and remembers what went wrong below,
// to be told from what is wrong with the content.
type limitedSource struct {
	from io.Reader
	left int64
	err  error
	over bool
}

func (s *limitedSource) Read(p []byte) (int, error) {
	if s.over {
		return 0, io.EOF
	}
	if int64(len(p)) > s.left+1 {
		p = p[:s.left+1]
	}
	n, err := s.from.Read(p)
	if int64(n) > s.left {
		n, s.over = int(s.left), true
		err = io.EOF
	}
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err //nolint:wrapcheck // a reader in between
}

// judge turns the error of reading into what the caller is told; malformed is
// for an error that is the content's own.
func (s *limitedSource) judge(r *http.Request, limit int64, err error, malformed *Error) error {
	switch {
	case s.err != nil:
		return &readError{s.err}
	case s.over:
		return tooLarge(r, limit)
	case err != nil && malformed != nil:
		return malformed
	case err != nil:
		return &readError{err}
	default:
		return nil
	}
}

// tooLarge reads on for a while, since many clients look for an answer only
// when they have written all; one that waits for "100 Continue" does not
// write at all.
func tooLarge(r *http.Request, limit int64) error {
	if r.Header.Get("Expect") == "" && r.ContentLength <= 4*limit {
		_, _ = io.CopyN(io.Discard, r.Body, 4*limit)
	}
	return failure(LimitExceeded, "The request has more than %d bytes.", limit)
}
