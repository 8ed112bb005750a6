package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hearsay/lab/sim"
)

// redraw is how often a bar is drawn anew: often enough to look alive, and cheap.
const redraw = 150 * time.Millisecond

// progress is a bar for a person who waits. Nil, where nobody looks, it does nothing.
type progress struct {
	to    io.Writer
	frame bytes.Buffer // what is drawn next
	bar   *progressbar.ProgressBar
	drawn time.Time
}

// newProgress begins a bar if w is a terminal. With its text it fits into eighty columns.
func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	p := &progress{to: w}
	p.bar = p.of()
	return p
}

func (p *progress) of() *progressbar.ProgressBar {
	const whole, width = 1000, 16
	return progressbar.NewOptions(whole,
		progressbar.OptionSetWriter(&p.frame), progressbar.OptionSetWidth(width), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
	)
}

// run shows how far a run is.
func (p *progress) run(r *sim.Run, took time.Duration) {
	if !p.due() {
		return
	}
	rate := float64(r.World.Counts.Events) / max(took.Seconds(), 1e-3)
	p.show(r.Progress(), fmt.Sprintf("%s, %.1f s, %s events/s", r.Phase, r.World.Now().Seconds(), count(int(rate))))
}

// due reports whether it is time to draw again.
func (p *progress) due() bool { return p != nil && time.Since(p.drawn) >= redraw }

func (p *progress) show(share float64, text string) {
	if p == nil {
		return
	}
	p.drawn = time.Now()
	// Never the end: a full bar counts as finished, and the healing takes as long as it takes.
	p.bar.Set(min(999, int(share*1000)))
	// That has drawn the bar with the text before, if it has moved by a percent.
	p.frame.Reset()
	p.bar.Describe(text)
	p.flush()
}

// flush writes what was drawn, in one piece.
func (p *progress) flush() {
	p.to.Write(p.frame.Bytes()) // an error: nobody waits for it
	p.frame.Reset()
}

// done takes the bar away.
func (p *progress) done() {
	if p != nil {
		p.bar.Clear()
		p.flush()
	}
}
