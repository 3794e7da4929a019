package gate

import (
	"context"
	"errors"
	"strings"
	"time"

	"registrar/internal/notify"
)

// verdict is what the end of a Send says about its provider.
type verdict int

const (
	worked    verdict = iota // it answered, whatever it said of the message
	throttled                // it answered that it wants fewer
	failed                   // it did not answer, or is not able to take any message
	unused                   // it was not asked
	unknown                  // the question was broken off
)

// verdictOf judges the error of a Send; after is what a throttling provider
// asked to wait.
func verdictOf(err error) (v verdict, after time.Duration) {
	e, isSendError := errors.AsType[*notify.SendError](err)
	switch {
	case err == nil:
		return worked, 0
	case errors.Is(err, notify.ErrUnused):
		return unused, 0
	case errors.Is(err, context.Canceled):
		return unknown, 0
	case !isSendError, e.Class == notify.Ambiguous, e.Class == notify.Transient && e.Provider:
		return failed, 0
	case e.Class == notify.Throttled:
		return throttled, e.RetryAfter
	default:
		return worked, 0
	}
}

// reasonOf is a failure's class and status, never its text, which may hold an address.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*notify.SendError](err); ok {
		return strings.TrimSpace(e.Error())
	}
	return string(notify.Ambiguous)
}
