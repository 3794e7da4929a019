package template

import (
	"slices"
	"sync"

	"golang.org/x/text/language"

	"registrar/internal/notify"
	"registrar/internal/registration"
)

// bundle is all that there is for one subject. A campaign may lack a channel.
type bundle struct {
	email, sms *editions
}

func (b *bundle) by(channel registration.Channel) *editions {
	switch channel {
	case registration.EmailChannel:
		return b.email
	case registration.SMSChannel:
		return b.sms
	default:
		return nil
	}
}

// edition is a message of one channel in one locale: the parts of an e-mail, or
// the text of an SMS.
type edition struct {
	locale              language.Tag
	subject, text, html *document
	sms                 *document
}

func (e *edition) render(data *Data, m *notify.Message) (err error) {
	if e.sms != nil {
		m.Text, err = e.sms.render(data)
		return err
	}
	if m.Subject, err = e.subject.render(data); err != nil {
		return err
	}
	if m.Text, err = e.text.render(data); err != nil {
		return err
	}
	m.HTML, err = e.html.render(data)
	return err
}

// maxMatches bounds what editions remember: people may ask for any locale.
const maxMatches = 1000

// editions are those of one channel, one of them for whoever asks for a locale
// that is not there.
type editions struct {
	all     []*edition // the fallback first
	matcher language.Matcher

	mu      sync.RWMutex
	matches map[string]*edition // what was asked for; matching takes longer than rendering
}

// choose makes editions with a fallback: that locale, else English, else the first.
func choose(all []*edition, fallback language.Tag) *editions {
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b *edition) int {
		rank := func(e *edition) string {
			switch e.locale {
			case fallback:
				return "0"
			case language.English:
				return "1"
			default:
				return "2" + e.locale.String()
			}
		}
		if rank(a) < rank(b) {
			return -1
		}
		return 1
	})
	tags := make([]language.Tag, len(all))
	for i, e := range all {
		tags[i] = e.locale
	}
	return &editions{all: all, matcher: language.NewMatcher(tags), matches: map[string]*edition{}}
}

func (es *editions) tags() []string {
	tags := make([]string, len(es.all))
	for i, e := range es.all {
		tags[i] = e.locale.String()
	}
	return tags
}

// match gives the edition for a person's locale.
func (es *editions) match(locale string) *edition {
	es.mu.RLock()
	e, ok := es.matches[locale]
	es.mu.RUnlock()
	if ok {
		return e
	}
	e = es.find(locale)
	es.mu.Lock()
	defer es.mu.Unlock()
	if len(es.matches) < maxMatches {
		es.matches[locale] = e
	}
	return e
}

func (es *editions) find(locale string) *edition {
	tag, err := language.Parse(locale)
	if err != nil {
		return es.all[0]
	}
	_, index, confidence := es.matcher.Match(tag)
	if confidence == language.No {
		return es.all[0] // the matcher would go by the script
	}
	return es.all[index]
}
