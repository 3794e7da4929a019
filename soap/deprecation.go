package soap

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Deprecation says that a contract is no longer to be used by new clients. It
// is told in the HTTP headers of each answer and on the help page.
type Deprecation struct {
	// Since is told as Deprecation (RFC 9745); the zero time for a contract
	// that is not deprecated, whose other fields are then not told.
	Since time.Time
	// Sunset is when the service is expected to end (RFC 8594), not before
	// Since; the zero time where that is not known.
	Sunset time.Time
	// Successor is the address of the contract to use instead, an absolute URL
	// or a path. It is told as a Link of that relation (RFC 5829); "" for none.
	Successor string
}

func (d Deprecation) check() error {
	if d.Since.IsZero() {
		if d != (Deprecation{}) {
			return errors.New("a Deprecation has no Since")
		}
		return nil
	}
	if !d.Sunset.IsZero() && d.Sunset.Before(d.Since) {
		return errors.New("the Sunset of a Deprecation is before its Since")
	}
	u, err := url.Parse(d.Successor)
	if err != nil || u.String() != d.Successor || d.Successor != "" && u.Scheme != "http" && u.Scheme != "https" && (u.IsAbs() || u.Host != "" || u.Path == "" || u.Path[0] != '/') {
		return errors.New("the Successor of a Deprecation is no http or https URL and no path")
	}
	return nil
}

// tell sets the headers.
func (d Deprecation) tell(h http.Header) {
	if d.Since.IsZero() {
		return
	}
	h.Set("Deprecation", "@"+strconv.FormatInt(d.Since.Unix(), 10)) // a Date of RFC 9651
	if !d.Sunset.IsZero() {
		h.Set("Sunset", d.Sunset.UTC().Format(http.TimeFormat))
	}
	if d.Successor != "" {
		h.Set("Link", fmt.Sprintf("<%s>; rel=\"successor-version\"", d.Successor))
	}
}
