package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// progress is a bar on standard error, if that is a terminal and the page does not go
// there too.
type progress struct {
	width int // columns; 0 = nobody looks
	total int64
	have  int64
	start time.Time
	drawn time.Time
}

func newProgress() *progress {
	p := &progress{start: time.Now()}
	if terminalWidth(os.Stdout) == 0 {
		p.width = terminalWidth(os.Stderr)
	}
	return p
}

// redraw is how often the bar changes.
const redraw = 100 * time.Millisecond

func (p *progress) add(n int) {
	p.have += int64(n)
	if now := time.Now(); p.width > 0 && now.Sub(p.drawn) >= redraw {
		p.drawn = now
		fmt.Fprintf(os.Stderr, "\r%s", p.line(now.Sub(p.start)))
	}
}

// line is the bar after a time.
func (p *progress) line(after time.Duration) string {
	speed := float64(p.have) / max(after.Seconds(), 1e-3)
	text := fmt.Sprintf("%s  %s/s", size(float64(p.have)), size(speed))
	if p.total > 0 {
		text = fmt.Sprintf("%3d %%  %s", 100*p.have/p.total, text)
		if room := p.width - len(text) - 6; room >= 10 {
			full := int(int64(room) * p.have / p.total)
			text = "[" + strings.Repeat("#", full) + strings.Repeat(".", room-full) + "] " + text
		}
	}
	return fmt.Sprintf("%-*.*s", p.width-1, p.width-1, text)
}

// clear takes the bar off the screen.
func (p *progress) clear() {
	if !p.drawn.IsZero() {
		fmt.Fprintf(os.Stderr, "\r%*s\r", p.width-1, "")
		p.drawn = time.Time{}
	}
}

// size is a number of bytes in three or four digits.
func size(n float64) string {
	for _, unit := range []string{"B", "KiB", "MiB"} {
		switch {
		case n < 99.5:
			return fmt.Sprintf("%.3g %s", n, unit)
		case n < 1000.5:
			return fmt.Sprintf("%.0f %s", n, unit)
		}
		n /= 1024
	}
	return fmt.Sprintf("%.1f GiB", n)
}
