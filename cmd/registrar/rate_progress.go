package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// rateProgress shows how far something is that goes through many things in phases:
// as a bar to a person, else as lines.
type rateProgress struct {
	w          io.Writer
	unit       string
	phase      string
	begun      time.Time // the phase
	first      [2]int64  // things and how much of the total there was when it began
	bars       *mpb.Progress
	bar        *mpb.Bar
	text       atomic.Pointer[string] // beside the bar, which another goroutine draws
	latest     time.Time              // of the lines
	everBefore bool
}

func showRate(w io.Writer, name, unit string) *rateProgress {
	p := &rateProgress{w: w, unit: unit, begun: time.Now(), latest: time.Now()}
	if isTerminal(w) {
		p.text.Store(new(string))
		p.bars = mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
		p.bar = p.bars.AddBar(1, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Any(func(decor.Statistics) string { return " " + *p.text.Load() })))
	}
	return p
}

// at tells how far it is: how many things were gone through, and done of total.
func (p *rateProgress) at(phase string, things, done, total int64) {
	if !p.everBefore || phase != p.phase {
		p.everBefore, p.phase, p.begun, p.first = true, phase, time.Now(), [2]int64{things, done}
	}
	took := max(time.Since(p.begun).Seconds(), 0.001)
	text := fmt.Sprintf("%d %ss, %.0f/s", things, p.unit, float64(things-p.first[0])/took)
	if gone := done - p.first[1]; total > done && gone > 0 {
		text += fmt.Sprintf(", %v left", time.Duration(took*float64(total-done)/float64(gone)*float64(time.Second)).Round(time.Second))
	}
	if phase != "" {
		text = phase + ": " + text
	}
	if p.bar != nil {
		p.text.Store(&text)
		p.bar.SetTotal(max(total, done, 1), false)
		p.bar.SetCurrent(done)
		return
	}
	if time.Since(p.latest) >= plainEvery {
		p.latest = time.Now()
		fmt.Fprintln(p.w, text)
	}
}

// end leaves the bar as it is.
func (p *rateProgress) end() {
	if p.bar != nil {
		p.bar.Abort(false)
		p.bars.Wait()
	}
}
