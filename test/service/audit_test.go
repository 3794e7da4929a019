package service_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to change what is in the database, as nobody should

	"registrar/test/harness"
)

// auditEntry is a line of registrar audit list --json.
type auditEntry struct {
	Sequence       int64  `json:"sequence"`
	Action         string `json:"action"`
	Outcome        string `json:"outcome"`
	RegistrationID string `json:"registration_id"`
	ExternalID     string `json:"external_id"`
	CorrelationID  string `json:"correlation_id"`
	Detail         string `json:"detail"`
}

// auditList is what registrar audit list says.
func auditList(t *testing.T, s *harness.Service, args ...string) (all []auditEntry, text string) {
	t.Helper()
	text, code := run(t, append([]string{"audit", "list", "--json", "--since", "0", "--limit", "0", "--data-dir", filepath.Join(s.Dir, "data")}, args...)...)
	if code != 0 {
		t.Fatal(text)
	}
	for line := range strings.Lines(text) {
		var e auditEntry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, e)
	}
	return all, text
}

// verified is what registrar audit verify says.
type verified struct {
	Whole    bool   `json:"whole"`
	BrokenAt int64  `json:"broken_at"`
	Kind     string `json:"kind"`
	Entries  int    `json:"entries"`
	Missing  int    `json:"numbers_missing"`
	Waiting  int    `json:"waiting"`
}

func auditVerify(t *testing.T, s *harness.Service, args ...string) (v verified, code int) {
	t.Helper()
	text, code := run(t, append([]string{"audit", "verify", "--json", "--data-dir", filepath.Join(s.Dir, "data")}, args...)...)
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v, code
}

// awaitSealed waits until all that was written is in the chain.
func awaitSealed(t *testing.T, s *harness.Service, entries int) {
	t.Helper()
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		if v, _ := auditVerify(t, s); !v.Whole || v.Waiting > 0 || v.Entries < entries {
			return fmt.Errorf("%+v", v)
		}
		return nil
	})
}

