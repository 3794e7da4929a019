package main

import (
	"context"
	"errors"
	"fmt"

	"registrar/internal/registration"
)

// databaseError is an error of a database that cannot be reached, in words for
// whoever runs the command: callers of the service are told another text.
type databaseError struct {
	err   error
	cause error
}

func (e *databaseError) Error() string {
	if errors.Is(e.err, context.Canceled) {
		return fmt.Sprintf("the command was stopped before the database had answered (%v)", e.cause)
	}
	return fmt.Sprintf("the database cannot be reached (%v): check that it runs and takes writes, and where it is: "+
		"database.addresses of registrar config show, or data_dir for a database in a file", e.cause)
}

func (e *databaseError) Unwrap() error { return e.err }

// unreached puts an error of the category UNAVAILABLE into an operator's words,
// with what to check. Other errors, also nil, stay as they are.
func unreached(err error) error {
	if _, done := errors.AsType[*databaseError](err); done {
		return err
	}
	e, found := errors.AsType[*registration.Error](err)
	if !found || e.Code != registration.Unavailable {
		return err
	}
	away := &databaseError{err: err, cause: e.Unwrap()}
	if away.cause == nil {
		away.cause = errNoAnswer
	}
	return away
}

var errNoAnswer = errors.New("no answer")
