package main

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"registrar/internal/transfer"
)

// fingerprint is that of an import of some content with these flags: whom others were
// told of and whom not would be lost where the rest of it had others.
func (f importFlags) fingerprint(content [32]byte) [32]byte {
	if f.news() == "" {
		return content
	}
	return sha256.Sum256(append(content[:], f.news()...))
}

// news are the flags by which others are told of people; "" for none.
func (f importFlags) news() string {
	var flags []string
	if f.notify != "" {
		flags = append(flags, "--notify "+f.notify)
	}
	if f.events {
		flags = append(flags, "--events")
	}
	return strings.Join(flags, " ")
}

// checkNews refuses to go on with an import that was begun with other flags of that
// kind.
func (f importFlags) checkNews(content [32]byte, before *transfer.Import) error {
	if before == nil {
		return nil
	}
	for _, notify := range []string{"", "registration_completed"} {
		for _, events := range []bool{false, true} {
			was := importFlags{notify: notify, events: events}
			if was.news() != f.news() && was.fingerprint(content) == before.Fingerprint {
				return fmt.Errorf("the import of this source that was interrupted was begun %s: begin with the same flags to go on with it; --restart begins at the first row, and tells nobody of people who are there already", given(was.news()))
			}
		}
	}
	return nil
}

// given says with which flags.
func given(flags string) string {
	if flags == "" {
		return "without --notify and --events"
	}
	return "with " + flags
}
