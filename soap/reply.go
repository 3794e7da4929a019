package soap

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"registrar/soap/xmlreader"
	"registrar/soap/xsd"
)

// worthPacking is the size from which an answer is gzipped: smaller ones fit a
// packet as they are.
const worthPacking = 1400

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(io.Discard) }}

// appendEnvelopeStart opens an envelope up to the inside of its Body. The
// prefix is soap: there are clients that look for that one.
// own is header blocks of this package, blocks are those of handlers.
func appendEnvelopeStart(dst []byte, v Version, own string, blocks []*xmlreader.Element) []byte {
	dst = append(dst, `<?xml version="1.0" encoding="utf-8"?>`+"\n"+`<soap:Envelope xmlns:soap="`...)
	dst = append(append(dst, v.Space()...), `">`...)
	if own != "" || len(blocks) > 0 {
		dst = append(append(dst, `<soap:Header>`...), own...)
		for _, b := range blocks {
			dst = appendElement(dst, b)
		}
		dst = append(dst, `</soap:Header>`...)
	}
	return append(dst, `<soap:Body>`...)
}

func appendEnvelopeEnd(dst []byte) []byte {
	return append(dst, `</soap:Body></soap:Envelope>`...)
}

// faultMessage is a fault with all that its envelope says.
type faultMessage struct {
	version  Version
	code     string // local name of the code, in the version's spelling
	subcodes []Name // SOAP 1.2 only: each below the one before
	reason   string
	lang     string
	detail   func(dst []byte) ([]byte, error) // nil for none
	own      string                           // header blocks of this package
	blocks   []*xmlreader.Element             // and of handlers
}

// append writes the fault. Codes are qualified by the prefix of the envelope,
// which is in scope.
func (f *faultMessage) append(dst []byte) ([]byte, error) {
	var err error
	dst = appendEnvelopeStart(dst, f.version, f.own, f.blocks)
	if f.version == SOAP12 {
		dst = append(append(append(dst, `<soap:Fault><soap:Code><soap:Value>soap:`...), f.code...), `</soap:Value>`...)
		for _, c := range f.subcodes {
			dst = xsd.AppendText(append(dst, `<soap:Subcode><soap:Value xmlns:s="`...), c.Space)
			dst = append(append(append(dst, `">s:`...), c.Local...), `</soap:Value>`...)
		}
		for range f.subcodes {
			dst = append(dst, `</soap:Subcode>`...)
		}
		dst = append(dst, `</soap:Code><soap:Reason><soap:Text xml:lang="`...)
		dst = append(xsd.AppendText(dst, f.lang), `">`...)
		dst = append(xsd.AppendText(dst, f.reason), `</soap:Text></soap:Reason>`...)
		if f.detail != nil {
			if dst, err = f.detail(append(dst, `<soap:Detail>`...)); err != nil {
				return dst, err
			}
			dst = append(dst, `</soap:Detail>`...)
		}
	} else {
		// The children of a SOAP 1.1 fault are in no namespace.
		dst = append(append(append(dst, `<soap:Fault><faultcode>soap:`...), f.code...), `</faultcode><faultstring>`...)
		dst = append(xsd.AppendText(dst, f.reason), `</faultstring>`...)
		if f.detail != nil {
			if dst, err = f.detail(append(dst, `<detail>`...)); err != nil {
				return dst, err
			}
			dst = append(dst, `</detail>`...)
		}
	}
	return appendEnvelopeEnd(append(dst, `</soap:Fault>`...)), nil
}

// code is the fault code of an error in the version's spelling.
func (v Version) code(kind Kind, sender bool) string {
	switch {
	case kind == VersionMismatch:
		return "VersionMismatch"
	case kind == MustUnderstand:
		return "MustUnderstand"
	case sender && v == SOAP12:
		return "Sender"
	case sender:
		return "Client"
	case v == SOAP12:
		return "Receiver"
	default:
		return "Server"
	}
}

// upgrade is the header block that tells the versions (SOAP 1.2 part 1, 5.4.7).
const upgrade = `<soap12:Upgrade xmlns:soap12="` + Envelope12 + `">` +
	`<soap12:SupportedEnvelope qname="soap12:Envelope"/>` +
	`<soap12:SupportedEnvelope xmlns:soap11="` + Envelope11 + `" qname="soap11:Envelope"/>` +
	`</soap12:Upgrade>`

// notUnderstood writes a header block for each name (SOAP 1.2 part 1, 5.4.8).
func notUnderstood(names []Name) string {
	var dst []byte
	for _, n := range names {
		dst = xsd.AppendText(append(dst, `<soap:NotUnderstood xmlns:b="`...), n.Space)
		dst = append(append(append(dst, `" qname="b:`...), n.Local...), `"/>`...)
	}
	return string(dst)
}

// retryAfter is a duration in the header's whole seconds.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// write sends an answer. Its size is known, so the connection lives on, also
// in HTTP/1.0.
func write(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if len(body) >= worthPacking {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header) {
			packed := buffer()
			defer putBuffer(packed)
			z, _ := gzipWriters.Get().(*gzip.Writer)
			defer gzipWriters.Put(z)
			z.Reset(packed)
			_, _ = z.Write(body) // into memory
			_ = z.Close()
			h.Set("Content-Encoding", "gzip")
			body = packed.Bytes()
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // escaped where it was made; a client that has gone is nobody's error
}
