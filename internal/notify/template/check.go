package template

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"registrar/internal/registration"
)

// The limits that a rendered sample must keep.
const (
	maxSubject     = 200     // characters; mail clients show 60 to 80
	maxSMSSegments = 4       // each is paid for; a one-time code has one
	maxHTML        = 100_000 // octets; Gmail cuts a message at 102 KB
	maxLine        = 998     // octets (RFC 5322 section 2.1.1)
	maxSample      = 1 << 20 // octets; rendering ends there, so that it takes no memory without end
)

var errTooLong = fmt.Errorf("it is too long: more than %d octets", maxSample)

// sample is what a template renders to, within maxSample.
type sample struct{ strings.Builder }

// Write implements io.Writer.
func (s *sample) Write(p []byte) (int, error) {
	if s.Len()+len(p) > maxSample {
		return 0, errTooLong
	}
	return s.Builder.Write(p)
}

// WriteString implements io.StringWriter.
func (s *sample) WriteString(p string) (int, error) { return s.Write([]byte(p)) }

// The samples' code and addresses; in what is rendered nothing else looks like
// them. An SMS gets the shorter address.
const (
	sampleCode      = "492716"
	sampleLink      = "https://registrar.example.com/unsubscribe?t=AQEBkq2dWbQ7Jw3vE0mZx8LrT5yUaCfHs6NpGiKoVdXzRj1lMhYu4tBe9cPwSnA0QgF7sT"
	sampleShortLink = "https://registrar.example.com/unsubscribe?t=AgGSrZ1ZtDsnDe8TSZnHwutPnJRoJ8ez"
)

// samples are data as different as a template meets them: each file is tried
// with all of them before the first notification.
func (c *Catalog) samples(of *document) []*Data {
	people := []Data{
		{Contact: c.contact, Username: "ada", FirstName: "Ada", LastName: "Lovelace"},
		{Contact: "support@example.org", Username: "nour.91", FirstName: "نور", LastName: "الهاشمي"},
		{Contact: c.contact, Username: "سلمى", FirstName: "Salma"},
		{Username: `<b>"O'Hara" & {{.Brand}}</b>`, LastName: strings.Repeat("W", 30)},
		{Contact: c.contact, Username: strings.Repeat("n", 64), FirstName: strings.Repeat("ن", 30), LastName: strings.Repeat("ن", 30)},
	}
	samples := make([]*Data, len(people))
	for i := range people {
		d := &people[i]
		d.Brand = c.brand
		switch of.about.kind {
		case registration.VerificationCode:
			d.Code, d.Domain = sampleCode, c.domain
			d.ValidMinutes = []int{1, 2, 10, 100, 1440}[i] // a plural form each
		case registration.CampaignMessage:
			if d.Unsubscribe = sampleLink; of.name == smsFile {
				d.Unsubscribe = sampleShortLink
			}
		}
		samples[i] = d
	}
	return samples
}

// try renders a document with all samples and says what is wrong, each thing once.
func (c *Catalog) try(d *document, locale language.Tag) (problems []string) {
	for _, data := range c.samples(d) {
		var b sample
		if err := d.Execute(&b, data); err != nil {
			return []string{"cannot be rendered: " + err.Error()}
		}
		for _, wrong := range d.judge(d.finish(b.String(), data), data, locale) {
			if !slices.Contains(problems, wrong) {
				problems = append(problems, wrong)
			}
		}
	}
	return problems
}

// judge says what is wrong with a rendered sample.
func (d *document) judge(out string, data *Data, locale language.Tag) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch {
	case !utf8.ValidString(out):
		add("is not UTF-8")
		return problems
	case strings.TrimSpace(out) == "", out == autofill(data), out == "\n"+autofill(data):
		add("renders to nothing")
		return problems
	}
	if d.name != subjectFile && data.Code != "" && !strings.Contains(strings.TrimSuffix(out, autofill(data)), data.Code) {
		add("does not show {{.Code}}")
	}
	if insecure(out) && d.name != htmlFile {
		add("has a link that is not https")
	}
	switch d.name {
	case subjectFile:
		if utf8.RuneCountInString(out) > maxSubject {
			add("renders to a subject of more than %d characters", maxSubject)
		}
	case textFile:
		for line := range strings.SplitSeq(out, "\n") {
			if len(line) > maxLine {
				add("renders to a line of more than %d octets", maxLine)
			}
		}
		if data.Unsubscribe != "" && !strings.Contains(out, data.Unsubscribe) {
			add("does not show {{.Unsubscribe}}")
		}
	case htmlFile:
		if len(out) > maxHTML {
			add("renders to more than %d octets, of which Gmail shows no more than the beginning", maxHTML)
		}
		problems = append(problems, inspect(out, data.Unsubscribe, locale)...)
	case smsFile:
		problems = append(problems, d.judgeSMS(out, data)...)
	}
	return problems
}

func (d *document) judgeSMS(out string, data *Data) []string {
	limit := maxSMSSegments
	if d.about.kind == registration.VerificationCode {
		limit = 1
	}
	size := Measure(out)
	if size.Segments <= limit {
		return nil
	}
	advice := "shorten it"
	if data.Domain != "" {
		advice = fmt.Sprintf("shorten it, the brand or sms.code_domain, whose line takes %d", len(autofill(data))+1)
	}
	return []string{fmt.Sprintf("renders to an SMS of %d segments, which is more than %d: %d units of %s, where %d fit: %s",
		size.Segments, limit, size.Units, size.Encoding, fitting(size.Encoding, limit), advice)}
}

// insecure says whether plain text has an address that is not https.
func insecure(out string) bool { return strings.Contains(strings.ToLower(out), "http://") }
