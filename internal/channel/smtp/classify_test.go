package smtp_test

import (
	"testing"

	"registrar/internal/channel/smtp"
	"registrar/internal/notify"
)

func TestClassify(t *testing.T) {
	const transient, permanent, ambiguous = notify.Transient, notify.Permanent, notify.Ambiguous
	for _, c := range []struct {
		phase string
		code  int
		want  notify.Class
	}{
		{"connecting", 0, transient}, {"connecting", 421, transient}, {"connecting", 454, transient}, {"connecting", 535, transient}, {"connecting", 554, transient},
		{"sender", 0, transient}, {"sender", 421, transient}, {"sender", 451, transient}, {"sender", 530, transient}, {"sender", 550, permanent}, {"sender", 552, permanent}, {"sender", 555, permanent},
		{"recipient", 0, transient}, {"recipient", 450, transient}, {"recipient", 452, transient}, {"recipient", 550, permanent}, {"recipient", 551, permanent}, {"recipient", 552, transient}, {"recipient", 553, permanent}, {"recipient", 535, transient},
		{"content", 0, transient}, {"content", 451, transient}, {"content", 554, permanent},
		{"answer", 0, ambiguous}, {"answer", 421, transient}, {"answer", 451, transient}, {"answer", 452, transient}, {"answer", 550, permanent}, {"answer", 552, permanent}, {"answer", 554, permanent},
		{"answer", 354, ambiguous}, {"recipient", 354, ambiguous},
	} {
		if got := smtp.Classify(c.phase, c.code); got != c.want {
			t.Errorf("%s %d is %s, want %s", c.phase, c.code, got, c.want)
		}
	}
}
