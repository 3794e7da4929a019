package chaos_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// The person, the ids and the times of the planted rounds.
const (
	someID  = "01920000-0000-7000-8000-000000000001"
	otherID = "01920000-0000-7000-8000-000000000002"
	micro   = "1790000000123450"
)

// planted is a round in which all is well: one person whom two callers wanted
// at once, with an e-mail that is verified and a code by SMS that was sent
// twice, and one whose registration has no answer and did not come about.
func planted() (*batch, string, *arrivals) {
	p := newPerson(1, 7, 5)
	p.mobile = "+966510000005"
	p.requests = slices.Grow(p.requests, 2)[:1]
	p.requests = append(p.requests, p.requests[0])
	p.requests[1].RequestID, p.requests[1].Username = "r7n5b", "r7n5b"
	q := newPerson(1, 7, 6)
	q.requests = q.requests[:1]
	receipt := harness.Receipt{RegistrationID: someID, Status: "PENDING_VERIFICATION", Message: "Thanks.", RegisteredAt: soapTime(micro)}
	pending := harness.Registration{RegistrationID: someID, Status: "PENDING_VERIFICATION", Username: "r7n5a", Email: p.email, MobileNumber: p.mobile}
	active := pending
	active.Status, active.EmailVerifiedAt = "ACTIVE", soapTime(micro)
	b := &batch{round: 7, first: 5, persons: []*person{p, q}}
	b.history.all = []operation{
		{person: p, what: look, key: byEmail, value: p.email, called: 0, returned: 30, outcome: "NOT_FOUND"},
		{person: p, what: register, called: 10, returned: 50, tries: 1, outcome: done, receipt: receipt},
		{person: p, what: register, request: 1, called: 12, returned: 45, tries: 1, outcome: "EMAIL_TAKEN"},
		{person: p, what: look, key: byID, value: someID, called: 60, returned: 70, outcome: done, found: pending},
		{person: p, what: resend, channel: "SMS", called: 71, returned: 79, tries: 1, outcome: done},
		{person: p, what: verify, channel: "EMAIL", called: 80, returned: 82, outcome: "CODE_INVALID"},
		{person: p, what: verify, channel: "EMAIL", right: true, called: 85, returned: 90, tries: 3, outcome: unknown},
		{person: p, what: look, key: byUsername, value: "r7n5a", called: 100, returned: 110, outcome: done, found: active},
		{person: p, what: register, called: 120, returned: 130, tries: 2, outcome: done, receipt: receipt},
		{person: q, what: register, called: 20, returned: 90, tries: 3, outcome: unknown},
		{person: q, what: look, key: byEmail, value: q.email, called: 95, returned: 99, outcome: "NOT_FOUND"},
	}
	id := strings.ReplaceAll(someID, "-", "")
	rows := [][]string{
		{"account", id, "r7n5a", p.email, p.mobile, "ACTIVE", micro, micro, "0"},
		{"profile", id, "Noor", "Haddad", "en"},
		{"request", "r7n5a", id, micro},
		{"code", id, "EMAIL", "00"},
		{"code", id, "SMS", "00"},
		{"notice", "11", id, kindCode, "EMAIL", p.email, "ACCEPTED", "0", "."},
		{"notice", "12", id, kindCode, "SMS", p.mobile, "EXPIRED", "0", ".SUPERSEDED"},
		{"notice", "13", id, kindCode, "SMS", p.mobile, "ACCEPTED", "0", "."},
		{"notice", "14", id, kindNews, "EMAIL", p.email, "ACCEPTED", "1", "."},
		{"notice", "15", id, kindNews, "SMS", p.mobile, "DELIVERED", "0", "."},
		{"orphan", "a profile without its account", "0"},
	}
	var lines strings.Builder
	for _, row := range rows {
		lines.WriteString(strings.Join(row, "\t") + "\n")
	}
	return b, lines.String(), &arrivals{
		mails: map[string]*arrival{"11": {1, p.email, kindCode}, "14": {2, p.email, kindNews}},
		texts: map[text]int{{p.mobile, kindCode}: 1, {p.mobile, kindNews}: 1},
	}
}

