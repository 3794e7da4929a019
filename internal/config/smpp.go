package config

import (
	"fmt"
	"regexp"
	"time"
)

// SMSC is the message centre that SMS is handed to by SMPP 3.4. Each lane has a
// bind of its own.
type SMSC struct {
	// Host name or IP address.
	Host string `koanf:"host"`
	// Port, 1 to 65,535.
	Port int `koanf:"port"`
	// TLS is off, on (the certificate is verified against the system's authorities) or skip-verify.
	TLS string `koanf:"tls"`
	// SystemID to bind as. At most 64 visible ASCII characters; the specification has 15.
	SystemID string `koanf:"system_id"`
	// Password of SystemID, or PasswordFile, the file that holds it. At most one of them. At most 64 visible ASCII
	// characters; the specification has 8.
	Password     Secret `koanf:"password"`
	PasswordFile string `koanf:"password_file"`
	// SystemType and ServiceType are as the provider says, at most 12 and 5 characters. "" is its default.
	SystemType  string `koanf:"system_type"`
	ServiceType string `koanf:"service_type"`
	// Source is the sender's address: a number with + and country code, a short code of at most 8 digits, or a name of at
	// most 11 ASCII characters. "" is what the message centre puts there.
	Source string `koanf:"source"`
	// SourceTON and SourceNPI are Source's type of number and numbering plan, 0 to 255. -1 is by its form; both or none.
	SourceTON int `koanf:"source_ton"`
	SourceNPI int `koanf:"source_npi"`
	// Charset is how the message centre takes texts: gsm (its default alphabet is the GSM one), latin1 (its default
	// alphabet is ISO 8859-1), or ucs2 for all texts. The first two use UCS-2 for what their alphabet does not have.
	Charset string `koanf:"charset"`
	// Window is how many messages of a bind may be without an answer. 1 to 1,000.
	Window int `koanf:"window"`
	// EnquireInterval is after how long without a word the message centre is asked whether it is there. 1 s to 10 m.
	EnquireInterval time.Duration `koanf:"enquire_interval"`
	// Timeout of connection and bind, and of one answer. 1 s to 5 m.
	Timeout time.Duration `koanf:"timeout"`
	// Receipts asks for delivery receipts.
	Receipts bool `koanf:"receipts"`
	// ReceiptID is how receipts write the id of a message: same as the answer that took it did, hex-to-dec (the answer in
	// hexadecimal, receipts in decimal) or dec-to-hex.
	ReceiptID string `koanf:"receipt_id"`
}

func defaultSMPP() SMSC {
	return SMSC{
		Port: 2775, TLS: "off", SourceTON: -1, SourceNPI: -1, Charset: "gsm", Window: 10,
		EnquireInterval: 30 * time.Second, Timeout: 10 * time.Second, Receipts: true, ReceiptID: "same",
	}
}

var (
	smppSource = regexp.MustCompile(`^(|\+[0-9]{3,15}|[0-9]{1,15}|[!-*,-~][ -~]{0,10})$`)
	visible    = regexp.MustCompile(`^[ -~]*$`)
)

// smpp checks the section at a place, such as sms.smpp., used or not.
func (v *validator) smpp(at string, s SMSC, used bool) {
	octets := func(key, value string, most int) {
		if !visible.MatchString(value) || len(value) > most {
			v.add(at+key, fmt.Sprintf("must be at most %d visible ASCII characters", most), "")
		}
	}
	if used && s.Host == "" {
		v.add(at+"host", "must not be empty", "name the message centre")
	}
	v.number(at+"port", s.Port, 1, 65535)
	v.oneOf(at+"tls", s.TLS, "off", "on", "skip-verify")
	if used && s.SystemID == "" {
		v.add(at+"system_id", "must not be empty", "name what the provider has given")
	}
	octets("system_id", s.SystemID, 64)
	octets("password", s.Password.Reveal(), 64)
	octets("system_type", s.SystemType, 12)
	octets("service_type", s.ServiceType, 5)
	if !smppSource.MatchString(s.Source) {
		v.add(at+"source", "must be a number with +, a short code of at most 8 digits or a name of at most 11 ASCII characters", "write it like +966112345678, 80808 or Example")
	}
	v.number(at+"source_ton", s.SourceTON, -1, 255)
	v.number(at+"source_npi", s.SourceNPI, -1, 255)
	if (s.SourceTON < 0) != (s.SourceNPI < 0) {
		v.add(at+"source_npi", "must be set where source_ton is, and only there", "set both, or leave both at -1")
	}
	v.oneOf(at+"charset", s.Charset, "gsm", "latin1", "ucs2")
	v.number(at+"window", s.Window, 1, 1000)
	v.between(at+"enquire_interval", s.EnquireInterval, time.Second, 10*time.Minute)
	v.between(at+"timeout", s.Timeout, time.Second, 5*time.Minute)
	v.oneOf(at+"receipt_id", s.ReceiptID, "same", "hex-to-dec", "dec-to-hex")
}
