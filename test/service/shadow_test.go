package service_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// TestShadowMode: a monolith's registrations are answered as they would be, are
// compared with its own outcomes, and leave nothing of the people behind.
func TestShadowMode(t *testing.T) {
	t.Parallel()
	s := harness.New(t, "--config", harness.Config(t, harness.CheapHash))
	data := filepath.Join(s.Dir, "data")
	c := callerCommand{[]string{"--data-dir", data}}
	mono, shop := c.secret(t, "add", "mono", "--shadow"), c.secret(t, "add", "shop")
	s.Start(t)
	if out, code := run(t, "shadow", "summary", "--data-dir", data); code != 0 || !strings.Contains(out, "Nothing was compared") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if _, err := postAs(t.Context(), s, "shop", shop, amina.Body()); err != nil {
		t.Fatal(err)
	}
	awaitAddresses(t, s, "+966512345678", "amina@example.com")

	post := func(r harness.Register) string {
		answer, err := postAs(t.Context(), s, "mono", mono, r.Body())
		if err != nil {
			answer = err.Error()
		}
		return answer
	}
	shade := harness.Register{
		RequestID: "mono-1", Username: "umbra.umbra", Email: "umbra@example.net", Password: "velvet-anchor-tuesday", FirstName: "Umbrina", LastName: "Tenebris",
		MobileNumber: "+966512345699", Locale: "en", ExternalID: "17", CallerOutcome: "REGISTERED",
	}
	first := post(shade)
	if !strings.Contains(first, "<status>PENDING_VERIFICATION</status>") || !strings.Contains(first, "Your account has been registered.") {
		t.Fatalf("the answer is %s", first)
	}
	id := identifier.FindStringSubmatch(first)[1]
	if again := post(shade); identifier.FindStringSubmatch(again)[1] != id {
		t.Errorf("the same again: %s", again)
	}
	with := func(change func(*harness.Register)) harness.Register {
		r := shade
		r.RequestID, r.ExternalID = "", ""
		change(&r)
		return r
	}
	for name, tt := range map[string]struct {
		request harness.Register
		want    string
	}{
		"taken":         {with(func(r *harness.Register) { r.Email, r.RequestID, r.ExternalID = "AMINA@example.com", "mono-2", "18" }), "EMAIL_TAKEN"},
		"taken at both": {with(func(r *harness.Register) { r.Email, r.CallerOutcome = amina.Email, "EMAIL_TAKEN" }), "EMAIL_TAKEN"},
		"too long":      {with(func(r *harness.Register) { r.FirstName, r.RequestID = strings.Repeat("Umbrina", 5), "mono-3" }), "VALIDATION_FAILED"},
		"weak":          {with(func(r *harness.Register) { r.Password = "password" }), "PASSWORD_REJECTED"},
		"not told":      {with(func(r *harness.Register) { r.CallerOutcome = "" }), "<status>PENDING_VERIFICATION</status>"},
		"its own word":  {with(func(r *harness.Register) { r.CallerOutcome = "BANNED" }), "<status>PENDING_VERIFICATION</status>"},
	} {
		if answer := post(tt.request); !strings.Contains(answer, tt.want) {
			t.Errorf("%s: %s", name, answer)
		}
	}
	// There is nothing behind the receipt.
	for _, body := range []string{
		"<r:GetRegistrationRequest><r:registrationId>" + id + "</r:registrationId></r:GetRegistrationRequest>",
		"<r:GetRegistrationRequest><r:externalId>17</r:externalId></r:GetRegistrationRequest>",
		harness.VerifyBody(id, "EMAIL", "123456"),
		"<r:ResendCodeRequest><r:registrationId>" + id + "</r:registrationId><r:channel>EMAIL</r:channel></r:ResendCodeRequest>",
	} {
		if answer, err := postAs(t.Context(), s, "mono", mono, body); err == nil || !strings.Contains(err.Error(), "NOT_FOUND") {
			t.Errorf("the answer is %s, %v", answer, err)
		}
	}
	if n, err := s.InboxCount(t.Context()); err != nil || n != 2 {
		t.Errorf("%d messages in the inbox, %v", n, err)
	}
	_, page, err := s.Get(t.Context(), s.Admin+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`registrar_shadow_total{caller="mono",ours="REGISTERED",theirs="REGISTERED"} 1`,
		`registrar_shadow_total{caller="mono",ours="REGISTERED",theirs="OTHER"} 1`, `registrar_shadow_total{caller="mono",ours="REGISTERED",theirs="NONE"} 1`,
		`registrar_shadow_total{caller="mono",ours="EMAIL_TAKEN",theirs="REGISTERED"} 1`, `registrar_shadow_total{caller="mono",ours="VALIDATION_FAILED",theirs="REGISTERED"} 1`,
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("/metrics has no %s", want)
		}
	}

	summary, code := run(t, "shadow", "summary", "--data-dir", data)
	for _, want := range []string{
		"OURS \\ THEIRS      REGISTERED  BANNED      EMAIL_TAKEN  not told    ALL\n",
		"REGISTERED         1 (14.3 %)  1 (14.3 %)  -            1 (14.3 %)  3 (42.9 %)\n",
		"EMAIL_TAKEN        1 (14.3 %)  -           1 (14.3 %)   -           2 (28.6 %)\n",
		"PASSWORD_REJECTED  1 (14.3 %)", "VALIDATION_FAILED  1 (14.3 %)",
		"7 compared, of which the caller has told its outcome of 6: 2 agree (33.3 %), 4 differ.",
	} {
		if code != 0 || !strings.Contains(summary, want) {
			t.Errorf("exit code %d, no %q in\n%s", code, want, summary)
		}
	}
	if out, code := run(t, "shadow", "summary", "--data-dir", data, "--caller", "shop"); code != 0 || !strings.Contains(out, "Nothing was compared") {
		t.Errorf("of the shop: exit code %d\n%s", code, out)
	}
	list, code := run(t, "shadow", "list", "--data-dir", data, "--json")
	var differences []struct {
		ExternalID string `json:"external_id"`
		RequestID  string `json:"request_id"`
		Ours       string
		Theirs     string
		Refused    []string
	}
	if err := json.Unmarshal([]byte(list), &differences); err != nil || code != 0 || len(differences) != 4 {
		t.Fatalf("exit code %d, %v\n%s", code, err, list)
	}
	broken := map[string][]string{}
	for _, d := range differences {
		broken[d.Ours+" "+d.RequestID+" "+d.ExternalID] = d.Refused
	}
	for key, want := range map[string][]string{
		"EMAIL_TAKEN mono-2 18": {"email:TAKEN"}, "VALIDATION_FAILED mono-3 ": {"firstName:TOO_LONG"}, "PASSWORD_REJECTED  ": {"password:BLOCKLISTED"}, "REGISTERED  ": nil,
	} {
		if got, there := broken[key]; !there || !slices.Equal(got, want) {
			t.Errorf("%s: %q in %v", key, got, broken)
		}
	}
	if out, code := run(t, "shadow", "list", "--data-dir", data, "--ours", "EMAIL_TAKEN"); code != 0 || strings.Count(out, "email:TAKEN") != 1 {
		t.Errorf("exit code %d\n%s", code, out)
	}

	// Nothing of the person is anywhere.
	if err := s.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	traces := []string{"umbra", "Umbrina", "Tenebris", "+966512345699"}
	looked := 0
	err = filepath.WalkDir(s.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		looked++
		content, err := os.ReadFile(path)
		for _, trace := range traces {
			if bytes.Contains(content, []byte(trace)) {
				t.Errorf("%s holds %q", path, trace)
			}
		}
		return err
	})
	if err != nil || looked < 3 {
		t.Errorf("looked into %d files, %v", looked, err)
	}

	// Live from now on: what was meant for comparison registers nobody, and the same
	// request without the caller's outcome does.
	c.ok(t, "update", "mono", "--shadow=false")
	s.Start(t)
	if late := post(shade); !strings.Contains(late, "<code>FORBIDDEN</code>") || !strings.Contains(late, "Nothing was registered.") {
		t.Errorf("a late one: %s", late)
	}
	shade.CallerOutcome = ""
	live := post(shade)
	if found := identifier.FindStringSubmatch(live); found == nil || found[1] == id {
		t.Errorf("live: %s", live)
	}
	awaitAddresses(t, s, "+966512345678", "+966512345699", "amina@example.com", "umbra@example.net")
}
