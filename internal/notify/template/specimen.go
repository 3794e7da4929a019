package template

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// Campaign is a campaign's templates.
type Campaign struct {
	Name  string
	Email []string // the locales of its e-mail, the fallback first; empty for none
	SMS   []string // of its SMS
}

// Campaigns lists the campaigns' templates by name.
func (c *Catalog) Campaigns() (all []Campaign) {
	for about, b := range c.bundles {
		if about.kind != registration.CampaignMessage {
			continue
		}
		one := Campaign{Name: about.campaign}
		if b.email != nil {
			one.Email = b.email.tags()
		}
		if b.sms != nil {
			one.SMS = b.sms.tags()
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b Campaign) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Person is whom a specimen is written to.
type Person string

// The persons.
const (
	Usual    Person = "usual"    // a name in the locale's script
	Foreign  Person = "foreign"  // a name of the other direction
	Nameless Person = "nameless" // no name is known
	Longest  Person = "longest"  // everything as long as it may be
)

// Persons are all, the usual one first.
func Persons() []Person { return []Person{Usual, Foreign, Nameless, Longest} }

// Specimen is a message as a made-up person would get it.
type Specimen struct {
	Kind     registration.Kind
	Campaign string // the name of a campaign's template; else ""
	Channel  registration.Channel
	Locale   string
	RTL      bool
	Message  notify.Message
	Size     Size // of an SMS
}

// Name is the specimen's folder below Version and its locale.
func (s Specimen) Name() string {
	return strings.TrimPrefix(subject{s.Kind, s.Campaign}.folder(), Version+"/")
}

// Specimens renders every kind and campaign in each of its locales and channels
// for a person, sorted by name and locale, e-mail before SMS.
func (c *Catalog) Specimens(person Person) (all []Specimen, err error) {
	for _, about := range slices.SortedFunc(maps.Keys(c.bundles), func(a, b subject) int { return strings.Compare(a.folder(), b.folder()) }) {
		for _, channel := range []registration.Channel{registration.EmailChannel, registration.SMSChannel} {
			editions := c.bundles[about].by(channel)
			if editions == nil {
				continue
			}
			for _, e := range editions.all {
				s := Specimen{Kind: about.kind, Campaign: about.campaign, Channel: channel, Locale: e.locale.String(), RTL: rightToLeft(e.locale)}
				if s.Message, err = c.Render(s.claim(person, c.now())); err != nil {
					return nil, fmt.Errorf("%w (%s, %s)", err, s.Name(), s.Locale)
				}
				if channel == registration.SMSChannel {
					s.Size = Measure(s.Message.Text)
				}
				all = append(all, s)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Specimen) int {
		if a.Name() != b.Name() {
			return strings.Compare(a.Name(), b.Name())
		}
		return strings.Compare(a.Locale, b.Locale)
	})
	return all, nil
}

// claim is one that a notifier could have.
func (s Specimen) claim(person Person, now time.Time) notify.Claim {
	claim := notify.Claim{
		Notification: registration.Notification{Kind: s.Kind, Channel: s.Channel, Locale: s.Locale, Recipient: "ada@example.com"},
		Username:     "ada", FirstName: "Ada", LastName: "Lovelace",
		Template: s.Campaign,
	}
	if s.Channel == registration.SMSChannel {
		claim.Notification.Recipient = "+966501234567"
	}
	switch {
	case person == Nameless:
		claim.FirstName, claim.LastName = "", ""
	case person == Longest:
		claim.Username, claim.FirstName, claim.LastName = strings.Repeat("long.user.name", 5)[:64], strings.Repeat("Wilhelmina ", 3)[:30], strings.Repeat("Featherstone ", 3)[:30]
	case s.RTL != (person == Foreign):
		claim.Username, claim.FirstName, claim.LastName = "نور.الهاشمي", "نور", "الهاشمي"
	}
	switch s.Kind {
	case registration.VerificationCode:
		claim.Code = notify.Code{Text: sampleCode, ExpiresAt: now.Add(10 * time.Minute)}
	case registration.CampaignMessage:
		if claim.Unsubscribe = sampleLink; s.Channel == registration.SMSChannel {
			claim.Unsubscribe = sampleShortLink
		}
	}
	return claim
}
