package migration_test

import (
	"regexp"
	"testing"
)

var shownSecret = regexp.MustCompile(`(?m)^  secret  ([A-Z2-7]{26})$`)

// callerSecret is the secret that registrar caller add has shown.
func callerSecret(t *testing.T, shown string) string {
	t.Helper()
	found := shownSecret.FindStringSubmatch(shown)
	if found == nil {
		t.Fatal("no secret is shown")
	}
	return found[1]
}
