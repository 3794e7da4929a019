package bounce_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"registrar/internal/bounce"
	"registrar/internal/delivery"
	"registrar/internal/registration"
	"registrar/internal/suppression"
)

const (
	notification = "01936f0a-5d2c-7b31-9c44-8a1e2f6b7d90"
	amina        = "amina@example.net"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// told writes a report with the addresses that are known.
func told(r delivery.Report) string {
	known := map[suppression.Recipient]string{}
	for _, address := range []string{amina, "amina@mailhost.example.net", "josé@bücher.example", "bob@example.com"} {
		known[suppression.RecipientOf(registration.EmailChannel, address)] = address
	}
	var b strings.Builder
	if !r.NotificationID.IsZero() {
		b.WriteString(strings.Replace(r.NotificationID.String(), notification, "ours", 1))
	}
	if r.Complaint {
		b.WriteString(" complaint")
	}
	for _, one := range r.Recipients {
		var addresses []string
		for _, hash := range one.Recipients {
			addresses = append(addresses, known[hash])
		}
		fmt.Fprintf(&b, " [%s %s %s]", strings.Join(addresses, "="), one.State, one.Status)
	}
	return b.String()
}

// TestReadGolden: reports in the style of the mail servers that there are, with
// line ends of files and of the wire.
func TestReadGolden(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"postfix.eml":            "ours [amina@example.net=amina@example.net FAILED 5.1.1]",
		"postfix-delayed.eml":    "ours [amina@example.net=amina@example.net  4.4.1]",
		"exim.eml":               "ours [amina@example.net FAILED 5.1.1]",
		"sendmail.eml":           "ours [amina@example.net=amina@mailhost.example.net FAILED 5.2.2]",
		"exchange.eml":           "ours [amina@example.net=amina@example.net FAILED 5.1.10]",
		"gmail.eml":              "ours [amina@example.net FAILED 5.2.1]",
		"international.eml":      "ours [josé@bücher.example FAILED 5.1.1]",
		"complaint.eml":          "ours complaint [amina@example.net  ]",
		"complaint-redacted.eml": "ours complaint",
		"not-spam.eml":           "bounce: not a report",
		"vacation.eml":           "bounce: not a report",
		"read-receipt.eml":       "bounce: not a report",
	}
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(files) != len(want) {
		t.Fatalf("%d files, %v; want %d", len(files), err, len(want))
	}
	for name, want := range want {
		text := golden(t, name)
		for _, text := range [][]byte{text, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))} {
			report, err := bounce.Read(text)
			got := told(report)
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s is read as %q, want %q", name, got, want)
			}
		}
	}
}

// report makes a DSN of the fields of its message and its recipients, and the
// returned header.
func report(status, returned string) string {
	return "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
		"--b\nContent-Type: message/delivery-status\n\n" + status + "\n--b\nContent-Type: text/rfc822-headers\n\n" + returned + "\n--b--\n"
}

const oneFailed = "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; " + amina + "\nAction: failed\nStatus: 5.1.1\n"

