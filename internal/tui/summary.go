package tui

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/client"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// drawSummary is the line of figures, or says that there is no connection.
func (m *model) drawSummary(g *grid) {
	switch {
	case m.link.err != nil:
		m.drawOutage(g)
		return
	case m.stats == nil:
		g.put(1, 1, m.width, "connecting …", m.palette.dim)
		return
	}
	x := 1
	for _, s := range m.sums() {
		if text := s.label + " " + s.figure; x+columns(text) < m.width {
			x = g.put(x, 1, m.width, s.label, m.palette.dim) + 1
			x = g.put(x, 1, m.width, s.figure, s.style) + 2
		}
	}
	if room := min(maxSamples, m.width-x-1); room >= 10 {
		g.put(m.width-1-room, 1, m.width, m.glyphs.spark(m.rates.values, room, 0), m.palette.note)
	}
}

// sum is one of the figures.
type sum struct {
	label, figure string
	style         tcell.Style
}

// sums are the figures, what matters most first.
func (m *model) sums() (all []sum) {
	states := func(always bool, states ...octaskly.State) {
		for _, s := range states {
			if n := m.stats.Tasks[s.String()]; n > 0 || always {
				all = append(all, sum{s.String(), fmt.Sprint(n), m.palette.ofState(s)})
			}
		}
	}
	states(true, octaskly.Queued, octaskly.Running)
	states(false, octaskly.Failed)
	states(true, octaskly.Completed)
	if fleet := m.stats.FleetStats; fleet != nil {
		all = append(all, sum{"rate", rateText(fleet.Rate), m.palette.plain},
			sum{"slots", fmt.Sprintf("%d/%d", fleet.Busy, fleet.Slots), m.palette.plain},
			sum{"workers", fmt.Sprint(fleet.Workers), m.palette.plain})
	}
	states(false, octaskly.TimedOut, octaskly.Cancelled, octaskly.Assigned)
	return all
}

// drawOutage says why there is no connection, and when it is tried again.
func (m *model) drawOutage(g *grid) {
	left := max(0, int((m.link.again.Sub(m.now)+time.Second-1)/time.Second))
	again := fmt.Sprintf("; trying again in %d s", left)
	text := shorten(defuse("not connected: "+outageText(m.link.err)), m.width-2-columns(again)) + again
	g.put(1, 1, m.width, pad(text, m.width-2, false), m.palette.bad.Reverse(true))
}

// outageText leaves out where the dispatcher was sought: that stands in the corner.
func outageText(err error) string {
	if unreachable, ok := errors.AsType[*client.Unreachable](err); ok && !client.Distrusted(unreachable.Err) {
		if errno, ok := errors.AsType[syscall.Errno](unreachable.Err); ok {
			return errno.Error()
		}
		return unreachable.Err.Error()
	}
	return err.Error()
}
