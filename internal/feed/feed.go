package feed

import (
	"context"
	"errors"
	"strings"
	"time"

	"registrar/internal/event"
)

// Item is an event in its place.
type Item struct {
	event.Event
	Position Position // behind the event
}

// Position is a place between two events of one feed, in the feed's own notation.
type Position string

// Reader reads a feed. It is one goroutine's.
type Reader interface {
	// Next gives the events that come next, at least one. Where there are none
	// yet it gives none, after it has waited a moment for some. Errors are
	// ErrDropped and registration.ErrUnavailable.
	Next(ctx context.Context) ([]Item, error)
	// End says whether all that was there when the reader was opened was given.
	End() bool
}

// Errors of readers.
var (
	// ErrDropped: events behind the position are not kept any more.
	ErrDropped = errors.New("feed: events behind this position are not kept any more")
	// ErrEarly: events that happened at the time, or soon after it, may not be kept any more.
	ErrEarly = errors.New("feed: events of this time may not be kept any more")
	// ErrPosition: the position is none of this feed.
	ErrPosition = errors.New("feed: not a position of this feed")
)

// From is where a reader begins. Its zero value is the beginning: before the first
// that is kept, whatever there was before.
type From struct {
	Now      bool      // behind all that is there
	Time     time.Time // before the first that happened at this time or later; zero for none
	Position Position  // "" for none
	// Kept is how long a Table keeps events for certain; 0 for not known. Brokers are asked.
	Kept time.Duration
}

// ParseFrom reads "beginning", "now", a time (RFC 3339) or a position.
func ParseFrom(text string) (From, error) {
	switch text {
	case "":
		return From{}, errors.New("it is empty, as of a program that has lost its position: beginning is what is kept, now is what comes")
	case "beginning":
		return From{}, nil
	case "now":
		return From{Now: true}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return From{Time: at}, nil
	}
	if strings.Trim(text, "0123456789:,") != "" {
		return From{}, errors.New("it is neither beginning, now, a time such as 2026-03-01T12:00:00Z, nor a position that this command has printed")
	}
	return From{Position: Position(text)}, nil
}
