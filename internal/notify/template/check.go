package template

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// samples are people as different as a template meets them: each file is tried
// with all of them before the first notification.
func (c *Catalog) samples() []Data {
	return []Data{
		{Brand: c.brand, Contact: c.contact, Username: "ada", FirstName: "Ada", LastName: "Lovelace"},
		{Brand: c.brand, Contact: "support@example.org", Username: "nour.91", FirstName: "نور", LastName: "الهاشمي"},
		{Brand: c.brand, Contact: c.contact, Username: "سلمى", FirstName: "Salma"},
		{Brand: c.brand, Username: `<b>"O'Hara" & {{.Brand}}</b>`, LastName: strings.Repeat("W", 30)},
		{Brand: c.brand, Username: strings.Repeat("n", 100)},
	}
}

// The limits that a rendered sample must keep.
const (
	maxSubject     = 200 // characters; mail clients show 60 to 80
	maxSMSSegments = 4   // each is paid for
)

// try renders a file with all samples.
func (c *Catalog) try(name string, f file, e executor) (problems []error) {
	for _, data := range c.samples() {
		var b strings.Builder
		if err := e.Execute(&b, data); err != nil {
			return []error{fmt.Errorf("template: %w", err)}
		}
		out := b.String()
		wrong := ""
		switch {
		case !utf8.ValidString(out):
			wrong = "is not UTF-8"
		case strings.TrimSpace(out) == "":
			wrong = "renders to nothing"
		case name == subjectFile && utf8.RuneCountInString(oneLine(out)) > maxSubject:
			wrong = fmt.Sprintf("renders to a subject of more than %d characters", maxSubject)
		case name == smsFile && Segments(oneLine(out)) > maxSMSSegments:
			wrong = fmt.Sprintf("renders to an SMS of more than %d segments", maxSMSSegments)
		case name == htmlFile && strings.Contains(strings.ToLower(f.content), "<script"):
			wrong = "holds a script, which no mail client runs"
		}
		if wrong != "" {
			return []error{fmt.Errorf("template: %s %s", f.origin, wrong)}
		}
	}
	return nil
}
