package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

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