// TestAudit: every registration, refused ones too, and every try to enter a code
// is in the log, also when the service is killed beside them; what is changed in
// the database shows where it was changed.
func TestAudit(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	s.Start(t)
	ctx := t.Context()
	first, err := s.Register(ctx, amina)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Register(ctx, amina); err != nil { // the same once more
		t.Fatal(err)
	}
	code := awaitCode(t, s, amina.Email, 1)
	if _, err := s.Verify(ctx, first.RegistrationID, "EMAIL", wrongCode(code)); err == nil {
		t.Fatal("a wrong code is taken")
	}
	if _, err := s.Verify(ctx, first.RegistrationID, "EMAIL", code); err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{}
	for external, change := range map[string]func(*harness.Register){
		"weak":     func(r *harness.Register) { r.Password = "password1" },
		"invalid":  func(r *harness.Register) { r.FirstName = "\u200b" },
		"username": func(r *harness.Register) { r.Email = "other@example.com" },
		"email":    func(r *harness.Register) { r.Username = "other" },
	} {
		r := amina
		r.RequestID, r.ExternalID = "", external
		change(&r)
		_, err := s.Register(ctx, r)
		fault, ok := errors.AsType[*harness.Fault](err)
		if !ok {
			t.Fatalf("%s: %v", external, err)
		}
		refused[external] = fault.Code
	}

	// Many at once, and the service dies in the middle.
	var mu sync.Mutex
	acknowledged := map[string]bool{first.RegistrationID: true}
	register := func(batch string, n int) *sync.WaitGroup {
		var callers sync.WaitGroup
		for c := range 4 {
			callers.Go(func() {
				for i := range n {
					name := fmt.Sprintf("u%s%dx%d", batch, c, i)
					receipt, err := s.Register(ctx, harness.Register{Username: name, Email: name + "@example.net", Password: "velvet-anchor-tuesday"})
					if err != nil {
						return // it was killed
					}
					mu.Lock()
					acknowledged[receipt.RegistrationID] = true
					mu.Unlock()
				}
			})
		}
		return &callers
	}
	callers := register("a", 1000)
	harness.Eventually(t, 30*time.Second, func(context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if len(acknowledged) < 30 {
			return errors.New("not many are registered")
		}
		return nil
	})
	s.Kill()
	callers.Wait()
	s.Start(t)
	register("b", 5).Wait()
	awaitSealed(t, s, len(acknowledged)+len(refused)+2)

	entries, text := auditList(t, s)
	registered := map[string]int{}
	for _, e := range entries {
		switch {
		case e.Action == "REGISTER" && e.Outcome == "OK":
			registered[e.RegistrationID]++
		case e.Action == "REGISTER":
			if refused[e.ExternalID] != e.Outcome || e.RegistrationID != "" {
				t.Errorf("a refusal is %+v", e)
			}
			delete(refused, e.ExternalID)
		}
		if e.Sequence == 0 || len(e.CorrelationID) != 36 {
			t.Errorf("an entry is %+v", e)
		}
	}
	for id := range acknowledged {
		if registered[id] != 1 {
			t.Errorf("registration %s is there %d times", id, registered[id])
		}
	}
	if len(refused) > 0 {
		t.Errorf("not in the log: %v", refused)
	}
	tries, _ := auditList(t, s, "--registration", first.RegistrationID, "--action", "VERIFY_CONTACT")
	if len(tries) != 2 || tries[0].Outcome != "CODE_INVALID" || tries[1].Outcome != "OK" || tries[1].Detail != "channel=EMAIL" {
		t.Errorf("the tries are %+v", tries)
	}
	for _, secret := range []string{"@", amina.Username, amina.MobileNumber, amina.FirstName, amina.Password, code} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	harness.Eventually(t, 10*time.Second, func(context.Context) error {
		if !strings.Contains(s.Log(t), "audit: head of the chain") {
			return errors.New("no head is in the service's log")
		}
		return nil
	})
	head, _ := run(t, "audit", "head", "--data-dir", filepath.Join(s.Dir, "data"))
	if v, exit := auditVerify(t, s, "--head", strings.TrimSpace(head)); exit != 0 || !v.Whole || v.Entries != len(entries) {
		t.Errorf("with a head: %+v, exit code %d", v, exit)
	}

	if err := s.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	changeBySQL(t, s, `UPDATE audit_log SET external_id = NULL, external_salt = NULL WHERE outcome = 'EMAIL_TAKEN'`)
	if v, exit := auditVerify(t, s, "--head", strings.TrimSpace(head)); exit != 3 || v.Whole || v.Kind != "edited" || entries[v.BrokenAt-1].ExternalID != "email" {
		t.Errorf("an external id is gone: %+v, exit code %d", v, exit)
	}
	for _, tt := range []struct {
		change string
		at     int64
		kind   string
	}{
		{`UPDATE audit_log SET outcome = 'OK' WHERE sequence = 9`, 9, "edited"},
		{`DELETE FROM audit_log WHERE sequence = 5`, 5, "cut"},
	} {
		changeBySQL(t, s, tt.change)
		changeBySQL(t, s, `UPDATE audit_log SET detail = 'x' WHERE sequence = 20`) // it is the first that is told
		if v, exit := auditVerify(t, s); exit != 3 || v.Whole || v.BrokenAt != tt.at || v.Kind != tt.kind {
			t.Errorf("%s: %+v, exit code %d", tt.change, v, exit)
		}
	}
	changeBySQL(t, s, fmt.Sprintf(`DELETE FROM audit_log; INSERT INTO audit_checkpoints (name, sequence, hash, at) VALUES ('pruned', %d, randomblob(32), 0)`, len(entries)+1))
	if v, exit := auditVerify(t, s, "--head", strings.TrimSpace(head)); exit != 3 || v.Whole || v.BrokenAt != 1 || v.Kind != "cut" {
		t.Errorf("all is gone: %+v, exit code %d", v, exit)
	}
}

// wrongCode is another one than code.
func wrongCode(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// changeBySQL changes the database of a service that is not running. What it
// changes to must be something else.
func changeBySQL(t *testing.T, s *harness.Service, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.Dir, "data", "registrar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if strings.Contains(statement, "SET outcome = 'OK'") {
		statement = strings.Replace(statement, "'OK'", "CASE outcome WHEN 'OK' THEN 'EMAIL_TAKEN' ELSE 'OK' END", 1)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
