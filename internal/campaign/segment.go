package campaign

import (
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"registrar/internal/registration"
)

// Segment is whom a campaign is for. Its zero value is for everybody.
type Segment struct {
	Locales          []string  // BCP 47; "en" is also for those with en-GB; empty for all
	RegisteredSince  time.Time // zero for no bound
	RegisteredBefore time.Time // exclusive; zero for no bound
}

// maxLocales bounds a segment, so that it fits its column.
const maxLocales = 32

// ParseLocales reads language tags with commas between, in canonical form.
// "" is none, which is all.
func ParseLocales(s string) ([]string, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var locales []string
	for part := range strings.SplitSeq(s, ",") {
		tag, err := language.Parse(strings.TrimSpace(part))
		if err != nil || tag == language.Und {
			return nil, errors.New("locales are BCP 47 language tags with commas between, like en,ar-SA")
		}
		if l := tag.String(); !slices.Contains(locales, l) {
			locales = append(locales, l)
		}
	}
	return locales, nil
}

// Check says what is wrong with it.
func (s Segment) Check() error {
	if len(s.Locales) > maxLocales {
		return errors.New("it names more than 32 locales")
	}
	for _, l := range s.Locales {
		if tag, err := language.Parse(l); err != nil || tag == language.Und || len(l) > 35 {
			return errors.New("a locale is no BCP 47 language tag")
		}
	}
	if !s.RegisteredSince.IsZero() && !s.RegisteredBefore.IsZero() && !s.RegisteredSince.Before(s.RegisteredBefore) {
		return errors.New("nobody registered since a time and before an earlier one")
	}
	return nil
}

// speaks says whether a person's locale is one of the segment's or narrower
// than one of them.
func (s Segment) speaks(locale string) bool {
	return len(s.Locales) == 0 || slices.ContainsFunc(s.Locales, func(l string) bool {
		return len(locale) >= len(l) && strings.EqualFold(locale[:len(l)], l) && (len(locale) == len(l) || locale[len(l)] == '-')
	})
}

// Candidate is an account as far as a campaign's choice goes by it.
type Candidate struct {
	AccountID    registration.ID
	Status       registration.Status
	RegisteredAt time.Time
	Locale       string
	Consent      bool
	Recipient    string // by the campaign's channel; "" for none
	Key          string // the recipient's canonical form, by which it is suppressed
	Verified     bool   // the recipient is shown to be the account's owner's
	Mobile       registration.Mobile

	// Set by Store.Histories.
	Suppressed bool
	Recent     int // campaign messages, of all campaigns, that count against the cap
}

// Exclusion is why an account does not get a campaign; "" for it does.
type Exclusion string

// The exclusions, in the order in which they are looked for: each account
// counts by its first.
const (
	OtherLocale    Exclusion = "OTHER_LOCALE"
	OtherTime      Exclusion = "REGISTERED_AT_OTHER_TIME"
	NotActive      Exclusion = "NOT_ACTIVE"
	NoConsent      Exclusion = "NO_CONSENT"
	NoContact      Exclusion = "NO_CONTACT" // no number for an SMS, or no address for a mail
	NotVerified    Exclusion = "CONTACT_NOT_VERIFIED"
	Suppressed     Exclusion = "SUPPRESSED"
	CapReached     Exclusion = "FREQUENCY_CAP"
	QuietTillLater Exclusion = "QUIET_UNTIL_DEADLINE" // it could not be sent before it is too late
)

// Exclusions lists them in their order.
func Exclusions() []Exclusion {
	return []Exclusion{OtherLocale, OtherTime, NotActive, NoConsent, NoContact, NotVerified, Suppressed, CapReached, QuietTillLater}
}

// excludes is why an account does not get the campaign, as far as the account
// itself tells. Who registered after the start is not in it: so it ends.
func (c Campaign) excludes(a Candidate, now time.Time) Exclusion {
	started := c.StartedAt
	if started.IsZero() {
		started = now
	}
	switch s := c.Segment; {
	case !s.speaks(a.Locale):
		return OtherLocale
	case a.RegisteredAt.Before(s.RegisteredSince), !s.RegisteredBefore.IsZero() && !a.RegisteredAt.Before(s.RegisteredBefore), a.RegisteredAt.After(started):
		return OtherTime
	case a.Status != registration.Active:
		return NotActive
	case !a.Consent:
		return NoConsent
	case a.Recipient == "":
		return NoContact
	case !a.Verified:
		return NotVerified
	default:
		return ""
	}
}

// restrains is why an account that is not excluded does not get the campaign
// all the same, as far as what it has got or refused before tells.
func (c Campaign) restrains(a Candidate) Exclusion {
	switch {
	case a.Suppressed:
		return Suppressed
	case c.Cap.Messages > 0 && a.Recent >= c.Cap.Messages:
		return CapReached
	default:
		return ""
	}
}
