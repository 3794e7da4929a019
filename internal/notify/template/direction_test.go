package template_test

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/bidi"

	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

// strong gives the first strong direction of a line by UAX #9 rules P2 and P3:
// L, R, or 0 for none. naive is what a program does that knows no isolates.
func strong(line string, naive bool) (first byte) {
	depth := 0
	for _, r := range line {
		p, _ := bidi.LookupRune(r)
		switch p.Class() {
		case bidi.LRI, bidi.RLI, bidi.FSI:
			depth++
		case bidi.PDI:
			depth--
		case bidi.L:
			if naive || depth == 0 {
				return 'L'
			}
		case bidi.R, bidi.AL:
			if naive || depth == 0 {
				return 'R'
			}
		}
	}
	return 0
}

// TestEveryLinesDirection: a program that takes each line's direction from its
// first strong letter, with isolates or without, gets the locale's.
func TestEveryLinesDirection(t *testing.T) {
	for _, o := range []template.Options{{CodeDomain: "example.com"}, {Brand: "سجلّ"}} {
		c := load(t, o)
		for _, person := range template.Persons() {
			all, err := c.Specimens(person)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all {
				want := byte('L')
				if s.RTL {
					want = 'R'
				}
				for line := range strings.SplitSeq(s.Message.Subject+"\n"+s.Message.Text, "\n") {
					if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "@example.com #") {
						continue // what programs read is not to be changed
					}
					for _, naive := range []bool{false, true} {
						if got := strong(line, naive); got != want {
							t.Errorf("%s %s %s for %s: %c, want %c: %q", s.Name(), s.Locale, s.Channel, person, got, want, line)
						}
					}
				}
			}
		}
	}
}

// TestNamesOfTheOtherDirectionAreIsolated in the text and in the HTML.
func TestNamesOfTheOtherDirectionAreIsolated(t *testing.T) {
	for _, one := range []struct {
		options                       template.Options
		locale, username, first, last string
		names                         []string
	}{
		{template.Options{Brand: "Example", Contact: "help@example.org"}, "ar", "ada (1)", "Ada", "Lovelace", []string{"ada (1)", "Ada Lovelace", "Example", "help@example.org"}},
		{template.Options{Brand: "سجلّ"}, "en", "سلمى", "سلمى", "الهاشمي", []string{"سلمى", "سلمى الهاشمي", "سجلّ"}},
	} {
		m := render(t, load(t, one.options), claimOf(registration.EmailChannel, one.locale, one.username, one.first, one.last))
		for _, text := range []string{m.Text, m.HTML} {
			for _, name := range one.names {
				if !strings.Contains(text, "\u2068"+name+"\u2069") {
					t.Errorf("%s: %q is not there", one.locale, name)
				}
			}
		}
	}
}

func TestMarks(t *testing.T) {
	dir := write(t,
		"v1/registration_completed/ar/text.txt", "Registrar يرحب\n{{isolate .Brand}}\n{{isolate .Brand}} يرحب\nيرحب Registrar\nhttps://example.com/a\n123\n(Registrar) مرحبًا\n",
		"v1/registration_completed/en/text.txt", "{{isolate .Username}} is welcome\nWelcome, {{isolate .Username}}\nسلمى\n\nx",
	)
	c := load(t, template.Options{Dir: dir})
	if m := render(t, c, claimOf(registration.EmailChannel, "ar", "ada", "", "")); m.Text != "\u200fRegistrar يرحب\n\u200f\u2068Registrar\u2069\n\u200f\u2068Registrar\u2069 يرحب\nيرحب Registrar\nhttps://example.com/a\n123\n\u200f(Registrar) مرحبًا\n" {
		t.Errorf("%q", m.Text)
	}
	if m := render(t, c, claimOf(registration.EmailChannel, "en", "سلمى", "", "")); m.Text != "\u200e\u2068سلمى\u2069 is welcome\nWelcome, \u2068سلمى\u2069\nسلمى\n\nx\n" {
		t.Errorf("%q", m.Text)
	}
}
