package soap_test

import (
	"bytes"
	"context"
	"time"

	"registrar/soap"
	"registrar/soap/wsa"
	"registrar/soap/wss"
)

// withHeaders gives the service WS-Security and WS-Addressing at noon of one
// day. The caller acme has the password secret; a message without a
// UsernameToken is anybody's.
func withHeaders(c *soap.Config) {
	accept := func(ctx context.Context, _ *soap.Message, t *wss.Token) (context.Context, error) {
		if t == nil || t.Username == "acme" && (t.Text == "secret" || t.Digest != nil && t.Digest.Matches("secret")) {
			return ctx, nil
		}
		return nil, &soap.Error{Kind: soap.Unauthenticated, Subcode: wss.FailedAuthentication, Reason: "The caller is not known, or its credential is wrong."}
	}
	noon := time.Date(2026, time.January, 31, 12, 0, 0, 0, time.UTC)
	c.Headers = []soap.HeaderHandler{
		wss.HeaderHandler(wss.Settings{Now: func() time.Time { return noon }}, accept),
		wsa.HeaderHandler(wsa.Settings{FaultName: "EchoFault", Random: oneNumber{}}),
	}
}

// oneNumber makes every answer's MessageID the same.
type oneNumber struct{}

func (oneNumber) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{0xab}, len(p))), nil }
