package template_test

import (
	"testing"

	"registrar/internal/notify/template"
	"registrar/internal/registration"
)

func BenchmarkRenderEmail(b *testing.B) {
	c, err := template.Load(template.Options{})
	if err != nil {
		b.Fatal(err)
	}
	claim := claimOf(registration.EmailChannel, "ar-SA", "nour.91", "نور", "الهاشمي")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Render(claim); err != nil {
			b.Fatal(err)
		}
	}
}
