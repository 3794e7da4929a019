package devstack

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed smsc/smsc.js
var smscScript []byte

// SMSC is a message centre (npm's smpp) that speaks SMPP 3.4, behaves as it is
// told and keeps a journal of what comes. Its ids grow from 4097. It is a Part.
type SMSC struct {
	Host               string
	Port               int
	SystemID, Password string         // what it takes binds with
	RootCAs            *x509.CertPool // of its certificate; nil without TLS
	program
	control int
	options map[string]any
}

// SMSCOptions say what the message centre offers, and where.
type SMSCOptions struct {
	Host *Host // nil is loopback
	TLS  bool  // from the first byte
}

// SMSCBehaviour is what a message centre does from now on. The zero value takes
// everything at once and sends no receipts. A count goes down by one each time;
// -1 is always.
type SMSCBehaviour struct {
	// Of each ThrottleOf messages the first Throttle are answered with ThrottleStatus, 0 for ESME_RTHROTTLED.
	Throttle       int    `json:"throttle,omitempty"`
	ThrottleOf     int    `json:"throttle_of,omitempty"`
	ThrottleStatus uint32 `json:"throttle_status,omitempty"`
	// Fail counts messages that are answered with FailStatus.
	Fail       int    `json:"fail,omitempty"`
	FailStatus uint32 `json:"fail_status,omitempty"`

	DelayMS         int    `json:"delay_ms,omitempty"`    // before each answer
	Rate            int    `json:"rate,omitempty"`        // answers a second at most, evenly; instead of DelayMS
	DropBefore      int    `json:"drop_before,omitempty"` // counts messages that are taken, and the connection dropped instead of an answer
	DropAfter       int    `json:"drop_after,omitempty"`  // counts answers that the connection is dropped behind
	Silent          int    `json:"silent,omitempty"`      // counts messages that are taken and not answered
	Nack            int    `json:"nack,omitempty"`        // counts messages that are answered with generic_nack
	RefuseBind      uint32 `json:"refuse_bind,omitempty"` // the status of every bind
	SilentBind      bool   `json:"silent_bind,omitempty"` // binds are not answered
	IgnoreEnquiries bool   `json:"ignore_enquiries,omitempty"`
	Receipts        string `json:"receipts,omitempty"`      // "delivered", "failed" or "alternately"; "" for none
	ReceiptStyle    string `json:"receipt_style,omitempty"` // "text" (the default), "tlv" or "both"
	ReceiptAfterMS  int    `json:"receipt_after_ms,omitempty"`
	ReceiptRepeatMS int    `json:"repeat_ms,omitempty"` // after ESME_RX_T_APPN; 0 for 100
	HexadecimalIDs  bool   `json:"hex_ids,omitempty"`   // in answers; in the text of receipts they are decimal

	// JournalPrefix is what a destination begins with whose messages are written to the journal; "" for all.
	JournalPrefix string `json:"journal_prefix,omitempty"`
}

// SMSCEvent is one line of the journal.
type SMSCEvent struct {
	Event     string `json:"event"` // bind, submit, receipt, mobile, enquire, enquire_answer, unbind
	At        int64  `json:"at"`    // microseconds since 1970-01-01 UTC
	Status    uint32 `json:"status"`
	MessageID string `json:"message_id"`

	Command    string `json:"command"` // of a bind
	SystemID   string `json:"system_id"`
	SystemType string `json:"system_type"`

	// Of a submit_sm. Outstanding is how many are without an answer, it among
	// them; UDH is in hexadecimal, and Text as the library decodes it.
	Outstanding    int    `json:"outstanding"`
	Source         string `json:"source"`
	SourceTON      byte   `json:"source_ton"`
	SourceNPI      byte   `json:"source_npi"`
	Destination    string `json:"destination"`
	DestinationTON byte   `json:"destination_ton"`
	DestinationNPI byte   `json:"destination_npi"`
	ServiceType    string `json:"service_type"`
	ESMClass       byte   `json:"esm_class"`
	Priority       byte   `json:"priority"`
	Validity       string `json:"validity"`
	Registered     byte   `json:"registered"`
	DataCoding     byte   `json:"data_coding"`
	UDH            string `json:"udh"`
	Text           string `json:"text"`
}

