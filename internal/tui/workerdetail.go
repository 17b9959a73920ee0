package tui

import (
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
)

// workerDetail is all of a worker.
type workerDetail struct {
	m      *model
	worker api.Worker
	whole  bool // its self-test has come
	err    error
	top    int // the first line of the self-test that is shown
}

func newWorkerDetail(m *model, w *api.Worker) *workerDetail { return &workerDetail{m: m, worker: *w} }

func (d *workerDetail) want(w *wants) { w.worker = d.worker.ID }

func (d *workerDetail) take(message any) {
	switch got := message.(type) {
	case gotWorker:
		if got.of == d.worker.ID {
			d.worker, d.whole, d.err = *got.worker, true, nil
		}
	case failed:
		if got.what == aboutWorker {
			d.err = got.err
		}
	}
}

func (d *workerDetail) key(k keyPress) {
	switch k {
	case "d":
		d.m.askDrain(&d.worker)
	case "left", "h":
		d.m.back()
	default:
		d.top = scrolled(d.top, k, len(d.worker.Checks), d.m.detailBox().height/2)
	}
}

// scrolled is where a list of so many lines begins after a key.
func scrolled(top int, k keyPress, lines, page int) int {
	switch k {
	case "up", "k", "wheelup":
		top--
	case "down", "j", "wheeldown":
		top++
	case "pgup":
		top -= page
	case "pgdn":
		top += page
	case "home", "g":
		top = 0
	case "end", "G":
		top = lines
	}
	return max(0, min(top, lines-page))
}

func (d *workerDetail) hints() string { return "Esc back  d drain/resume  arrows scroll" }

func (d *workerDetail) draw(g *grid, box rect) {
	m := d.m
	m.rule(g, box.y, "worker "+d.worker.Name)
	f := d.facts()
	y := box.y + 1 + f.draw(m, g, rect{box.x, box.y + 1, box.width, box.height - 1})
	for _, check := range d.worker.Checks[min(d.top, len(d.worker.Checks)):] {
		if y >= box.y+box.height {
			return
		}
		style, word := m.palette.good, "held   "
		if !check.Held {
			style, word = m.palette.bad, "failed "
		}
		x := g.put(box.x+1, y, box.end(), word, style)
		text := check.Subject + "  " + check.Name
		if check.Why != "" {
			text += ": " + check.Why
		}
		g.put(x+1, y, box.end(), shorten(defuse(text), box.width-10), m.palette.plain)
		y++
	}
}

func (d *workerDetail) facts() (f facts) {
	m, w, plain := d.m, &d.worker, d.m.palette.plain
	if d.err != nil && m.link.err == nil {
		f.add("error", d.err.Error(), m.palette.bad)
	}
	f.add("state", workerState(w), m.ofWorker(w))
	if w.Drain != nil {
		text := "by " + w.Drain.By + ", " + ago(w.Drain.At, m.now)
		if w.Drain.Reason != "" {
			text += ": " + w.Drain.Reason
		}
		f.add("drained", text, m.palette.warning)
		f.add("deadline", when(w.Drain.Deadline, m.now), m.palette.warning)
	}
	f.add("slots", fmt.Sprintf("%d, %d running, %d assigned", w.Slots, w.Running, w.Assigned), plain)
	loadFacts(&f, w, plain)
	if row := m.workers.rows[w.ID]; row != nil {
		f.add("lately", strings.TrimLeft(m.glyphs.spark(row.loads.values, maxSamples, 1), " "), m.palette.note)
	}
	f.add("levels", strings.Join(w.Levels, ", "), plain)
	f.add("limits", strings.Join(w.Limits, ", "), plain)
	f.add("contains", w.Contains, plain)
	f.add("address", w.Address, plain)
	f.add("transport", w.Transport, plain)
	f.add("roundtrip", roundTrip(w), plain)
	f.add("connected", when(w.Since, m.now), plain)
	f.add("seen", when(&w.SeenAt, m.now), plain)
	f.add("version", w.Version, plain)
	f.add("id", w.ID, plain)
	f.add("features", strings.Join(w.Features, ", "), plain)
	if d.whole {
		f.add("self-test", fmt.Sprintf("%d of %d checks held", heldOf(w.Checks), len(w.Checks)), plain)
	}
	return f
}

func heldOf(checks []api.Check) (n int) {
	for _, c := range checks {
		if c.Held {
			n++
		}
	}
	return n
}
