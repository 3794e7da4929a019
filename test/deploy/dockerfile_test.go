package deploy_test

import (
	"regexp"
	"strings"
	"testing"
)

// instruction is one of a Dockerfile, such as RUN.
type instruction struct {
	name, args string
}

// stage is what begins with a FROM.
type stage struct {
	from, name   string
	instructions []instruction
}

// all are the arguments of every instruction of this name.
func (s stage) all(name string) (args []string) {
	for _, i := range s.instructions {
		if i.name == name {
			args = append(args, i.args)
		}
	}
	return args
}

// one is the only one.
func (s stage) one(t *testing.T, name string) string {
	t.Helper()
	args := s.all(name)
	if len(args) != 1 {
		t.Fatalf("the stage from %s has %d of %s, want one", s.from, len(args), name)
	}
	return args[0]
}

var fromLine = regexp.MustCompile(`^(\S+)(?: AS (\S+))?$`)

// stages reads a Dockerfile of the form that is used here: no parser
// directives, no here-documents.
func stages(t *testing.T, text string) (found []stage) {
	t.Helper()
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	for line := range strings.Lines(strings.ReplaceAll(strings.Join(lines, "\n"), "\\\n", " ")) {
		name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		args = strings.TrimSpace(args)
		if name == "FROM" {
			m := fromLine.FindStringSubmatch(args)
			if m == nil {
				t.Fatalf("FROM %s", args)
			}
			found = append(found, stage{from: m[1], name: m[2]})
			continue
		}
		if len(found) == 0 {
			t.Fatalf("%s is before the first FROM", name)
		}
		last := &found[len(found)-1]
		last.instructions = append(last.instructions, instruction{name, args})
	}
	return found
}

// exactly is a tag that names one release.
var exactly = regexp.MustCompile(`:\d+\.\d+(\.\d+)?(-[a-z0-9]+)*$`)

// TestBaseImagesAreOneRelease: what is built tomorrow is what was built today.
func TestBaseImagesAreOneRelease(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Dockerfile", "deploy/compose/mail.Dockerfile", "deploy/compose/smsc.Dockerfile"} {
		for _, s := range stages(t, read(t, name)) {
			if s.from != "scratch" && !exactly.MatchString(s.from) {
				t.Errorf("%s: FROM %s: name a release", name, s.from)
			}
		}
	}
}

// TestNoImageRunsAsRoot, nor without a health check.
func TestNoImageRunsAsRoot(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Dockerfile", "deploy/compose/mail.Dockerfile", "deploy/compose/smsc.Dockerfile"} {
		all := stages(t, read(t, name))
		last := all[len(all)-1]
		if user, _, _ := strings.Cut(last.one(t, "USER"), ":"); user == "root" || user == "0" {
			t.Errorf("%s: USER %s", name, user)
		}
		for _, started := range []string{"ENTRYPOINT", "CMD"} {
			for _, args := range last.all(started) {
				if !strings.HasPrefix(args, "[") {
					t.Errorf("%s: %s %s is run by a shell", name, started, args)
				}
			}
		}
		if check := last.one(t, "HEALTHCHECK"); !strings.Contains(check, "CMD [") {
			t.Errorf("%s: HEALTHCHECK %s is run by a shell", name, check)
		}
	}
}
