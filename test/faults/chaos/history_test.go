package chaos_test

import (
	"errors"
	"sync"
	"time"

	"registrar/test/harness"
)

// what a caller asks for.
type what string

const (
	register what = "Register"
	look     what = "GetRegistration"
	verify   what = "VerifyContact"
	resend   what = "ResendCode"
)

// Outcomes beside the codes of faults.
const (
	done    = "OK"
	unknown = "UNKNOWN" // no answer after all tries, or none that is for good
)

// operation is one thing that a caller asked for, with all its tries, and what
// it was told.
type operation struct {
	person *person
	what   what

	request int    // of register: which of the person's
	key     lookup // of look
	value   string // of look
	channel string // of verify and resend
	right   bool   // of verify: the code is the one that was sent

	called, returned time.Duration // since the run began
	tries            int
	outcome          string // done, unknown, or the code of a fault
	receipt          harness.Receipt
	found            harness.Registration
	verified         harness.Verified
}

// outcomeOf is what an error at the end of all tries means.
func outcomeOf(err error) string {
	if err == nil {
		return done
	}
	if fault, ok := errors.AsType[*harness.Fault](err); ok && !fault.Retryable {
		return fault.Code
	}
	return unknown
}

// history is what the callers of a round asked for and were told.
type history struct {
	mu  sync.Mutex
	all []operation
}

func (h *history) add(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, o)
}

// operations are those so far.
func (h *history) operations() []operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[:len(h.all):len(h.all)]
}
