package service_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"registrar/test/harness"
)

// TestCampaigns from end to end, on the embedded default and on MariaDB: who gets
// one, how often, how one ends it, and how an operator does.
func TestCampaigns(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"embedded", "mariadb"} {
		t.Run(on, func(t *testing.T) {
			t.Parallel()
			database := ""
			if on == "mariadb" {
				_, database = harness.MariaDB(t)
			}
			campaigns(t, database)
		})
	}
}

func campaigns(t *testing.T, database string) {
	t.Helper()
	const n, each = 40, 40 / kindsOfPeople
	c := newCrowd(t, database)
	c.Start(t)
	c.people(t, n)

	// One that goes through: each of those whom it is for has it once, with a link.
	c.campaign(t, "is made", "create", "first", "--template", "welcome-back")
	c.campaign(t, "would get it", "audience", "first")
	c.campaign(t, "first is RUNNING. registrar campaign status first", "start", "first")
	got := c.await(t, "first", "DONE")
	if got.LookedAt != n || got.Chosen != 2*each || got.Excluded["NO_CONSENT"] != each || got.Excluded["NOT_ACTIVE"] != each || got.Notifications["DELIVERED"] != 2*each {
		t.Errorf("the first campaign ended as %+v", got)
	}
	letters := c.letters(t)
	for i := range n {
		want := 0
		if i%kindsOfPeople <= withoutNumber {
			want = 1
		}
		if len(letters[mailbox(i)]) != want {
			t.Errorf("person %d has %d messages of the campaign, not %d", i, len(letters[mailbox(i)]), want)
		}
	}
	if t.Failed() {
		t.FailNow()
	}

	// A look at the page changes nothing; the one click of mail programs does.
	quitter := mailbox(withNumber)
	for range 2 {
		if page := follow(t, http.MethodGet, letters[quitter][0], ""); !strings.Contains(page, `value="unsubscribe"`) || !strings.Contains(page, `dir="rtl"`) {
			t.Fatalf("the page is\n%s", page)
		}
	}
	follow(t, http.MethodPost, letters[quitter][0], "List-Unsubscribe=One-Click")
	if page := follow(t, http.MethodGet, letters[quitter][0], ""); !strings.Contains(page, `value="subscribe"`) {
		t.Errorf("afterwards the page is\n%s", page)
	}

	// One that is slow: paused, what is queued waits; resumed, it goes on;
	// cancelled, it ends. A restart in between makes no difference.
	if err := c.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	c.configure(t, "email: {rate: 2}\n"+database)
	c.Start(t)
	before := c.since(t, 0)
	c.campaign(t, "is made", "create", "second", "--template", "welcome-back")
	c.campaign(t, "RUNNING", "start", "second")
	reach := func(letters int) {
		t.Helper()
		harness.Eventually(t, 30*time.Second, func(context.Context) error {
			if n := c.since(t, before); n < letters {
				return fmt.Errorf("%d messages have come", n)
			}
			return nil
		})
	}
	still := func() int { // within 2 s nothing comes any more
		t.Helper()
		time.Sleep(2 * time.Second)
		n := c.since(t, before)
		time.Sleep(2 * time.Second)
		if later := c.since(t, before); later != n {
			t.Errorf("%d messages have come, and then %d", n, later)
		}
		return n
	}
	reach(3)
	c.campaign(t, "PAUSED", "pause", "second")
	paused := still()
	if got := c.status(t, "second"); got.State != "PAUSED" || got.Chosen != 2*each-1 || got.Notifications["DELIVERED"] != paused || got.Notifications["QUEUED"] != got.Chosen-paused || paused > got.Chosen/2 {
		t.Errorf("paused after %d messages: %+v", paused, got)
	}
	c.campaign(t, "PAUSED", "status", "second", "--watch")
	if err := c.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	if n := still(); n != paused {
		t.Errorf("a restart has sent %d messages of a paused campaign", n-paused)
	}
	c.campaign(t, "RESUMING", "resume", "second")
	reach(paused + 3)
	c.campaign(t, "CANCELLING", "cancel", "second")
	sent := still()
	got = c.await(t, "second", "CANCELLED")
	if got.Notifications["DELIVERED"] != sent || got.Notifications["EXPIRED"] != got.Chosen-sent || got.Excluded["NO_CONSENT"] != each+1 || sent > got.Chosen*3/4 {
		t.Errorf("cancelled after %d messages: %+v", sent, got)
	}
	letters = c.letters(t)
	twice := 0
	for to, links := range letters {
		if len(links) > 2 || to == quitter && len(links) > 1 {
			t.Errorf("%s has %d messages of two campaigns", to, len(links))
		}
		twice += len(links) - 1
	}
	if twice != sent || len(letters) != 2*each {
		t.Errorf("%d people have the first campaign and %d the second, which has sent %d", len(letters), twice, sent)
	}

	// Quiet hours are those of the number's place; where there is none, of the
	// given one.
	riyadh := time.Now().In(time.FixedZone("Asia/Riyadh", 3*60*60))
	hours := riyadh.Add(-time.Hour).Format("15:04") + "-" + riyadh.Add(3*time.Hour).Format("15:04")
	before = c.since(t, 0)
	c.campaign(t, "is made", "create", "quiet", "--template", "welcome-back", "--quiet-hours", hours, "--time-zone", "America/Los_Angeles")
	if out := strings.Join(strings.Fields(c.campaign(t, "", "audience", "quiet")), " "); !strings.Contains(out, fmt.Sprintf("would get it %d of them when it is not quiet any more %d", 2*each-1, each-1)) {
		t.Errorf("the audience is %s", out)
	}
	c.campaign(t, "RUNNING", "start", "quiet")
	reach(each)
	if n := still(); n != each {
		t.Errorf("%d people were written to in their quiet hours", n-each)
	}
	if got := c.status(t, "quiet"); got.State != "RUNNING" || got.Notifications["QUEUED"] != each-1 || got.Notifications["DELIVERED"] != each {
		t.Errorf("in the quiet hours: %+v", got)
	}
	c.campaign(t, "CANCELLING", "cancel", "quiet")
	c.await(t, "quiet", "CANCELLED")
	if err := c.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	if log := c.Log(t); strings.Contains(log, "person1") || strings.Contains(log, "9665100") {
		t.Error("the log tells of people")
	}
}