// TestRead: what differs from the usual form.
func TestRead(t *testing.T) {
	t.Parallel()
	const id = "Message-ID: <" + notification + "@example.org>\n"
	recipient := func(lines string) string { return report("Reporting-MTA: dns; a\n\n"+lines+"\n", id) }
	for name, c := range map[string]struct{ mail, want string }{
		"the usual":                   {report(oneFailed, id), "ours [amina@example.net FAILED 5.1.1]"},
		"no returned message":         {report(oneFailed, "Subject: x\n"), " [amina@example.net FAILED 5.1.1]"},
		"another's message":           {report(oneFailed, "Message-ID: <20261120.1@example.org>\n"), " [amina@example.net FAILED 5.1.1]"},
		"an envelope id that is none": {report("Original-Envelope-Id: QQ314159\n"+oneFailed, id), "ours [amina@example.net FAILED 5.1.1]"},
		"two message ids":             {report(oneFailed, id+"Message-ID: <x@y>\n"), "ours [amina@example.net FAILED 5.1.1]"},
		"a folded message id":         {report(oneFailed, "Message-ID:\n <"+notification+"@example.org>\n"), "ours [amina@example.net FAILED 5.1.1]"},
		"the last boundary is cut":    {strings.TrimSuffix(report(oneFailed, id), "\n--b--\n"), "ours [amina@example.net FAILED 5.1.1]"},
		"one line is no field":        {report("Reporting-MTA: dns; a\nrubbish\n\nrubbish\nFinal-Recipient: rfc822; "+amina+"\nAction: failed\nStatus: 5.1.1\n", id), "ours [amina@example.net FAILED 5.1.1]"},
		"an empty line first":         {report("\nOriginal-Envelope-Id: "+notification+"\n\nFinal-Recipient: rfc822; "+amina+"\nAction: failed\nStatus: 5.1.1\n", "x: y\n"), "ours [amina@example.net FAILED 5.1.1]"},
		"two recipients": {recipient("Final-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.7.1\n\nFinal-Recipient: rfc822;Amina@Example.NET\nAction: FAILED (for good)\nStatus: 5.2.1 (disabled)"),
			"ours [bob@example.com FAILED 5.7.1] [amina@example.net FAILED 5.2.1]"},
		"delivered":                       {recipient("Final-Recipient: rfc822; " + amina + "\nAction: delivered\nStatus: 2.1.5"), "ours [amina@example.net DELIVERED 2.1.5]"},
		"relayed":                         {recipient("Final-Recipient: rfc822; " + amina + "\nAction: relayed\nStatus: 2.1.9"), "ours [amina@example.net  2.1.9]"},
		"no action":                       {recipient("Final-Recipient: rfc822; " + amina + "\nStatus: 5.1.1"), "ours [amina@example.net  5.1.1]"},
		"an address of another kind":      {recipient("Final-Recipient: x400; /S=amina/\nAction: failed\nStatus: 5.1.1"), "ours"},
		"in angle brackets":               {recipient("Final-Recipient: RFC822; <" + amina + ">\nAction: failed\nStatus: 5.1.1"), "ours [amina@example.net FAILED 5.1.1]"},
		"no status":                       {recipient("Final-Recipient: rfc822; " + amina + "\nAction: failed"), "ours [amina@example.net FAILED ]"},
		"a status of four numbers":        {recipient("Final-Recipient: rfc822; " + amina + "\nAction: failed\nStatus: 5.1.1.1"), "ours [amina@example.net FAILED ]"},
		"the reply says more":             {recipient("Final-Recipient: rfc822; " + amina + "\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp;550 5.1.6 moved"), "ours [amina@example.net FAILED 5.1.6]"},
		"the reply says something else":   {recipient("Final-Recipient: rfc822; " + amina + "\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 550 5.1.1 gone"), "ours [amina@example.net FAILED 5.2.2]"},
		"the reply is of another class":   {recipient("Final-Recipient: rfc822; " + amina + "\nAction: failed\nStatus: 4.0.0\nDiagnostic-Code: smtp; 550 5.1.1 gone"), "ours [amina@example.net FAILED 4.0.0]"},
		"the reply has no such code":      {recipient("Final-Recipient: rfc822; " + amina + "\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 version 5.1.1 is old"), "ours [amina@example.net FAILED 5.0.0]"},
		"a report in base64":              {strings.Replace(report("UmVwb3J0aW5nLU1UQTogZG5zOyBhCgpGaW5hbC1SZWNpcGllbnQ6IHJmYzgyMjsgYW1pbmFAZXhhbXBsZS5uZXQKQWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo=", id), "message/delivery-status\n", "message/delivery-status\nContent-Transfer-Encoding: base64\n", 1), "ours [amina@example.net FAILED 5.1.1]"},
		"no boundary":                     {"Content-Type: multipart/report; report-type=delivery-status\n\nx\n", bounce.ErrUnreadable.Error()},
		"a type that is none":             {"Content-Type: multipart/report; =\n\nx\n", bounce.ErrUnreadable.Error()},
		"no parts":                        {"Content-Type: multipart/report; boundary=b\n\nnothing\n", bounce.ErrUnreadable.Error()},
		"no status part":                  {"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b--\n", bounce.ErrNoReport.Error()},
		"a status part that is too late":  {"Content-Type: multipart/report; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 10) + strings.TrimPrefix(report(oneFailed, id), "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"), bounce.ErrNoReport.Error()},
		"nothing":                         {"", bounce.ErrNoReport.Error()},
		"a letter":                        {"Subject: hello\n\nhello\n", bounce.ErrNoReport.Error()},
		"a letter that quotes a report":   {"Content-Type: text/plain\n\n" + report(oneFailed, id), bounce.ErrNoReport.Error()},
		"a report within another message": {"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822\n\n" + report(oneFailed, id) + "\n--m--\n", bounce.ErrNoReport.Error()},
	} {
		report, err := bounce.Read([]byte(c.mail))
		got := told(report)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: read as %q, want %q", name, got, c.want)
		}
	}
}

// TestReadOfMany: a report on many recipients is read up to a bound.
func TestReadOfMany(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("\nFinal-Recipient: rfc822; bob@example.com\nAction: failed\nStatus: 5.1.1\n", 700)
	r, err := bounce.Read([]byte(report("Reporting-MTA: dns; a\n"+many, "")))
	if err != nil || len(r.Recipients) != 50 {
		t.Errorf("%d recipients, %v", len(r.Recipients), err)
	}
}

// FuzzRead: whatever comes, Read ends, and what it says is within its bounds.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		f.Add(golden(f, filepath.Base(name)))
	}
	f.Add([]byte(report(oneFailed, "Message-ID: <"+notification+"@example.org>\n")))
	f.Fuzz(func(t *testing.T, mail []byte) {
		r, err := bounce.Read(mail)
		if err != nil {
			if !errors.Is(err, bounce.ErrNoReport) && !errors.Is(err, bounce.ErrUnreadable) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if len(r.Recipients) > 51 {
			t.Fatalf("%d recipients", len(r.Recipients))
		}
		for _, one := range r.Recipients {
			switch one.State {
			case "", registration.Failed, registration.Delivered:
			default:
				t.Fatalf("state %s", one.State)
			}
			if len(one.Recipients) == 0 || len(one.Recipients) > 2 || len(one.Status) > len("5.123.123") || strings.ContainsFunc(one.Status, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
				t.Fatalf("recipient %+v", one)
			}
		}
	})
}
