package bench_test

import (
	"context"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"registrar/internal/caller"
	"registrar/internal/endpoint"
	"registrar/internal/gateway"
	"registrar/internal/registration"
	"registrar/soap"
	"registrar/soap/wsa"
	"registrar/test/harness"
	"registrar/wsdl"
)

// stub is a domain that does nothing.
type stub struct{ endpoint.Registrar }

func (stub) Register(context.Context, registration.Request) (registration.Receipt, error) {
	return registration.Receipt{ID: registration.ID{1}, Status: registration.PendingVerification, Locale: "en", RegisteredAt: time.Unix(1_790_000_000, 0)}, nil
}

func (stub) Details(context.Context, registration.Lookup) (registration.Details, error) {
	return registration.Details{}, nil
}

// noCallers is a store without callers, as on loopback.
type noCallers struct{ caller.Store }

func (noCallers) Callers(context.Context) ([]caller.Caller, error) { return nil, nil }

// edge is the whole SOAP edge, with its header handlers, on a domain that does nothing.
func edge() (http.Handler, error) {
	directory, err := caller.OpenDirectory(context.Background(), caller.Settings{}, noCallers{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	callers := gateway.New(gateway.Settings{}, directory, caller.NewLimiter(nil, time.Now), nil, slog.New(slog.DiscardHandler))
	none := func(context.Context) string { return "" }
	nobody := func(context.Context) endpoint.Caller { return endpoint.Caller{} }
	e := &endpoint.Endpoint{Registrar: stub{}, Caller: nobody, MessageID: wsa.MessageID, TraceParent: none, CorrelationID: none, Challenge: gateway.Challenge, Failed: func(context.Context, error) {}}
	return soap.New(soap.Config{
		Headers: []soap.HeaderHandler{callers.HeaderHandler(), wsa.HeaderHandler(wsa.Settings{FaultName: "RegistrationFault"})},
		Path:    "/registration", Description: wsdl.Description, Schemas: map[string][]byte{"registration.xsd": wsdl.Schema},
		Operations: e.Operations(), FaultDetails: endpoint.FaultDetails(), Faults: e.Fault, PublicURL: "http://127.0.0.1",
	})
}

// plain is what one would write without this service: net/http and
// encoding/xml, and no checks.
func plain() (http.Handler, error) {
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
	}), nil
}

// BenchmarkEdge posts envelopes over loopback to the edge, to the plain handler
// and to a gSOAP server in turn, each in a process of its own; the ratios are
// the medians of rounds.
func BenchmarkEdge(b *testing.B) {
	names := []string{"edge", "plain", "gsoap"}
	servers := []string{startOwn(b, "edge"), startOwn(b, "plain"), startGSOAP(b)}
	const n = 20_000
	perSecond := func(address string) float64 {
		envelope := harness.People("edge")(1)
		return n / harness.Load(b, "http://"+address+"/registration", connections, n, func(int) string { return envelope }).Seconds()
	}
	for _, s := range servers {
		perSecond(s)
	}
	for b.Loop() {
		figures := make([][]float64, len(servers))
		var overPlain, overGSOAP []float64
		for range 5 {
			var round [3]float64
			for i, s := range servers {
				round[i] = perSecond(s)
				figures[i] = append(figures[i], round[i])
			}
			overPlain, overGSOAP = append(overPlain, round[0]/round[1]), append(overGSOAP, round[0]/round[2])
		}
		for i, name := range names {
			b.ReportMetric(median(figures[i]), "envelopes/s("+name+")")
		}
		b.ReportMetric(median(overPlain), "edge/plain")
		b.ReportMetric(median(overGSOAP), "edge/gsoap")
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
