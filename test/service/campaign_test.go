package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"registrar/internal/devstack"
	"registrar/test/harness"
)

// crowd is a service with people in it, and the commands that write to them.
type crowd struct {
	*harness.Service
	config string // the file of both
}

// newCrowd makes one whose pages have their address, so that links work as they
// are. more is added to its configuration.
func newCrowd(t *testing.T, more string) *crowd {
	t.Helper()
	c := &crowd{config: harness.Config(t, "")}
	c.Service = harness.New(t, "--config", c.config)
	c.configure(t, more)
	return c
}

func (c *crowd) configure(t *testing.T, more string) {
	t.Helper()
	public := "public_url: " + strings.TrimSuffix(c.URL, "/registration") + "\n"
	if err := os.WriteFile(c.config, []byte(public+harness.CheapHash+more), 0o600); err != nil {
		t.Fatal(err)
	}
}

// campaign runs registrar campaign beside the service.
func (c *crowd) campaign(t *testing.T, want string, args ...string) string {
	t.Helper()
	args = append(append([]string{"campaign"}, args...), "--config", c.config, "--data-dir", filepath.Join(c.Dir, "data"))
	out, code := run(t, args...)
	if code != 0 || !strings.Contains(out, want) {
		t.Fatalf("%v: exit code %d, no %q in\n%s", args, code, want, out)
	}
	return out
}

// standing is what registrar campaign status --json tells.
type standing struct {
	State         string         `json:"state"`
	LookedAt      int            `json:"looked_at"`
	Chosen        int            `json:"chosen"`
	Excluded      map[string]int `json:"excluded"`
	Notifications map[string]int `json:"notifications"`
}

func (c *crowd) status(t *testing.T, name string) (s standing) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.campaign(t, "", "status", name, "--json")), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (c *crowd) await(t *testing.T, name, state string) (s standing) {
	t.Helper()
	harness.Eventually(t, time.Minute, func(context.Context) error {
		if s = c.status(t, name); s.State != state {
			return fmt.Errorf("%s is %+v", name, s)
		}
		return nil
	})
	return s
}

// The kinds of people, in turn: by a number's place or not, and those who get
// nothing.
const (
	withNumber = iota
	withoutNumber
	withoutConsent
	unverified
	kindsOfPeople
)

func mailbox(i int) string { return fmt.Sprintf("person%d@example.com", i) }

