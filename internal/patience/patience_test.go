package patience_test

import (
	"testing"
	"time"

	"registrar/internal/patience"
)

// TestPatience: short while answers are quick, four times what they took of
// late while they are not, within its bounds, and short again later.
func TestPatience(t *testing.T) {
	t.Parallel()
	const least, most = 240 * time.Millisecond, 3 * time.Second
	t0 := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name  string
		took  time.Duration
		after time.Duration
		want  time.Duration
	}{
		{"nothing heard yet", 0, 0, least},
		{"quick answers", time.Millisecond, 0, least},
		{"a busy machine", 200 * time.Millisecond, 0, 800 * time.Millisecond},
		{"a machine at its end", 2 * time.Second, 0, most},
		{"ten seconds later", 200 * time.Millisecond, 10 * time.Second, 400 * time.Millisecond},
		{"a minute later", 200 * time.Millisecond, time.Minute, least},
	} {
		p := patience.Patience{Least: least, Most: most}
		if test.took > 0 {
			p.Heard(test.took, t0)
			p.Heard(test.took/100, t0.Add(time.Second)) // a quick answer does not undo a slow one
		}
		if got := p.Limit(t0.Add(test.after)); got != test.want {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}
