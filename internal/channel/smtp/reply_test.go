package smtp_test

import (
	"strings"
	"testing"

	"registrar/internal/channel/smtp"
)

func TestReply(t *testing.T) {
	for _, c := range []struct {
		text, want string
	}{
		{"250 2.1.0 ok\r\n", "250 2.1.0"},
		{"250\r\n", "250"},
		{"250 \r\n", "250"},
		{"250 ok\n", "250"},
		{"250-mail.example.org\r\n250-PIPELINING\r\n250 DSN\r\n", "250"},
		{"550-5.1.1 no\r\n550 5.1.1 such user\r\n", "550 5.1.1"},
		{"421 4.7.0\r\n", "421 4.7.0"},
		{"450 4.7.500 busy\r\n", "450 4.7.500"},
		{"450 4.7.5000 busy\r\n", "450"},
		{"450 4.7 busy\r\n", "450"},
		{"450 4..7 busy\r\n", "450"},
		{"450 4.7.1.2 busy\r\n", "450"},
		{"450 5.7.1 busy\r\n", "450"},
		{"450 4.7.x busy\r\n", "450"},
		{"354 3.0.0 go on\r\n", "354"},
		{"550 5.1.1ada@example.com\r\n", "550"},

		{"", "EOF"},
		{"250", "EOF"},
		{"250-more\r\n", "EOF"},
		{"\r\n", "no reply"},
		{"25\r\n", "no reply"},
		{"150 early\r\n", "no reply"},
		{"650 late\r\n", "no reply"},
		{"2x0 odd\r\n", "no reply"},
		{"250_ok\r\n", "no reply"},
		{strings.Repeat("250-more\r\n", 1000) + "250 ok\r\n", "no reply"},
		{"250 " + strings.Repeat("x", 10000) + "\r\n", "no reply"},
	} {
		if got := smtp.ReadReply(c.text); got != c.want {
			t.Errorf("%.40q: %s, want %s", c.text, got, c.want)
		}
	}
}

// FuzzReply: whatever a server says, the answer is a code of it or an error,
// and never its text.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{"250 2.0.0 ok\r\n", "550-5.1.1 a\r\n550 5.1.1 ada@example.com\r\n", "421\n", "25", "250-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := smtp.ReadReply(text)
		if got == "EOF" || got == "no reply" {
			return
		}
		code, enhanced, _ := strings.Cut(got, " ")
		if len(code) != 3 || strings.Trim(got, "0123456789. ") != "" || len(got) > len("550 5.999.999") || enhanced != "" && enhanced[0] != code[0] {
			t.Errorf("%q gives %q", text, got)
		}
	})
}
