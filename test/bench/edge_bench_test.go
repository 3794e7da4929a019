package bench_test

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"registrar/internal/endpoint"
	"registrar/internal/registration"
	"registrar/soap"
	"registrar/test/harness"
	"registrar/wsdl"
)

// stub is a domain that does nothing.
type stub struct{}

func (stub) Register(context.Context, registration.Request) (registration.Receipt, error) {
	return registration.Receipt{ID: registration.ID{1}, Status: registration.PendingVerification, Locale: "en", RegisteredAt: time.Unix(1_790_000_000, 0)}, nil
}

func (stub) Details(context.Context, registration.Lookup) (registration.Details, error) {
	return registration.Details{}, nil
}

// edge is the whole SOAP edge on a domain that does nothing.
func edge(b *testing.B) http.Handler {
	b.Helper()
	none := func(context.Context) string { return "" }
	nobody := func(context.Context) endpoint.Caller { return endpoint.Caller{} }
	e := &endpoint.Endpoint{Registrar: stub{}, Caller: nobody, MessageID: none, TraceParent: none, CorrelationID: none, Challenge: func(error) string { return "" }, Failed: func(context.Context, error) {}}
	server, err := soap.New(soap.Config{
		Path: "/registration", Description: wsdl.Description, Schemas: map[string][]byte{"registration.xsd": wsdl.Schema},
		Operations: e.Operations(), FaultDetails: endpoint.FaultDetails(), Faults: e.Fault, PublicURL: "http://127.0.0.1",
	})
	if err != nil {
		b.Fatal(err)
	}
	return server
}

// plain is what one would write without this service: net/http and
// encoding/xml, and no checks.
func plain() http.Handler {
	type request struct {
		Body struct {
			Register struct {
				RequestID string `xml:"requestId"`
				Username  string `xml:"username"`
				Email     string `xml:"email"`
				Password  string `xml:"password"`
				FirstName string `xml:"firstName"`
				LastName  string `xml:"lastName"`
				Mobile    string `xml:"mobileNumber"`
				Locale    string `xml:"locale"`
			} `xml:"RegisterRequest"`
		} `xml:"Body"`
	}
	type response struct {
		XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
		Body    struct {
			Register struct {
				XMLName xml.Name `xml:"urn:registrar:registration:v1 RegisterResponse"`
				ID      string   `xml:"registrationId"`
				Status  string   `xml:"status"`
				Message string   `xml:"message"`
				At      string   `xml:"registeredAt"`
			}
		} `xml:"Body"`
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var in request
		if err := xml.Unmarshal(body, &in); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		var out response
		out.Body.Register.ID, out.Body.Register.Status = registration.ID{1}.String(), "PENDING_VERIFICATION"
		out.Body.Register.Message, out.Body.Register.At = "Your account has been registered.", "2026-09-21T14:13:20Z"
		answer, err := xml.Marshal(out)
		if err != nil {
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write(answer)
	})
}

// BenchmarkEdge posts envelopes over loopback to the edge and to the plain
// handler in turn; the ratio is the median of pairs.
func BenchmarkEdge(b *testing.B) {
	ours, theirs := httptest.NewServer(edge(b)), httptest.NewServer(plain())
	defer ours.Close()
	defer theirs.Close()
	const n = 20_000
	perSecond := func(s *httptest.Server) float64 {
		envelope := harness.People("edge")(1)
		return n / harness.Load(b, s.URL+"/registration", connections, n, func(int) string { return envelope }).Seconds()
	}
	perSecond(ours)
	perSecond(theirs)
	for b.Loop() {
		var edges, plains, ratios []float64
		for range 5 {
			e, p := perSecond(ours), perSecond(theirs)
			edges, plains, ratios = append(edges, e), append(plains, p), append(ratios, e/p)
		}
		b.ReportMetric(median(edges), "envelopes/s(edge)")
		b.ReportMetric(median(plains), "envelopes/s(plain)")
		b.ReportMetric(median(ratios), "edge/plain")
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
