package bounce

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"registrar/internal/delivery"
	"registrar/internal/registration"
)

// Errors of Read.
var (
	// ErrNoReport is mail that is neither a delivery status notification nor a
	// complaint: somebody's automatic answer, or a letter.
	ErrNoReport = errors.New("bounce: not a report")
	// ErrUnreadable is a report whose form is broken.
	ErrUnreadable = errors.New("bounce: a report that cannot be read")
)

const (
	// maxParts bounds the parts that are looked at. A report has two or three.
	maxParts = 10
	// maxPart bounds what is read of one part. Of the returned message that is
	// its header and some of its text.
	maxPart = 64 << 10
	// maxRecipients bounds what is read of a report on many recipients; our
	// messages have one.
	maxRecipients = 50
)

// Read reads a mail as it came, from its header on. One that was cut in its
// last part is read as far as it goes. A zero NotificationID says that the
// report names no message of ours. The errors are ErrNoReport and
// ErrUnreadable.
func Read(mail []byte) (delivery.Report, error) {
	header, body := readFields(mail)
	kind, parameters, err := mime.ParseMediaType(header["content-type"])
	if err != nil || kind != "multipart/report" {
		if strings.HasPrefix(strings.ToLower(header["content-type"]), "multipart/report") {
			return delivery.Report{}, ErrUnreadable
		}
		return delivery.Report{}, ErrNoReport
	}
	var r reader
	if err := r.readParts(body, parameters["boundary"]); err != nil {
		return delivery.Report{}, err
	}
	switch {
	case !r.status && !r.feedback:
		return delivery.Report{}, ErrNoReport // another kind of report (RFC 3462), such as a read receipt
	case r.feedback && !r.abuse:
		return delivery.Report{}, ErrNoReport // "not spam", or a virus
	}
	if r.report.NotificationID.IsZero() {
		r.report.NotificationID = idAmong(header["in-reply-to"] + " " + header["references"])
	}
	return r.report, nil
}

// reader gathers what the parts of a report say.
type reader struct {
	report                  delivery.Report
	status, feedback, abuse bool
}

func (r *reader) readParts(body []byte, boundary string) error {
	if boundary == "" {
		return ErrUnreadable
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := range maxParts {
		part, err := parts.NextPart()
		if err != nil {
			if n == 0 || !errors.Is(err, io.EOF) && !r.status && !r.feedback {
				return ErrUnreadable
			}
			return nil
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			continue
		}
		var content io.Reader = part // without quoted-printable, which the package takes off
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
			content = base64.NewDecoder(base64.StdEncoding, part)
		}
		text, _ := io.ReadAll(io.LimitReader(content, maxPart)) // what came before an error counts
		r.readPart(kind, text)
	}
	return nil
}

// readPart reads a part by its type: those of RFC 3464, RFC 5965, RFC 3462 and
// RFC 6533.
func (r *reader) readPart(kind string, text []byte) {
	switch kind {
	case "message/delivery-status", "message/global-delivery-status":
		if !r.status {
			r.status = true
			r.readStatus(text)
		}
	case "message/feedback-report":
		if !r.feedback {
			r.feedback = true
			r.readFeedback(text)
		}
	case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
		returned, _ := readFields(text)
		if r.report.NotificationID.IsZero() {
			r.report.NotificationID = idAmong(returned["message-id"])
		}
	}
}

// readStatus reads the fields of the message and then those of each recipient
// (RFC 3464 section 2.1).
func (r *reader) readStatus(text []byte) {
	about, rest := readFields(bytes.TrimLeft(text, "\r\n"))
	if id, err := registration.ParseID(about["original-envelope-id"]); err == nil {
		r.report.NotificationID = id
	}
	for len(rest) > 0 && len(r.report.Recipients) < maxRecipients {
		var one fields
		one, rest = readFields(rest)
		if told := recipientReport(one); len(told.Recipients) > 0 {
			r.report.Recipients = append(r.report.Recipients, told)
		}
	}
}

// readFeedback reads RFC 5965 section 3's fields.
func (r *reader) readFeedback(text []byte) {
	f, _ := readFields(text)
	r.abuse = strings.EqualFold(f["feedback-type"], "abuse")
	r.report.Complaint = r.abuse
	if recipient, found := addressOf("rfc822;" + f["original-rcpt-to"]); found {
		r.report.Recipients = append(r.report.Recipients, delivery.RecipientReport{Recipients: recipient})
	}
}

// idAmong is the first notification's id among message ids. Ours have it
// before the at sign.
func idAmong(ids string) registration.ID {
	for _, id := range strings.Fields(ids) {
		left, _, _ := strings.Cut(strings.TrimPrefix(id, "<"), "@")
		if id, err := registration.ParseID(left); err == nil {
			return id
		}
	}
	return registration.ID{}
}
