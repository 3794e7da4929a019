package chaos_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// TestOneProcess makes rounds on the service in one process, with one database
// node: the second round kills the process, the third pauses the database.
func TestOneProcess(t *testing.T) {
	database, sections := harness.MariaDB(t)
	mail, err := devstack.StartSMTP(t.Context(), t.TempDir(), devstack.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mail.Stop)
	smsc, err := devstack.StartSMSC(t.Context(), t.TempDir(), devstack.SMSCOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(smsc.Stop)
	t.Setenv("REGISTRAR_CODES_COOLDOWN", cooldown.String())
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash+sections+fmt.Sprintf(`
notify: {lease: 5s}
email:
  driver: smtp
  from: registrar@example.com
  smtp: {host: %s, port: %d, security: none, timeout: 2s}
sms:
  driver: smpp
  smpp: {host: %s, port: %d, system_id: %s, password: %s, source: Registrar, timeout: 2s}
`, mail.Host, mail.Port, smsc.Host, smsc.Port, smsc.SystemID, smsc.Password)))
	s.Start(t)
	c := newCaller(s.URL)
	t.Cleanup(c.close)
	sinks := newSinks(mail, smsc)
	t.Cleanup(sinks.watch(t.Context()))
	r := &runner{
		load:  &load{seed: 1, rate: shortRate, caller: c, sinks: sinks, began: time.Now()},
		sinks: sinks, names: []string{"db1"}, nodes: []node{database}, database: "registrar", whole: c.answers,
	}
	for _, befall := range []func(context.Context) error{
		func(context.Context) error { time.Sleep(3 * time.Second); return nil },
		func(context.Context) error { s.Kill(); s.Start(t); return nil },
		func(context.Context) error {
			if err := database.Pause(); err != nil {
				return err
			}
			time.Sleep(time.Second)
			return database.Resume()
		},
	} {
		res, err := r.round(t.Context(), nil, befall)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(res.line(r.rounds))
		for _, v := range res.wrong {
			t.Error(v)
		}
		if res.registered == 0 {
			t.Error("nobody was registered: that is no load")
		}
	}
}
