package wss

import (
	"time"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// checkTimestamp checks a wsu:Timestamp (SOAP Message Security 1.1.1, section 10).
func (s *Settings) checkTimestamp(e *xmlreader.Element, now time.Time) error {
	found, err := parts(e, createdName, expiresName)
	if err != nil {
		return err
	}
	if len(e.Children) == 2 && e.Children[0] == found[1] {
		return invalid("The Timestamp has Expires before Created.")
	}
	var created, expires time.Time
	if found[0] != nil {
		if created, _, err = readTime(found[0]); err != nil {
			return err
		}
		if created.After(now.Add(s.MaxSkew)) {
			return invalid("The Timestamp's Created is in the future. Check the clock and the time zone of the sender.")
		}
	}
	if found[1] != nil {
		if expires, _, err = readTime(found[1]); err != nil {
			return err
		}
		if created.After(expires) {
			return invalid("The Timestamp expires before it is created.")
		}
		if now.After(expires.Add(s.MaxSkew)) {
			return expired("The message has expired. Check the clock and the time zone of the sender.")
		}
	}
	return nil
}

// maxTime is the length of a time in bytes: any fraction that a clock has.
const maxTime = 64

// readTime gives the time of a Created or Expires, and its text without white
// space around it. One without a time zone is taken as UTC, in which all times
// of WS-Security must be (section 10): many senders write UTC and leave the Z
// out, and one that means its local time is out of date or in the future.
func readTime(e *xmlreader.Element) (time.Time, string, error) {
	written, err := text(e)
	if err != nil {
		return time.Time{}, "", err
	}
	written = trim(written)
	t, _, ok := xsd.ParseDateTime(written)
	if !ok || len(written) > maxTime {
		return time.Time{}, "", invalid("The " + e.Name.Local + " header element is not an xs:dateTime, such as 2026-01-31T12:00:00Z.")
	}
	return t, written, nil
}
