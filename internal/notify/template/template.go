// Package template renders notifications from versioned text files: for each
// kind and locale a subject, a text and an HTML part of the e-mail, and the text
// of the SMS; campaigns have such files by their own names. English and Arabic
// are built in; a directory of the operator may replace single files and add
// locales and campaigns.
//
// What may be relied on: after Load every kind can be rendered for every locale
// by every channel that it is sent by, and every campaign by the channels that it has; subjects are
// one line without control characters; names are escaped in HTML and cannot
// change the direction of the text around them; the SMS of a one-time code is
// one segment for all that Load could try. Names that are longer than any that
// Load tries may make other SMS longer.
package template

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Version is the first folder of a template's path. It changes when Data loses
// or renames a field, so that files written for another version are refused
// with their names instead of failing for a person's notification.
const Version = "v1"

// Data is what a template may name.
type Data struct {
	Brand     string // the product's name
	Contact   string // where a person can ask; may be ""
	Username  string
	FirstName string // may be ""
	LastName  string // may be ""

	// Of a one-time code; else "" and 0.
	Code         string // its digits
	ValidMinutes int    // how long it is still valid, from 1 upward
	Domain       string // of the line by which browsers fill the code in, which follows the text of the SMS; may be ""

	// Unsubscribe is the address that ends a campaign's messages; "" for other
	// kinds, and where the service has no such page that people can reach.
	Unsubscribe string
}

// Name is how the person is addressed; "" where no name is known.
func (d Data) Name() string { return strings.TrimSpace(d.FirstName + " " + d.LastName) }

// Catalog is every template, parsed and checked. It may be used by several
// goroutines.
type Catalog struct {
	brand, contact, domain string
	now                    func() time.Time
	fallback               language.Tag
	bundles                map[subject]*bundle
}

// subject is what templates are about: a kind, and for campaigns the name.
type subject struct {
	kind     registration.Kind
	campaign string
}

func (s subject) folder() string {
	if s.kind == registration.CampaignMessage {
		return Version + "/" + campaignsFolder + "/" + s.campaign
	}
	return Version + "/" + strings.ToLower(string(s.kind))
}

// Locales gives the BCP 47 tags that every kind has templates for, the default first.
func (c *Catalog) Locales() []string { return c.ofKinds().tags() }

// Match gives the locale in which a person who asked for locale is written to:
// the nearest by BCP 47, or the default. Campaigns may have other locales.
func (c *Catalog) Match(locale string) string { return c.ofKinds().match(locale).locale.String() }

// ofKinds are the locales that all kinds have.
func (c *Catalog) ofKinds() *editions {
	return c.bundles[subject{kind: registration.RegistrationCompleted}].email
}

// What cannot be rendered. None of these holds a name, a code or an address.
var (
	errExecute = errors.New("template: cannot be rendered with this person's data")
	errNoCode  = errors.New("template: the claim has no opened code")
)

// Render makes the message of a claim. Its errors hold no name and no address.
func (c *Catalog) Render(claim notify.Claim) (notify.Message, error) {
	n := claim.Notification
	about := subject{kind: n.Kind}
	data := &Data{Brand: c.brand, Contact: c.contact, Username: clean(claim.Username), FirstName: clean(claim.FirstName), LastName: clean(claim.LastName)}
	m := notify.Message{NotificationID: claim.NotificationID, To: n.Recipient, Name: data.Name(), Kind: n.Kind, Deadline: n.Deadline}
	switch n.Kind {
	case registration.VerificationCode:
		if claim.Code.Text == "" {
			return notify.Message{}, errNoCode
		}
		data.Code, data.ValidMinutes, data.Domain = claim.Code.Text, minutes(claim.Code.ExpiresAt.Sub(c.now())), c.domain
	case registration.CampaignMessage:
		about.campaign, data.Unsubscribe = claim.Template, claim.Unsubscribe
		if n.Channel == registration.EmailChannel {
			m.Unsubscribe = claim.Unsubscribe
		}
	}
	b, ok := c.bundles[about]
	switch {
	case !ok && about.campaign != "":
		return notify.Message{}, fmt.Errorf("template: there is no campaign template %q", about.campaign)
	case !ok:
		return notify.Message{}, fmt.Errorf("template: none for the kind %q", n.Kind)
	}
	choice := b.by(n.Channel)
	if choice == nil {
		return notify.Message{}, fmt.Errorf("template: %s has none for the channel %q", about.folder(), n.Channel)
	}
	e := choice.match(n.Locale)
	m.Locale = e.locale.String()
	return m, e.render(data, &m)
}

// minutes rounds d, but not down to none.
func minutes(d time.Duration) int { return max(1, int(d.Round(time.Minute)/time.Minute)) }
