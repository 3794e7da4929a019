package smpp_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/channel/smpp"
	"registrar/internal/devstack"
	"registrar/internal/notify"
	"registrar/internal/registration"
)

var relative = regexp.MustCompile(`^0000000059[0-5][0-9]000R$`)

func TestMessages(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{Source: "Registrar", SystemType: "OTA", ServiceType: "CMT"})
	gsm, arabic, emoji := strings.Repeat("a", 152)+"€", strings.Repeat("م", 66), "😀"
	for name, m := range map[string]struct {
		text   string
		coding byte
		parts  []string
	}{
		"one of the default alphabet":      {"Your code is 123456.\n@£$_ΔÄ{}[]~|^\\€", 0, nil},
		"one in Arabic":                    {"رمزك هو ١٢٣٤٥٦", 8, nil},
		"one with an emoji":                {"Welcome " + emoji, 8, nil},
		"several of the default alphabet":  {gsm + gsm + "a", 0, []string{gsm[:152], "€" + gsm[:151], "a€a"}},
		"several in Arabic with an emoji":  {arabic + emoji + arabic, 8, []string{arabic, emoji + arabic[:65*2], arabic[:2]}},
		"nothing, which is a message, too": {"", 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(submits(t, c))
			r := send(t, s, m.text)
			got := submits(t, c)[before:]
			if m.parts == nil {
				m.parts = []string{m.text}
			}
			if len(got) != len(m.parts) || r.State != registration.Accepted || r.Pending {
				t.Fatalf("%d parts, %+v", len(got), r)
			}
			var ids []string
			for i, p := range got {
				ids = append(ids, p.MessageID)
				udh, class := "", byte(0)
				if len(m.parts) > 1 {
					class = 0x40
					udh = strings.Join([]string{"0003", p.UDH[4:6], hex(len(m.parts)), hex(i + 1)}, "")
					if p.UDH[4:6] != got[0].UDH[4:6] {
						t.Error("two references in one message")
					}
				}
				if p.Text != m.parts[i] || p.DataCoding != m.coding || p.ESMClass != class || p.UDH != udh {
					t.Errorf("part %d is %+v, want text %q, header %s", i, p, m.parts[i], udh)
				}
				if p.Source != "Registrar" || p.SourceTON != 5 || p.SourceNPI != 0 || p.Destination != number[1:] || p.DestinationTON != 1 || p.DestinationNPI != 1 {
					t.Errorf("addresses: %+v", p)
				}
				if p.ServiceType != "CMT" || p.Priority != 1 || p.Registered != 0 || !relative.MatchString(p.Validity) {
					t.Errorf("%+v", p)
				}
			}
			if want := strings.Join(ids, " "); r.Ref != want {
				t.Errorf("ref %q, want %q", r.Ref, want)
			}
		})
	}
	if binds := events(t, c, "bind"); len(binds) != 1 || binds[0].Command != "bind_transceiver" || binds[0].SystemType != "OTA" {
		t.Errorf("%+v", binds)
	}
}

func hex(n int) string { return string([]byte{"0123456789abcdef"[n/16], "0123456789abcdef"[n%16]}) }