// judged is all that is found wrong with a round.
func judged(t *testing.T, b *batch, rows string, came *arrivals) (what []string) {
	t.Helper()
	books, err := parseBooks(rows)
	if err != nil {
		t.Fatal(err)
	}
	looks, _ := b.ends(books, time.Hour)
	wrong := linear(append(b.history.operations(), looks...))
	for _, v := range append(wrong, (&audit{batch: b, books: books, arrivals: came}).run()...) {
		what = append(what, v.what)
	}
	slices.Sort(what)
	return slices.Compact(what)
}

// TestPlantedAnomalies: nothing is found in a round in which all is well, and
// each thing that may not be is found where it was planted.
func TestPlantedAnomalies(t *testing.T) {
	drop := func(beginning string) func(*batch, *string, *arrivals) {
		return func(_ *batch, rows *string, _ *arrivals) {
			var kept strings.Builder
			for line := range strings.Lines(*rows) {
				if !strings.HasPrefix(line, strings.ReplaceAll(beginning, " ", "\t")) {
					kept.WriteString(line)
				}
			}
			*rows = kept.String()
		}
	}
	replace := func(from, to string) func(*batch, *string, *arrivals) {
		return func(_ *batch, rows *string, _ *arrivals) {
			*rows = strings.Replace(*rows, strings.ReplaceAll(from, " ", "\t"), strings.ReplaceAll(to, " ", "\t"), 1)
		}
	}
	add := func(row string) func(*batch, *string, *arrivals) {
		return func(_ *batch, rows *string, _ *arrivals) { *rows += strings.ReplaceAll(row, " ", "\t") + "\n" }
	}
	id, another := strings.ReplaceAll(someID, "-", ""), strings.ReplaceAll(otherID, "-", "")
	told := func(i int, change func(*operation)) func(*batch, *string, *arrivals) {
		return func(b *batch, _ *string, _ *arrivals) { change(&b.history.all[i]) }
	}
	for name, test := range map[string]struct {
		plant func(*batch, *string, *arrivals)
		want  []string // all of them; others may be found too
	}{
		"an acknowledged write is lost": {drop(""), []string{"history", "lost"}},
		"it is there under another id":  {replace("account "+id, "account "+another), []string{"history", "lost"}},
		"it is there twice":             {add("account " + another + " r7n5a r7n5@example.com +966510000005 ACTIVE " + micro + " " + micro + " 0"), []string{"duplicate"}},
		"both callers' are there":       {add("account " + another + " r7n5b r7n5@example.com +966510000005 ACTIVE " + micro + " " + micro + " 0"), []string{"duplicate", "stray"}},
		"a record twice":                {add("request r7n5a " + id + " " + micro), []string{"duplicate"}},
		"an account without profile":    {drop("profile"), []string{"half commit"}},
		"an account without its record": {drop("request"), []string{"half commit"}},
		"a record without account": {func(b *batch, rows *string, _ *arrivals) {
			*rows += "request\tr7n6a\t" + another + "\t" + micro + "\n"
		}, []string{"half commit"}},
		"an orphan": {func(_ *batch, rows *string, _ *arrivals) {
			*rows = strings.Replace(*rows, "its account\t0", "its account\t1", 1)
		}, []string{"half commit"}},
		"an account without a code":            {drop("code " + id + " SMS"), []string{"half commit"}},
		"an account without its notifications": {drop("notice"), []string{"half commit"}},
		"an account without one notification":  {drop("notice 15"), []string{"half commit", "stray"}},
		"an open one without outbox row":       {replace("ACCEPTED 1", "QUEUED 1"), []string{"half commit", "notification lost"}},
		"an outbox row of a settled one":       {add("outbox 11"), []string{"half commit"}},
		"nobody's account":                     {add("account " + another + " r7n9a r7n9@example.com  ACTIVE " + micro + " 0 0"), []string{"stray"}},
		"a refused one is there": {func(b *batch, _ *string, _ *arrivals) {
			b.history.all[1].outcome, b.history.all[8].outcome = "EMAIL_TAKEN", "EMAIL_TAKEN"
		}, []string{"history", "stray"}},
		"a verification is lost":      {replace("ACTIVE "+micro+" "+micro, "PENDING_VERIFICATION "+micro+" 0"), []string{"history", "half commit"}},
		"a verification without news": {replace(micro+" "+micro, micro+" 0"), []string{"half commit", "history"}},
		"a look-up that is stale":     {told(7, func(o *operation) { o.outcome = "NOT_FOUND" }), []string{"history"}},
		"a look-up that is half": {told(7, func(o *operation) {
			o.found.Status, o.found.EmailVerifiedAt = "PENDING_VERIFICATION", "2026-01-01T00:00:00Z"
		}), []string{"history"}},
		"a look-up of what was before": {func(b *batch, _ *string, _ *arrivals) {
			b.history.all[6].outcome, b.history.all[6].verified = done, harness.Verified{Status: "ACTIVE", VerifiedAt: soapTime(micro)}
			b.history.all[7].found = b.history.all[3].found
		}, []string{"history"}},
		"a look-up of another's":       {told(3, func(o *operation) { o.found.Username = "r7n5b" }), []string{"history"}},
		"a look-up before it was":      {told(0, func(o *operation) { o.outcome, o.called, o.returned = done, 0, 5 }), []string{"history"}},
		"another receipt":              {told(8, func(o *operation) { o.receipt.RegisteredAt = "2026-01-01T00:00:00Z" }), []string{"history"}},
		"both callers acknowledged":    {told(2, func(o *operation) { o.outcome, o.receipt.RegistrationID = done, otherID }), []string{"history", "lost"}},
		"taken, by nobody":             {told(9, func(o *operation) { o.outcome = "EMAIL_TAKEN" }), []string{"history"}},
		"a wrong code is right":        {told(5, func(o *operation) { o.outcome = done }), []string{"history"}},
		"the right code is wrong":      {told(6, func(o *operation) { o.outcome = "CODE_INVALID" }), []string{"history"}},
		"a mail is lost":               {func(_ *batch, _ *string, came *arrivals) { delete(came.mails, "11") }, []string{"notification lost"}},
		"an SMS is lost":               {func(_ *batch, _ *string, came *arrivals) { clear(came.texts) }, []string{"notification lost"}},
		"a mail failed":                {replace("ACCEPTED 0", "FAILED 0"), []string{"notification lost"}},
		"a code dropped for no reason": {replace("notice 13 "+id+" "+kindCode+" SMS +966510000005 ACCEPTED 0 .", "notice 13 "+id+" "+kindCode+" SMS +966510000005 EXPIRED 0 .SUPERSEDED"), []string{"notification lost"}},
		"a mail came twice":            {func(_ *batch, _ *string, came *arrivals) { came.mails["11"].times = 2 }, []string{"notification twice"}},
		"more than the doubts explain": {func(_ *batch, _ *string, came *arrivals) { came.mails["14"].times = 3 }, []string{"notification twice"}},
		"an SMS came thrice":           {func(_ *batch, _ *string, came *arrivals) { came.texts[text{"+966510000005", kindCode}] = 3 }, []string{"notification twice"}},
		"a mail that no ledger has": {func(_ *batch, _ *string, came *arrivals) {
			came.mails["99"] = &arrival{1, "r7n6@example.com", kindCode}
		}, []string{"stray"}},
		"an SMS that no ledger has": {func(_ *batch, _ *string, came *arrivals) { came.texts[text{"+966510000006", kindNews}] = 1 }, []string{"stray"}},
		"a mail to another one":     {func(_ *batch, _ *string, came *arrivals) { came.mails["11"].to = "r7n6@example.com" }, []string{"stray"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, rows, came := planted()
			test.plant(b, &rows, came)
			got := judged(t, b, rows, came)
			if len(got) == 0 {
				t.Error("nothing is found")
			}
			for _, w := range test.want {
				if !slices.Contains(got, w) {
					t.Errorf("found %q, want %q too", got, w)
				}
			}
		})
	}
	t.Run("all is well", func(t *testing.T) {
		b, rows, came := planted()
		if got := judged(t, b, rows, came); len(got) > 0 {
			t.Errorf("found %q", got)
		}
	})
	t.Run("nodes differ", func(t *testing.T) {
		_, rows, _ := planted()
		if got := differ([]string{"db1", "db2"}, []string{rows, rows}); len(got) > 0 {
			t.Errorf("found %v between the same rows", got)
		}
		other := strings.Replace(rows, "ACTIVE", "PENDING_VERIFICATION", 1)
		if got := differ([]string{"db1", "db2", "db3"}, []string{rows, rows, other}); len(got) != 1 || !strings.Contains(got[0].detail, "db3") {
			t.Errorf("found %v, want db3's", got)
		}
	})
}
