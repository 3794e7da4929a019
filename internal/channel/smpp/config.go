package smpp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"registrar/internal/registration"
)

// Config is how to reach the message centre, and as whom to write. A zero
// duration or number stands for its default.
type Config struct {
	Name string // in the ledger, in logs and in metrics; default "smpp"
	Host string
	Port int // default 2775; 3550 with TLS

	TLS        bool           // from the first byte
	RootCAs    *x509.CertPool // nil for the system's
	SkipVerify bool           // takes any certificate

	// SystemID, Password and SystemType are what the bind is made with: at most
	// 15, 8 and 12 octets by the specification. Message centres that hand out
	// longer ones take them.
	SystemID   string
	Password   string
	SystemType string

	// Source is the sender's address: a number with "+" and country code, a
	// short code of at most 8 digits, or a name of at most 11 characters; "" is
	// what the message centre puts there. SourceType is its type of number and
	// numbering plan where they do not follow from its form.
	Source      string
	SourceType  *AddressType
	ServiceType string // at most 5 octets; "" is the message centre's default

	// Charset is how the message centre takes texts; default GSM.
	Charset Charset
	// Window is how many messages may be without an answer at most; default 10.
	// A message centre that throttles gets fewer for a while.
	Window int
	// EnquireInterval is after how long without a word from the message centre
	// it is asked whether it is there; default 30 s.
	EnquireInterval time.Duration
	// Timeout bounds connection and bind, and each answer; default 10 s.
	Timeout time.Duration
	// Wait is how long a Send waits for a bind, or for the end of throttling;
	// default 1 s. Another provider may be free.
	Wait time.Duration
	// ReconnectBase and ReconnectCap bound the ceiling of the full-jitter
	// back-off between attempts to bind; defaults 200 ms and 30 s.
	ReconnectBase, ReconnectCap time.Duration

	// Receipts takes delivery receipts; nil asks for none.
	Receipts Receipts
	// ReceiptID is how the id in a receipt is written; default SameID.
	ReceiptID ReceiptID
	Log       *slog.Logger // nil for none
}

// Receipts takes what a provider tells of the messages that it has accepted.
type Receipts interface {
	// Receipt notes the state, DELIVERED or FAILED, of what provider knows by
	// ref: a message, or one part of it. reason is the provider's status. What
	// it returns nil for is durable; on an error the message centre is asked to
	// send the receipt again. recipient is the number that the receipt is of, as
	// the message centre writes it; "" where it is not told: centres use their
	// ids again. The context has a deadline.
	Receipt(ctx context.Context, provider, ref, recipient string, state registration.State, reason string) error
}

// AddressType is type of number and numbering plan (SMPP 3.4 sections 5.2.5 and 5.2.6).
type AddressType struct{ TON, NPI byte }

// Charset is how the message centre takes texts.
type Charset string

// The character sets.
const (
	GSM    Charset = "gsm"    // its default alphabet is the GSM one, an octet a code; UCS-2 for everything else
	Latin1 Charset = "latin1" // its default alphabet is ISO 8859-1, which it turns into the GSM one; UCS-2 for everything else
	UCS2   Charset = "ucs2"   // everything in UCS-2
)

// ReceiptID is how a message centre writes the id of a message in a receipt's
// text, beside how it wrote it when it took the message.
type ReceiptID string

// The ways.
const (
	SameID   ReceiptID = "same"
	HexToDec ReceiptID = "hex-to-dec" // hexadecimal at first, decimal in receipts
	DecToHex ReceiptID = "dec-to-hex" // the other way round
)

// maxWindow is far above what message centres allow.
const maxWindow = 1000

// complete fills in defaults and tells everything that is wrong.
func (c *Config) complete() error {
	setDefault(&c.Name, "smpp")
	setDefault(&c.Charset, GSM)
	setDefault(&c.ReceiptID, SameID)
	setDefault(&c.Window, 10)
	setDefault(&c.EnquireInterval, 30*time.Second)
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.Wait, time.Second)
	setDefault(&c.ReconnectBase, 200*time.Millisecond)
	setDefault(&c.ReconnectCap, 30*time.Second)
	if c.TLS {
		setDefault(&c.Port, 3550)
	}
	setDefault(&c.Port, 2775)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("provider", c.Name)
	var problems []error
	check := func(ok bool, problem string) {
		if !ok {
			problems = append(problems, errors.New("smpp: "+problem))
		}
	}
	check(c.Host != "" && !strings.ContainsAny(c.Host, "/ "), "host is not a name or an address")
	check(c.Port >= 1 && c.Port <= 65535, "port is not between 1 and 65535")
	check(c.SystemID != "" && isOctets(c.SystemID, 64), "the system id is not 1 to 64 visible ASCII characters")
	check(isOctets(c.Password, 64), "the password is not at most 64 visible ASCII characters")
	check(isOctets(c.SystemType, 12), "the system type is not at most 12 visible ASCII characters")
	check(isOctets(c.ServiceType, 5), "the service type is not at most 5 visible ASCII characters")
	if _, _, err := sourceAddress(c.Source, c.SourceType); err != nil {
		problems = append(problems, err)
	}
	check(c.Charset == GSM || c.Charset == Latin1 || c.Charset == UCS2, fmt.Sprintf("the character set is none of %s, %s and %s", GSM, Latin1, UCS2))
	check(c.ReceiptID == SameID || c.ReceiptID == HexToDec || c.ReceiptID == DecToHex,
		fmt.Sprintf("the receipt id is none of %s, %s and %s", SameID, HexToDec, DecToHex))
	check(c.Window >= 1 && c.Window <= maxWindow, fmt.Sprintf("the window is not between 1 and %d", maxWindow))
	check(c.EnquireInterval > 0 && c.Timeout > 0 && c.Wait > 0, "enquire interval, time-out and wait must be above zero")
	check(c.ReconnectBase > 0 && c.ReconnectCap >= c.ReconnectBase, "the reconnect cap must be at least the reconnect base, and both above zero")
	return errors.Join(problems...)
}

func (c *Config) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.RootCAs, InsecureSkipVerify: c.SkipVerify, MinVersion: tls.VersionTLS12} //nolint:gosec // where the operator wrote so
}

func setDefault[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

// isOctets says whether s fits a C-octet string of at most n octets before its
// end (SMPP 3.4 section 3.1), and is visible.
func isOctets(s string, n int) bool {
	return len(s) <= n && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

var errSource = errors.New("smpp: the source address is no number with +, no short code of at most 8 digits and no name of at most 11 visible ASCII characters")

// sourceAddress is the type and the text of the sender's address. Names are
// those of 3GPP TS 23.040 section 9.1.2.5.
func sourceAddress(source string, given *AddressType) (AddressType, string, error) {
	number, plus := strings.CutPrefix(source, "+")
	of := AddressType{}
	switch digits := isDigits(number); {
	case source == "":
	case plus && digits && len(number) >= 3 && len(number) <= 15, !plus && digits && len(number) > 8 && len(number) <= 15:
		of = AddressType{TON: 1, NPI: 1} // international, E.164
	case plus || digits && len(number) > 8:
		return of, "", errSource
	case digits:
		of = AddressType{TON: 3} // the network's own
	case isOctets(source, 11):
		of = AddressType{TON: 5} // alphanumeric
	default:
		return of, "", errSource
	}
	if given != nil {
		of = *given
	}
	return of, number, nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
