package smpp_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/internal/channel/smpp"
	"registrar/internal/devstack"
	"registrar/internal/registration"
)

func TestReceipts(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	for _, k := range []struct {
		receipts, style string
		hexadecimal     bool
		ids             smpp.ReceiptID
		state           registration.State
		reason          string
	}{
		{"delivered", "text", false, "", registration.Delivered, "DELIVRD"},
		{"failed", "text", false, smpp.SameID, registration.Failed, "UNDELIV 027"},
		{"delivered", "tlv", false, smpp.SameID, registration.Delivered, "DELIVRD"},
		{"failed", "both", false, smpp.SameID, registration.Failed, "UNDELIV 027"},
		{"delivered", "both", true, smpp.SameID, registration.Delivered, "DELIVRD"},
		{"delivered", "text", true, smpp.HexToDec, registration.Delivered, "DELIVRD"},
		{"failed", "both", true, smpp.HexToDec, registration.Failed, "UNDELIV 027"},
		{"delivered", "tlv", true, smpp.HexToDec, registration.Delivered, "DELIVRD"},
	} {
		t.Run(strings.Join([]string{k.receipts, k.style, string(k.ids)}, " "), func(t *testing.T) {
			behave(t, c, devstack.SMSCBehaviour{Receipts: k.receipts, ReceiptStyle: k.style, HexadecimalIDs: k.hexadecimal})
			l := &ledger{}
			s := newSender(t, c, smpp.Config{Receipts: l, ReceiptID: k.ids})
			before := len(events(t, c, "receipt"))
			r := send(t, s, "stat:EXPIRED id:1")
			if !r.Pending || submits(t, c)[len(submits(t, c))-1].Registered != 1 {
				t.Errorf("no receipt is asked for: %+v", r)
			}
			eventually(t, "the receipt", func() bool { return len(l.all()) == 1 })
			if got, want := l.all()[0], (told{r.Ref, strings.TrimPrefix(number, "+"), k.state, k.reason}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			eventually(t, "its answer", func() bool { return len(events(t, c, "receipt")) > before })
			if e := events(t, c, "receipt")[before]; e.Status != 0 {
				t.Errorf("answered with %#x", e.Status)
			}
		})
	}
}

// TestReceiptsOfParts: each part has its own, and Ref names them all.
func TestReceiptsOfParts(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	behave(t, c, devstack.SMSCBehaviour{Receipts: "alternately"})
	l := &ledger{}
	s := newSender(t, c, smpp.Config{Receipts: l})
	r := send(t, s, strings.Repeat("a", 3*153))
	eventually(t, "three receipts", func() bool { return len(l.all()) == 3 })
	var refs []string
	for _, told := range l.all() {
		refs = append(refs, told.ref)
	}
	slices.Sort(refs)
	if !r.Pending || r.Ref != strings.Join(refs, " ") {
		t.Errorf("ref %q, receipts of %v", r.Ref, refs)
	}
}

// TestReceiptThatCannotBeKept is asked for again until it can.
func TestReceiptThatCannotBeKept(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	behave(t, c, devstack.SMSCBehaviour{Receipts: "delivered", ReceiptRepeatMS: 10})
	l := &ledger{failing: 3}
	s := newSender(t, c, smpp.Config{Receipts: l})
	send(t, s, "")
	eventually(t, "the receipt", func() bool { return len(l.all()) == 1 })
	eventually(t, "its answers", func() bool { return len(events(t, c, "receipt")) == 4 })
	for i, e := range events(t, c, "receipt") {
		if want := map[bool]uint32{true: 0x64, false: 0}[i < 3]; e.Status != want {
			t.Errorf("answer %d is %#x", i, e.Status)
		}
	}
}

// TestReceiptsDoNotStopMessages: a ledger that hangs holds neither messages nor
// more receipts than fit.
func TestReceiptsDoNotStopMessages(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	behave(t, c, devstack.SMSCBehaviour{Receipts: "delivered", ReceiptRepeatMS: 20})
	l := &ledger{block: make(chan struct{})}
	s := newSender(t, c, smpp.Config{Receipts: l, Timeout: time.Minute})
	for range 300 {
		send(t, s, "")
	}
	eventually(t, "receipts that find no room", func() bool {
		return slices.ContainsFunc(events(t, c, "receipt"), func(e devstack.SMSCEvent) bool { return e.Status == 0x64 })
	})
	close(l.block)
	eventually(t, "all receipts", func() bool { return len(l.all()) == 300 })
}

// TestNobodyElsesReceipts: a person's message changes nothing, whatever it says.
func TestNobodyElsesReceipts(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	l := &ledger{}
	s := newSender(t, c, smpp.Config{Receipts: l})
	send(t, s, "")
	do(t, c, "mobile")
	eventually(t, "an answer", func() bool { return len(events(t, c, "mobile")) == 1 })
	if e := events(t, c, "mobile")[0]; e.Status != 0x66 || len(l.all()) != 0 {
		t.Errorf("%+v, %v", e, l.all())
	}
}

// TestRecipientOfReceipt: a source address without digits is no number.
func TestRecipientOfReceipt(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{"966512345678": "966512345678", "+966 51": "+966 51", "": "", "Registrar": ""} {
		if got := smpp.RecipientOf(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestReceiptTexts(t *testing.T) {
	t.Parallel()
	const delivered, failed = registration.Delivered, registration.Failed
	for text, want := range map[string]smpp.Receipt{
		"id:1234567890 sub:001 dlvrd:001 submit date:1806060952 done date:1806060952 stat:DELIVRD err:000 Text:Hello": {"1234567890", delivered, "DELIVRD"},
		"id:a29f6845-5564 sub:001 dlvrd:000 submit date:141023215253 done date:141023215259 stat:UNDELIV err:075":     {"a29f6845-5564", failed, "UNDELIV 075"},
		"ID:7 STAT:expired":                                      {"7", failed, "EXPIRED"},
		"stat:REJECTD id:7 err:0x1F":                             {"7", failed, "REJECTD 0x1F"},
		"id: 7 sub: 001 stat: DELETED err: 5 text:":              {"7", failed, "DELETED 5"},
		"id:7 submitdate:1806 donedate:1806 stat:DELIVERED err:": {"7", delivered, "DELIVRD"},
		"id:7 stat:UNDELIVERABLE\x00":                            {"7", failed, "UNDELIV"},
		"id:7 stat:DELIVRD err: text:id:8 stat:EXPIRED":          {"7", delivered, "DELIVRD"},
		"id:7 stat:ENROUTE":                                      {"7", "", "ENROUTE"},
		"id:7 stat:ACCEPTD":                                      {"7", "", "ACCEPTD"},
		"id:7 stat:UNKNOWN err:001":                              {"7", "", "UNKNOWN 001"},
		"id:7 stat:NOSUCH":                                       {"7", "", ""},
		"id:7":                                                   {"7", "", ""},
		"id:7 stat:UNDELIV err:+966512345678":                    {"7", failed, "UNDELIV"},
	} {
		if got, ok := smpp.ReadReceipt([]byte(text), 0, "", 0, smpp.SameID); !ok || got != want {
			t.Errorf("%q: %+v %v, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "Hello", "stat:DELIVRD", "id: stat:DELIVRD", "msgid:7 stat:DELIVRD", "text:id:7 stat:DELIVRD", "id:\x01\x02 stat:DELIVRD", "id:" + strings.Repeat("7", 66)} {
		if got, ok := smpp.ReadReceipt([]byte(text), 0, "", 0, smpp.SameID); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for _, k := range []struct {
		text  string
		tlvID string
		state byte
		ids   smpp.ReceiptID
		want  smpp.Receipt
	}{
		{"", "1A", 2, smpp.SameID, smpp.Receipt{ID: "1A", State: delivered, Reason: "DELIVRD"}},
		{"id:26 stat:DELIVRD err:001", "1A", 8, smpp.SameID, smpp.Receipt{ID: "1A", State: failed, Reason: "REJECTD 001"}},
		{"id:26 stat:DELIVRD", "1A", 99, smpp.SameID, smpp.Receipt{ID: "1A", State: delivered, Reason: "DELIVRD"}},
		{"id:0000000026 stat:DELIVRD", "1A", 0, smpp.HexToDec, smpp.Receipt{ID: "26", State: delivered, Reason: "DELIVRD"}},
		{"stat:DELIVRD", "0x001a", 0, smpp.HexToDec, smpp.Receipt{ID: "26", State: delivered, Reason: "DELIVRD"}},
		{"id:0x1A stat:DELIVRD", "", 0, smpp.DecToHex, smpp.Receipt{ID: "26", State: delivered, Reason: "DELIVRD"}},
		{"id:FFFFFFFFFFFFFFFFFF stat:DELIVRD", "", 0, smpp.DecToHex, smpp.Receipt{ID: "4722366482869645213695", State: delivered, Reason: "DELIVRD"}},
		{"id:no-number stat:DELIVRD", "", 0, smpp.HexToDec, smpp.Receipt{ID: "no-number", State: delivered, Reason: "DELIVRD"}},
	} {
		if got, ok := smpp.ReadReceipt([]byte(k.text), 0, k.tlvID, k.state, k.ids); !ok || got != k.want {
			t.Errorf("%q, %s, %d, %s: %+v %v, want %+v", k.text, k.tlvID, k.state, k.ids, got, ok, k.want)
		}
	}
	if got, ok := smpp.ReadReceipt([]byte("\x00i\x00d\x00:\x007\x00 \x00s\x00t\x00a\x00t\x00:\x00D\x00E\x00L\x00I\x00V\x00R\x00D"), 8, "", 0, smpp.SameID); !ok || got.ID != "7" || got.State != delivered {
		t.Errorf("UCS-2: %+v", got)
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add([]byte("id:1234567890 sub:001 dlvrd:001 submit date:1806060952 done date:1806060952 stat:DELIVRD err:000 text:Hello"), byte(0), "1A", byte(2), true)
	f.Add([]byte("ID: STAT: err:\xff\xc4\xb0id:"), byte(8), "", byte(0), false)
	f.Fuzz(func(t *testing.T, text []byte, coding byte, tlvID string, state byte, decimal bool) {
		ids := smpp.SameID
		if decimal {
			ids = smpp.HexToDec
		}
		r, ok := smpp.ReadReceipt(text, coding, tlvID, state, ids)
		switch {
		case ok != (r.ID != ""):
			t.Fatalf("%+v %v", r, ok)
		case r.State != "" && r.State != registration.Delivered && r.State != registration.Failed:
			t.Fatalf("state %s", r.State)
		case len(r.Reason) > 20 || strings.ContainsFunc(r.Reason, func(c rune) bool { return c < ' ' || c > '~' }):
			t.Fatalf("reason %q", r.Reason)
		}
	})
}

// FuzzPDU: nothing that a message centre sends ends the process, and a wrong
// body does not bring the stream out of step.
func FuzzPDU(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x12\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x0aAB"))
	f.Add([]byte("\x00\x00\x00\x10\x80\x00\x00\x04\x00\x00\x00\x58\x00\x00\x00\x01"))
	f.Add([]byte("\x00\x00\x00\x3a\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x01123\x00\x01\x01456\x00\x44\x00\x00\x00\x00\x00\x00\x00\x00\x08\x05\x00\x03\x01\x02\x01AB\x00\x1e\x00\x021\x00\x04\x27\x00\x01\x02"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		read, headerErr, bodyErr := smpp.ReadPDU(octets)
		if headerErr == nil && (read < 16 || read != int(octets[0])<<24|int(octets[1])<<16|int(octets[2])<<8|int(octets[3])) {
			t.Fatalf("%d octets read, %v", read, bodyErr)
		}
	})
}
