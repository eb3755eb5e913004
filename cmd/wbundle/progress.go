package main

import (
	"fmt"
	"sync"

	"github.com/schollz/progressbar/v3"

	"github.com/wbundle/wbundle/linker"
)

// progress shows how far a build is: a bar on a terminal, one plain line for
// each phase elsewhere (with -v only), nothing with -q. Its methods may be
// called from several goroutines.
type progress struct {
	app *app
	on  bool // bars

	mu    sync.Mutex
	what  string // the output that is being built
	phase string
	total int
	bar   *progressbar.ProgressBar
}

func newProgress(a *app) *progress {
	return &progress{app: a, on: !a.quiet && a.terminal(a.stderr)}
}

// start names what the following phases are about.
func (p *progress) start(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.phase = what, ""
}

// step reports done of total items of a phase; total 0 is not known.
func (p *progress) step(phase string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if phase != p.phase {
		p.drop()
		p.phase, p.total = phase, -1
		if !p.on && p.app.verbose {
			if p.what != "" {
				phase = p.what + ": " + phase
			}
			fmt.Fprintln(p.app.stderr, phase)
		}
	}
	if !p.on {
		return
	}
	if p.bar == nil || total != p.total {
		p.drop()
		p.total = total
		length := int64(total)
		if total == 0 {
			length = -1 // a spinner
		}
		p.bar = progressbar.NewOptions64(length,
			progressbar.OptionSetWriter(p.app.stderr),
			progressbar.OptionSetDescription(phase),
			progressbar.OptionSetWidth(24),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100e6), // 0.1 s
			progressbar.OptionEnableColorCodes(false),
			progressbar.OptionSetRenderBlankState(false),
		)
	}
	// An error here is one of writing to the terminal.
	_ = p.bar.Set(done)
}

// link is a linker.Options.Progress.
func (p *progress) link(s linker.Progress) { p.step(s.Pass, s.Done, s.Total) }

// clear takes the bar off the terminal, before anything else is printed.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
}

func (p *progress) drop() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