// people registers n of them and verifies those who are to be.
func (c *crowd) people(t *testing.T, n int) {
	t.Helper()
	ids := make([]string, n)
	var all sync.WaitGroup
	next := make(chan int)
	for range 4 {
		all.Go(func() {
			for i := range next {
				r := harness.Register{Username: fmt.Sprint("person", i), Email: mailbox(i), Password: "velvet-anchor-tuesday", FirstName: "Noor", Locale: "en", MarketingConsent: "true"}
				switch i % kindsOfPeople {
				case withNumber:
					r.MobileNumber, r.Locale = fmt.Sprintf("+9665100%05d", i), "ar"
				case withoutConsent:
					r.MarketingConsent = "false"
				}
				receipt, err := c.Register(t.Context(), r)
				if err != nil {
					t.Error(err)
				}
				ids[i] = receipt.RegistrationID
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
	for i, id := range ids {
		if i%kindsOfPeople == unverified {
			continue
		}
		code := awaitCode(t, c.Service, mailbox(i), 1)
		if v, err := c.Verify(t.Context(), id, "EMAIL", code); err != nil || v.Status != "ACTIVE" {
			t.Fatalf("person %d: %+v, %v", i, v, err)
		}
	}
	// Everything but campaigns has come: codes, and the news by both channels.
	numbers, verified := n/kindsOfPeople, n-n/kindsOfPeople
	harness.Eventually(t, 30*time.Second, func(ctx context.Context) error {
		got, err := c.InboxCount(ctx)
		if err == nil && got != n+numbers+verified+numbers {
			err = fmt.Errorf("the inbox has %d messages", got)
		}
		return err
	})
}

var link = regexp.MustCompile(`https?://\S+/unsubscribe\?t=[\w-]+`)

// letters are the links in the messages of campaigns, by who got them.
func (c *crowd) letters(t *testing.T) map[string][]string {
	t.Helper()
	inbox, err := c.Inbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	letters := map[string][]string{}
	for _, m := range inbox {
		text, err := c.Text(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if l := link.FindString(text); l != "" {
			letters[m.To[0].Address] = append(letters[m.To[0].Address], l)
		}
	}
	return letters
}

// since is how many messages came to the inbox after it had so many.
func (c *crowd) since(t *testing.T, before int) int {
	t.Helper()
	n, err := c.InboxCount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n - before
}

// follow opens a link, or posts to it.
func follow(t *testing.T, method, address, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s of a link: HTTP %d, %v\n%s", method, resp.StatusCode, err, page)
	}
	return string(page)
}

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

// TestCampaignsByMail: with the header fields of one click, and not at all
// without an address to unsubscribe at.
func TestCampaignsByMail(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartSMTP(t.Context(), t.TempDir(), devstack.SMTPOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	smtp := fmt.Sprintf("email: {driver: smtp, from: news@bank.example, smtp: {host: %s, port: %d, security: none, timeout: 5s}}\n", server.Host, server.Port)
	c := newCrowd(t, smtp) // its public_url is http, which is no address for one click
	c.Start(t)
	receipt, err := c.Register(t.Context(), harness.Register{Username: "amina", Email: "amina@example.com", Password: "velvet-anchor-tuesday", Locale: "en", MarketingConsent: "true"})
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		all, err := server.Messages()
		if err == nil && len(all) != 1 {
			err = fmt.Errorf("%d mails", len(all))
		}
		if err != nil {
			return err
		}
		body, err := io.ReadAll(all[0].Body)
		if code = harness.CodeIn(string(body)); err == nil && code == "" {
			err = errors.New("no code in the mail")
		}
		return err
	})
	if _, err := c.Verify(t.Context(), receipt.RegistrationID, "EMAIL", code); err != nil {
		t.Fatal(err)
	}
	c.campaign(t, "is made", "create", "spring", "--template", "welcome-back")
	if out, exit := run(t, "campaign", "start", "spring", "--config", c.config, "--data-dir", filepath.Join(c.Dir, "data")); exit != 1 || !strings.Contains(out, "https address to unsubscribe at") {
		t.Errorf("exit code %d: %s", exit, out)
	}
	// Started by somebody whose configuration has the address, it waits for a
	// server that has it too.
	has := harness.Config(t, "public_url: https://api.example.com\n"+smtp)
	if out, exit := run(t, "campaign", "start", "spring", "--config", has, "--data-dir", filepath.Join(c.Dir, "data")); exit != 0 {
		t.Fatal(out)
	}
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		if got := c.status(t, "spring"); got.Notifications["QUEUED"] != 1 {
			return fmt.Errorf("it is %+v", got)
		}
		return nil
	})
	time.Sleep(2 * time.Second)
	if all, err := server.Messages(); err != nil || len(all) != 2 { // the code, and the news
		t.Errorf("%d mails, %v", len(all), err)
	}
	if log := c.Log(t); !strings.Contains(log, "lane=email.marketing") || !strings.Contains(log, "campaigns.unsubscribe_url") {
		t.Error("the log does not tell of the lane that is left out")
	}
	if err := c.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.config, []byte("public_url: https://api.example.com\n"+harness.CheapHash+smtp), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	var came *mail.Message
	harness.Eventually(t, 20*time.Second, func(context.Context) error {
		all, err := server.Messages()
		if err != nil {
			return err
		}
		for _, m := range all {
			if came = m; m.Header.Get("List-Unsubscribe") != "" {
				return nil
			}
		}
		return fmt.Errorf("no campaign's among %d mails", len(all))
	})
	header := came.Header.Get("List-Unsubscribe")
	address, found := strings.CutPrefix(strings.Trim(header, "<>"), "https://api.example.com")
	if !found || came.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" || came.Header.Get("Precedence") != "bulk" {
		t.Fatalf("the header is %v", came.Header)
	}
	follow(t, http.MethodPost, strings.TrimSuffix(c.URL, "/registration")+address, "List-Unsubscribe=One-Click")
	c.campaign(t, "is made", "create", "summer", "--template", "welcome-back")
	if out := strings.Join(strings.Fields(c.campaign(t, "", "audience", "summer")), " "); !strings.Contains(out, "accounts 1 would get it 0 not: no consent to marketing 1") {
		t.Errorf("the audience is %s", out)
	}
}
