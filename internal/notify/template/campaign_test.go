package template_test

import (
	"reflect"
	"strings"
	"testing"

	"registrar/internal/notify"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

const link = "https://registrar.example.com/unsubscribe?t=a.b-c_d"

func campaignOf(channel registration.Channel, locale, name string) notify.Claim {
	claim := claimOf(channel, locale, "ada", "Ada", "Lovelace")
	claim.Notification.Kind = registration.CampaignMessage
	claim.Template, claim.Unsubscribe = name, link
	return claim
}

func TestTheBuiltInCampaign(t *testing.T) {
	c := load(t, template.Options{})
	for locale, want := range map[string]string{"en": "Ada, it is time to see each other again", "ar": "\u200f\u2068Ada\u2069، حان الوقت لنلتقي من جديد"} {
		m := render(t, c, campaignOf(registration.EmailChannel, locale, "welcome-back"))
		if m.Subject != want || m.Unsubscribe != link || !strings.Contains(m.Text, "\n"+link+"\n") || !strings.Contains(m.HTML, `href="`+link+`"`) || m.Locale != locale {
			t.Errorf("%q, %q, %s", m.Subject, m.Unsubscribe, m.Text)
		}
		m = render(t, c, campaignOf(registration.SMSChannel, locale, "welcome-back"))
		if !strings.HasSuffix(m.Text, link) || m.Unsubscribe != "" || m.HTML != "" {
			t.Errorf("%q", m.Text)
		}
	}
	claim := campaignOf(registration.EmailChannel, "en", "welcome-back")
	claim.Unsubscribe = ""
	if m := render(t, c, claim); m.Unsubscribe != "" || !strings.HasSuffix(m.Text, "agreed to news from Registrar.\n") || strings.Contains(m.HTML, "<a ") {
		t.Errorf("where there is no page to unsubscribe at: %s", m.Text)
	}
}

// TestCampaignsOfTheOperator: one channel is enough, and other locales are right.
func TestCampaignsOfTheOperator(t *testing.T) {
	dir := write(t,
		"v1/campaigns/sale/en/sms.txt", "Sale at {{.Brand}}",
		"v1/campaigns/sale/de/sms.txt", "Angebote bei {{.Brand}}",
		"v1/campaigns/sale/de/subject.txt", "Angebote",
		"v1/campaigns/sale/de/text.txt", "Angebote. {{.Unsubscribe}}",
		"v1/campaigns/sale/de/html.html", `<p>Angebote. <a href="{{.Unsubscribe}}">Schluss</a></p>`,
		"v1/campaigns/welcome-back/en/subject.txt", "Hello again",
	)
	c := load(t, template.Options{Dir: dir})
	want := []template.Campaign{{Name: "sale", Email: []string{"de"}, SMS: []string{"en", "de"}}, {Name: "welcome-back", Email: []string{"en", "ar"}, SMS: []string{"en", "ar"}}}
	if got := c.Campaigns(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, one := range []struct {
		channel registration.Channel
		asked   string
		want    string
	}{
		{registration.SMSChannel, "de-AT", "Angebote bei Registrar"}, {registration.SMSChannel, "ar", "Sale at Registrar"}, {registration.SMSChannel, "en", "Sale at Registrar"},
		{registration.EmailChannel, "en", "Angebote. " + link + "\n"},
	} {
		if m := render(t, c, campaignOf(one.channel, one.asked, "sale")); m.Text != one.want {
			t.Errorf("%s for %s: %q", one.channel, one.asked, m.Text)
		}
	}
	if m := render(t, c, campaignOf(registration.EmailChannel, "en", "welcome-back")); m.Subject != "Hello again" {
		t.Errorf("%q", m.Subject)
	}
	if got := strings.Join(c.Locales(), " "); got != "en ar" {
		t.Errorf("a campaign's locales became the kinds': %s", got)
	}
}

func TestCampaignsThatAreNotThere(t *testing.T) {
	c := load(t, template.Options{Dir: write(t, "v1/campaigns/sale/en/sms.txt", "Sale")})
	for _, claim := range []notify.Claim{
		campaignOf(registration.EmailChannel, "en", "no-such"), campaignOf(registration.EmailChannel, "en", ""),
		campaignOf(registration.EmailChannel, "en", "sale"), campaignOf("PIGEON", "en", "sale"),
	} {
		if m, err := c.Render(claim); err == nil {
			t.Errorf("%s by %s: %q", claim.Template, claim.Notification.Channel, m.Text)
		}
	}
}

// TestSpecimens: everything that is there, for every person.
func TestSpecimens(t *testing.T) {
	c := load(t, template.Options{CodeDomain: "example.com"})
	for _, person := range template.Persons() {
		all, err := c.Specimens(person)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range all {
			names = append(names, s.Name()+" "+s.Locale+" "+string(s.Channel))
			if (s.Message.HTML != "") != (s.Channel == registration.EmailChannel) || s.RTL != (s.Locale == "ar") || (s.Size.Segments > 0) != (s.Channel == registration.SMSChannel) || s.Message.Text == "" {
				t.Errorf("%s: %+v", person, s)
			}
		}
		want := "already_registered ar EMAIL,already_registered en EMAIL,campaigns/welcome-back ar EMAIL,campaigns/welcome-back ar SMS,campaigns/welcome-back en EMAIL,campaigns/welcome-back en SMS," +
			"registration_completed ar EMAIL,registration_completed ar SMS,registration_completed en EMAIL,registration_completed en SMS," +
			"verification_code ar EMAIL,verification_code ar SMS,verification_code en EMAIL,verification_code en SMS"
		if got := strings.Join(names, ","); got != want {
			t.Errorf("%s: %s", person, got)
		}
	}
}