func TestPriorityAndValidity(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{})
	for i, kind := range []registration.Kind{registration.CampaignMessage, registration.RegistrationCompleted, registration.VerificationCode} {
		m := messageOf("")
		m.Kind, m.Deadline = kind, time.Time{}
		if _, err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := submits(t, c)[i]; got.Priority != byte(i) || got.Validity != "" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	m := messageOf("")
	m.Deadline = time.Now()
	if _, err := s.Send(t.Context(), m); err == nil || notify.ClassOf(err) != notify.Transient || len(submits(t, c)) != 3 {
		t.Errorf("after its deadline: %v", err)
	}
	now := time.Now()
	for left, want := range map[time.Duration]string{
		time.Millisecond: "000000000001000R", 1500 * time.Millisecond: "000000000001000R", 10 * time.Minute: "000000001000000R",
		49*time.Hour + 59*time.Second: "000002010059000R", 365 * 24 * time.Hour: "000030000000000R", -time.Second: "000000000001000R",
	} {
		if got := smpp.Validity(now.Add(left), now); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
}

func TestCharsets(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	for _, k := range []struct {
		charset      smpp.Charset
		text, stored string
		coding       byte
	}{
		{smpp.GSM, "Grüße @", "Grüße @", 0},
		{smpp.UCS2, "Hello", "Hello", 8},
		// The library reads ISO 8859-1 as if it were the GSM alphabet, as data_coding 0 says: there, 0x40 is ¡.
		{smpp.Latin1, "a@b", "a¡b", 0},
		{smpp.Latin1, "5 €", "5 €", 8},
		{smpp.Latin1, "ΔΦ", "ΔΦ", 8},
	} {
		before := len(submits(t, c))
		s := newSender(t, c, smpp.Config{Charset: k.charset})
		send(t, s, k.text)
		if got := submits(t, c)[before]; got.Text != k.stored || got.DataCoding != k.coding {
			t.Errorf("%s: %q in coding %d", k.charset, got.Text, got.DataCoding)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	for _, k := range []struct {
		source   string
		given    *smpp.AddressType
		want     string
		ton, npi byte
	}{
		{"", nil, "", 0, 0},
		{"+966112345678", nil, "966112345678", 1, 1},
		{"966112345678", nil, "966112345678", 1, 1},
		{"80808", nil, "80808", 3, 0},
		{"Registrar", nil, "Registrar", 5, 0},
		{"80808", &smpp.AddressType{TON: 6, NPI: 9}, "80808", 6, 9},
	} {
		before := len(submits(t, c))
		s := newSender(t, c, smpp.Config{Source: k.source, SourceType: k.given})
		send(t, s, "")
		if got := submits(t, c)[before]; got.Source != k.want || got.SourceTON != k.ton || got.SourceNPI != k.npi {
			t.Errorf("%s: %+v", k.source, got)
		}
	}
	s := newSender(t, c, smpp.Config{})
	before := len(submits(t, c))
	for _, to := range []string{"", "966512345678", "+", "+0966512345678", "+96651234567a", "+1234567890123456", "+966 51"} {
		m := messageOf("")
		m.To = to
		if _, err := s.Send(t.Context(), m); err == nil || notify.ClassOf(err) != notify.Permanent || err.Error() != "PERMANENT ADDRESS" {
			t.Errorf("%q: %v", to, err)
		}
	}
	if _, err := s.Send(t.Context(), messageOf(strings.Repeat("a", 256*153))); err == nil || err.Error() != "PERMANENT LENGTH" {
		t.Errorf("256 parts: %v", err)
	}
	if n := len(submits(t, c)) - before; n != 0 {
		t.Errorf("%d left nevertheless", n)
	}
}

func TestNewTellsEverything(t *testing.T) {
	t.Parallel()
	_, err := smpp.New(smpp.Config{
		Host: "a/b", Port: 70000, Password: "gehe\nim", SystemType: "thirteen octets", ServiceType: "sixsix", Source: "a name that is too long",
		Charset: "ebcdic", ReceiptID: "octal", Window: -1, Timeout: -1, ReconnectBase: time.Hour,
	})
	for _, want := range []string{"host", "port", "system id", "password", "system type", "service type", "source", "character set", "receipt id", "window", "time-out", "reconnect"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("nothing of %s in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "gehe") {
		t.Error("the password is told")
	}
	for _, source := range []string{"+12", "123456789012345678", "+96651234x", "Grüße", "twelve chars", "+"} {
		if s, err := smpp.New(smpp.Config{Host: "localhost", SystemID: "a", Source: source}); err == nil {
			_ = s.Close()
			t.Errorf("source %q is taken", source)
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{TLS: true})
	send(t, newSender(t, c, smpp.Config{TLS: true, RootCAs: c.RootCAs}), "one")
	send(t, newSender(t, c, smpp.Config{TLS: true, SkipVerify: true}), "two")
	fails(t, newSender(t, c, smpp.Config{TLS: true, Wait: 200 * time.Millisecond}), 5*time.Second, notify.Transient, "bind", true)
	fails(t, newSender(t, c, smpp.Config{Wait: 200 * time.Millisecond, Timeout: 500 * time.Millisecond}), 5*time.Second, notify.Transient, "bind", true)
	if n := len(submits(t, c)); n != 2 {
		t.Errorf("%d messages", n)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	behave(t, c, devstack.SMSCBehaviour{DelayMS: 60})
	s := newSender(t, c, smpp.Config{Window: 3})
	var sending sync.WaitGroup
	for range 15 {
		sending.Go(func() {
			if _, err := s.Send(t.Context(), messageOf("")); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	most := 0
	for _, e := range submits(t, c) {
		most = max(most, e.Outstanding)
	}
	if most != 3 || len(submits(t, c)) != 15 {
		t.Errorf("%d at once of %d", most, len(submits(t, c)))
	}
	// A full window is waited for as long as the context lasts, and no longer.
	behave(t, c, devstack.SMSCBehaviour{DelayMS: 2000})
	for range 3 {
		sending.Go(func() { _, _ = s.Send(t.Context(), messageOf("")) })
	}
	eventually(t, "a full window", func() bool { return len(submits(t, c)) == 18 })
	fails(t, s, 100*time.Millisecond, notify.Transient, "window", true)
	sending.Wait()
	if n := len(submits(t, c)); n != 18 {
		t.Errorf("%d messages came", n)
	}
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	for _, status := range []uint32{0x58, 0x14} {
		c := startSMSC(t, devstack.SMSCOptions{})
		behave(t, c, devstack.SMSCBehaviour{Throttle: 1, ThrottleOf: 1, ThrottleStatus: status})
		s := newSender(t, c, smpp.Config{Window: 8, Wait: 500 * time.Millisecond})
		eventually(t, "a bind", func() bool { return len(events(t, c, "bind")) == 1 })
		name := map[uint32]string{0x58: "ESME_RTHROTTLED", 0x14: "ESME_RMSGQFUL"}[status]
		e := fails(t, s, 5*time.Second, notify.Throttled, name, true)
		if e.RetryAfter <= 0 || e.RetryAfter > time.Second || s.WindowSize() != 4 {
			t.Errorf("retry after %v with a window of %d", e.RetryAfter, s.WindowSize())
		}
		// The next one waits for the end of the pause, and meets the next one.
		e = fails(t, s, 5*time.Second, notify.Throttled, name, true)
		if s.WindowSize() != 2 || e.RetryAfter <= 0 {
			t.Errorf("retry after %v with a window of %d", e.RetryAfter, s.WindowSize())
		}
		for len(submits(t, c)) < 3 { // a pause that is longer than Wait is told at once
			if _, err := s.Send(t.Context(), messageOf("")); notify.ClassOf(err) != notify.Throttled {
				t.Fatal(err)
			}
		}
		if s.WindowSize() != 1 {
			t.Errorf("a window of %d", s.WindowSize())
		}
		behave(t, c, devstack.SMSCBehaviour{})
		eventually(t, "the end of throttling", func() bool {
			_, err := s.Send(t.Context(), messageOf(""))
			return err == nil
		})
		for range 60 {
			send(t, s, "")
		}
		if s.WindowSize() != 8 {
			t.Errorf("the window came back to %d", s.WindowSize())
		}
	}
}

// TestThrottlingWithinAMessage: what has begun is brought to its end.
func TestThrottlingWithinAMessage(t *testing.T) {
	t.Parallel()
	c := startSMSC(t, devstack.SMSCOptions{})
	s := newSender(t, c, smpp.Config{})
	behave(t, c, devstack.SMSCBehaviour{Throttle: 1, ThrottleOf: 3})
	fails(t, s, 5*time.Second, notify.Throttled, "ESME_RTHROTTLED", true)
	r := send(t, s, strings.Repeat("a", 3*153))
	got := submits(t, c)
	if len(got) != 5 || got[3].Status != 0x58 || got[3].UDH != got[4].UDH || r.Ref != got[1].MessageID+" "+got[2].MessageID+" "+got[4].MessageID {
		t.Errorf("%+v of %+v", r, got)
	}
}
