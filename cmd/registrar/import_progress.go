package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"registrar/internal/transfer"
)

// plainEvery is between two lines of progress where there is no terminal.
const plainEvery = 5 * time.Second

// importProgress shows how far an import is: as a bar to a person, else as lines.
type importProgress struct {
	w      io.Writer
	begun  time.Time
	first  *transfer.Import // where this run began
	bars   *mpb.Progress    // nil without a terminal
	bar    *mpb.Bar
	text   atomic.Pointer[string] // beside the bar, which another goroutine draws
	latest time.Time              // of the lines
}

// showImport begins to show; before is what an interrupted run has come to, or nil.
func showImport(w io.Writer, before *transfer.Import) *importProgress {
	p := &importProgress{w: w, begun: time.Now(), latest: time.Now(), first: before}
	if p.first == nil {
		p.first = &transfer.Import{}
	}
	if isTerminal(w) {
		p.text.Store(new(string))
		p.bars = mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
		p.bar = p.bars.AddBar(1, mpb.PrependDecorators(decor.Name("import", decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Any(func(decor.Statistics) string { return " " + *p.text.Load() })))
	}
	return p
}

func (p *importProgress) progress(i transfer.Import) {
	text := progressOf(i, *p.first, time.Since(p.begun))
	if p.bar != nil {
		p.text.Store(&text)
		p.bar.SetTotal(max(i.Total, i.Done, 1), false)
		p.bar.SetCurrent(i.Done)
		return
	}
	if time.Since(p.latest) >= plainEvery {
		p.latest = time.Now()
		fmt.Fprintln(p.w, text)
	}
}

// progressOf is how far an import is, how fast it goes and when it will be there.
func progressOf(i, first transfer.Import, took time.Duration) string {
	rate := float64(i.Read-first.Read) / max(took.Seconds(), 0.001)
	text := fmt.Sprintf("%d rows, %.0f/s", i.Read, rate)
	if done := i.Done - first.Done; i.Total > 0 && done > 0 {
		left := time.Duration(float64(took) * float64(max(i.Total-i.Done, 0)) / float64(done))
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	if i.Refused > 0 {
		text += fmt.Sprintf(", %d refused", i.Refused)
	}
	return text
}

func (p *importProgress) waiting(err error) {
	fmt.Fprintf(p.w, "The database does not take rows now, which is tried again: %v\n", unreached(err))
}

// end leaves the bar as it is.
func (p *importProgress) end() {
	if p.bar != nil {
		p.bar.Abort(false)
		p.bars.Wait()
	}
}
