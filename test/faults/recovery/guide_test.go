package recovery_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guide is the document: its commands by their names. A test that has run all of
// them has tried the document itself.
type guide struct {
	commands map[string]string
	ran      map[string]bool
}

// fence begins or ends a block: its indentation, what it is written in, and its
// name.
var fence = regexp.MustCompile("^( *)```([a-z]*) *([a-z-]*)$")

// readGuide reads the document. Each of its blocks has a name of its own.
func readGuide(t *testing.T) *guide {
	t.Helper()
	text, err := os.ReadFile("../../../docs/recovery.md")
	if err != nil {
		t.Fatal(err)
	}
	g := &guide{commands: map[string]string{}, ran: map[string]bool{}}
	var name, indentation string
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		f := fence.FindStringSubmatch(line)
		switch {
		case f == nil && inside:
			g.commands[name] += strings.TrimPrefix(line, indentation) + "\n"
		case f == nil:
		case inside:
			inside = false
		default:
			inside, indentation, name = true, f[1], f[3]
			if _, taken := g.commands[name]; taken || name == "" {
				t.Fatalf("a block of docs/recovery.md has no name of its own: %q", line)
			}
			g.commands[name] = ""
		}
	}
	return g
}

// take is the block of this name, which counts as tried.
func (g *guide) take(t *testing.T, name string) string {
	t.Helper()
	text, ok := g.commands[name]
	if !ok {
		t.Fatalf("docs/recovery.md has no commands %q", name)
	}
	g.ran[name] = true
	return text
}

// example is a line of a block that an operator fills in.
func example(t *testing.T, text, line string, with string) string {
	t.Helper()
	if strings.Count(text, line) != 1 {
		t.Fatalf("the commands do not have %q once:\n%s", line, text)
	}
	return strings.Replace(text, line, with, 1)
}

// untried are the blocks that nobody has run.
func (g *guide) untried() []string {
	all := slices.Collect(maps.Keys(g.commands))
	return slices.Sorted(slices.Values(slices.DeleteFunc(all, func(name string) bool { return g.ran[name] })))
}
