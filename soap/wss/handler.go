package wss

import (
	"context"
	"errors"
	"time"

	"registrar/soap"
	"registrar/soap/xmlreader"
)

// Settings are those of the clocks.
type Settings struct {
	Now     func() time.Time // nil is time.Now
	MaxAge  time.Duration    // how old a UsernameToken's Created may be; 0 is 300 s, which the profile recommends (1.1.1, section 3.1)
	MaxSkew time.Duration    // how far the clocks of a caller and of this node may differ; 0 is 60 s
	// Refused, if not nil, is told of each message that accept is not asked
	// about because its Security header is a fault. It must not block.
	Refused func(ctx context.Context, m *soap.Message, fault *soap.Error)
}

var (
	securityName  = soap.Name{Space: SecextSpace, Local: "Security"}
	tokenName     = soap.Name{Space: SecextSpace, Local: "UsernameToken"}
	timestampName = soap.Name{Space: UtilitySpace, Local: "Timestamp"}
	createdName   = soap.Name{Space: UtilitySpace, Local: "Created"}
	expiresName   = soap.Name{Space: UtilitySpace, Local: "Expires"}
)

// HeaderHandler reads the Security header of each message. accept is called
// once for every message whose header is right, with its token, and with nil
// where it has none, so that other credentials can be looked for. The context
// that it gives goes to the operation, its error ends the message.
func HeaderHandler(s Settings, accept func(ctx context.Context, m *soap.Message, t *Token) (context.Context, error)) soap.HeaderHandler {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.MaxAge <= 0 {
		s.MaxAge = 300 * time.Second
	}
	if s.MaxSkew <= 0 {
		s.MaxSkew = 60 * time.Second
	}
	return soap.HeaderHandler{
		Understands: []soap.Name{securityName},
		Process: func(ctx context.Context, m *soap.Message) (context.Context, error) {
			t, err := s.read(m.Blocks)
			if err != nil {
				if fault, ok := errors.AsType[*soap.Error](err); ok && s.Refused != nil {
					s.Refused(ctx, m, fault)
				}
				return nil, err
			}
			return accept(ctx, m, t)
		},
	}
}

// read gives the token of a message, nil for none.
func (s *Settings) read(blocks []*xmlreader.Element) (*Token, error) {
	var header *xmlreader.Element
	for _, b := range blocks {
		if b.Name != securityName {
			continue
		}
		// Section 5: no two may name the same actor, or none.
		if header != nil {
			return nil, invalid("There are two Security headers for this service.")
		}
		header = b
	}
	if header == nil {
		return nil, nil //nolint:nilnil // no credential here is no error
	}
	found, err := parts(header, tokenName, timestampName)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	if found[1] != nil {
		if err := s.checkTimestamp(found[1], now); err != nil {
			return nil, err
		}
	}
	if found[0] == nil {
		return nil, nil //nolint:nilnil // no credential here is no error
	}
	return s.readToken(found[0], now)
}