// StartSMSC starts a message centre whose files are in dir, and waits until it
// listens.
func StartSMSC(ctx context.Context, dir string, o SMSCOptions) (*SMSC, error) {
	host := cmp.Or(o.Host, Loopback())
	s := &SMSC{Host: host.IP, SystemID: "registrar", Password: "secret", program: program{name: "smsc", kind: KindSMSC, host: host, grace: sinkStop}}
	if err := s.prepare(dir, o); err != nil {
		return nil, fmt.Errorf("devstack: smsc: %w", err)
	}
	return s, s.Restart(ctx)
}

func (s *SMSC) prepare(dir string, o SMSCOptions) (err error) {
	if s.dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	modules := filepath.Join(cache, "smsc", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "smpp")); err != nil {
		return fmt.Errorf("%w (hack/deps installs it)", err)
	}
	s.options = map[string]any{"host": s.Host, "ports": s.file("ports.json"), "journal": s.file("journal.jsonl"), "modules": modules, "system_id": s.SystemID, "password": s.Password}
	if o.TLS {
		cert, key := s.file("cert.pem"), s.file("key.pem")
		if s.RootCAs, err = writeCertificate(cert, key, s.Host); err != nil {
			return err
		}
		s.options["cert"], s.options["key"] = cert, key
	}
	return os.WriteFile(s.file("smsc.js"), smscScript, 0o600)
}

// Journal is the file in which each message that it took is a line.
func (s *SMSC) Journal() string { return s.file("journal.jsonl") }

func (s *SMSC) file(name string) string { return filepath.Join(s.dir, name) }

// About implements Part.
func (s *SMSC) About() About { return s.about(net.JoinHostPort(s.Host, strconv.Itoa(s.Port)), "") }

// Restart implements Part: on the same port, with the behaviour of a new one.
func (s *SMSC) Restart(ctx context.Context) error {
	s.options["port"], s.options["control"] = s.Port, s.control // 0 the first time: free ones
	options, err := json.Marshal(s.options)
	if err != nil {
		return fmt.Errorf("devstack: smsc: %w", err)
	}
	if err := os.RemoveAll(s.file("ports.json")); err != nil {
		return fmt.Errorf("devstack: smsc: %w", err)
	}
	return s.start(ctx, s.listens, "/usr/bin/node", s.file("smsc.js"), string(options))
}

// listens reads the ports that were taken; both are open by then.
func (s *SMSC) listens(context.Context) error {
	written, err := os.ReadFile(s.file("ports.json"))
	if err != nil {
		return err
	}
	var ports struct{ Port, Control int }
	if err := json.Unmarshal(written, &ports); err != nil {
		return err
	}
	if s.Port == 0 {
		s.Port, s.control = ports.Port, ports.Control
	}
	return nil
}

// Behave replaces what the message centre does.
func (s *SMSC) Behave(ctx context.Context, b SMSCBehaviour) error {
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = s.call(ctx, http.MethodPut, "/behaviour", body)
	return err
}

// Do does something to every bind at once: "unbind", "drop" the connection, send
// "garbage", an "unknown" command or a "truncated" deliver_sm, "enquire", or
// deliver a "mobile" person's message that looks like a receipt.
func (s *SMSC) Do(ctx context.Context, what string) error {
	_, err := s.call(ctx, http.MethodPost, "/"+what, nil)
	return err
}

// Binds is how many there are.
func (s *SMSC) Binds(ctx context.Context) (int, error) {
	answer, err := s.call(ctx, http.MethodGet, "/binds", nil)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(answer))
}

func (s *SMSC) call(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort(s.Host, strconv.Itoa(s.control)) + path
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("devstack: smsc: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("devstack: smsc: %s: %s", path, resp.Status)
	}
	return answer, err
}

// Events are the lines of the journal so far, of one kind or, for "", all.
func (s *SMSC) Events(kind string) ([]SMSCEvent, error) {
	file, err := os.Open(s.file("journal.jsonl"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var events []SMSCEvent
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // a line that is being written is not there yet
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		var e SMSCEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("devstack: smsc: journal: %w", err)
		}
		if kind == "" || e.Event == kind {
			events = append(events, e)
		}
	}
}

// Submits are the messages that came so far, in their order.
func (s *SMSC) Submits() ([]SMSCEvent, error) { return s.Events("submit") }
