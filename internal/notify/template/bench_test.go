package template_test

import (
	"testing"

	"registrar/internal/notify"
	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

func BenchmarkRender(b *testing.B) {
	c, err := template.Load(template.Options{CodeDomain: "example.com"})
	if err != nil {
		b.Fatal(err)
	}
	for name, claim := range map[string]notify.Claim{
		"completed/email": claimOf(registration.EmailChannel, "ar-SA", "nour.91", "نور", "الهاشمي"),
		"campaign/email":  campaignOf(registration.EmailChannel, "ar-SA", "welcome-back"),
		"campaign/sms":    campaignOf(registration.SMSChannel, "en-GB", "welcome-back"),
		"code/sms":        codeOf(registration.SMSChannel, "en-GB"),
		"code/email":      codeOf(registration.EmailChannel, "en-GB"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Render(claim); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
