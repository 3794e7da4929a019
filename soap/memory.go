package soap

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// uncounted is the size up to which a body takes nothing of the memory for
	// bodies, so that ordinary requests never wait for it. It is less than
	// what the connection takes that it came by.
	uncounted = 8 << 10
	// bodyWeight is how many bytes of memory go with each byte of a body: the
	// buffer and one of half its size that it grew out of; then the buffer and
	// the text of it, in which a byte becomes up to three.
	bodyWeight = 4
	// textWeight is the same of the text when it is walked: the text and what
	// is copied of it.
	textWeight = 2
	// largestWeight is the largest of what a body's byte may ever take: as a
	// text of three bytes.
	largestWeight = 3 * textWeight
	// patience is how long one request may wait for memory in all.
	patience = 250 * time.Millisecond
	// defaultMemory is enough for six bodies of 1 MiB at once.
	defaultMemory = 24 << 20
)

// memory is what the bodies of all requests may take at once.
type memory struct {
	bytes   *semaphore.Weighted
	waiting atomic.Bool
}

// share is what one request holds of it.
type share struct {
	of       *memory
	held     int64
	patience time.Duration // what is left of it
}

// hold is for a body in a buffer of that capacity, beside another one.
func (s *share) hold(ctx context.Context, beside, capacity int) error {
	if max(beside, capacity) <= uncounted {
		return nil
	}
	return s.resize(ctx, int64(beside)+bodyWeight*int64(capacity))
}

// holdText is for a body whose text is all that is left of it.
func (s *share) holdText(ctx context.Context, length int) error {
	if s.held == 0 {
		return nil
	}
	return s.resize(ctx, textWeight*int64(length))
}

// resize makes the share n bytes. If there are not as many, one request waits
// for them, for a short time, and any other is refused at once: whoever waits
// keeps what he has, so if all did, all would wait for each other.
func (s *share) resize(ctx context.Context, n int64) error {
	more := n - s.held
	switch {
	case more < 0:
		s.of.bytes.Release(-more)
	case more > 0 && !s.of.bytes.TryAcquire(more) && !s.wait(ctx, more):
		return failure(Overloaded, "The service has no room for a request of this size now. Send it again later.")
	}
	s.held = n
	return nil
}

// wait says whether there was room for more bytes in time.
func (s *share) wait(ctx context.Context, more int64) bool {
	if !s.of.waiting.CompareAndSwap(false, true) {
		return false
	}
	defer s.of.waiting.Store(false)
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	err := s.of.bytes.Acquire(ctx, more)
	s.patience -= time.Since(began)
	return err == nil
}

// release gives everything back.
func (s *share) release() {
	s.of.bytes.Release(s.held)
	s.held = 0
}
