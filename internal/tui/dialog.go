package tui

import (
	"fmt"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
)

// dialog is a question. Nothing but y is yes.
type dialog struct {
	lines []string
	yes   func()
}

func (m *model) answer(k keyPress) {
	d := m.dialog
	switch k {
	case "y", "Y":
		m.dialog = nil
		d.yes()
	case "n", "N", "esc", "q", "enter":
		m.dialog = nil
	}
}

// ask puts a question before an act.
func (m *model) ask(a act, lines ...string) {
	m.dialog = &dialog{lines: lines, yes: func() { m.acts = append(m.acts, a) }}
}

func nameOf(id, name string) string {
	if name == "" {
		return "task " + id
	}
	return "task " + id + " (" + name + ")"
}

func (m *model) askCancel(j *api.Job) {
	a := act{verb: "cancel", target: j.ID, name: nameOf(j.ID, j.Name)}
	left := j.Tasks - endedOf(j)
	if j.State.Terminal() {
		m.say(a.name+" is already over ("+j.State.String()+")", true)
		return
	}
	lines := []string{"Cancel " + a.name + "?"}
	if j.Tasks > 1 {
		lines = append(lines, fmt.Sprintf("%s of %d are not over.", count(left, "task"), j.Tasks))
	}
	m.ask(a, lines...)
}

func (m *model) askRetry(j *api.Job) {
	a := act{verb: "retry", target: j.ID, name: nameOf(j.ID, j.Name)}
	again := endedOf(j) - j.Counts["completed"]
	if again == 0 {
		m.say(a.name+" has nothing to retry: nothing of it ended without completing", true)
		return
	}
	m.ask(a, "Retry "+a.name+"?", count(again, "task")+" that did not complete will run again.")
}

// askDrain is about resuming where a worker is drained.
func (m *model) askDrain(w *api.Worker) {
	a := act{verb: "drain", target: w.ID, name: "worker " + w.Name}
	if w.Drain != nil {
		a.verb = "resume"
		m.ask(a, "Resume "+a.name+"?", "It gets tasks again.")
		return
	}
	lines := []string{"Drain " + a.name + "?", "It gets no new tasks, until it is resumed."}
	if w.Running > 0 {
		lines = append(lines, "What runs there goes on: "+count(w.Running, "task")+".")
	}
	if w.Assigned > 0 {
		lines = append(lines, "What has not started goes back to the queue: "+count(w.Assigned, "task")+".")
	}
	m.ask(a, lines...)
}

// drawBox shows a box in the middle.
func (m *model) drawBox(g *grid, lines []string, foot string) {
	width := columns(foot)
	for _, line := range lines {
		width = max(width, columns(defuse(line)))
	}
	width = min(width+4, m.width)
	height := min(len(lines)+4, m.height)
	box := rect{(m.width - width) / 2, (m.height - height) / 2, width, height}
	side := m.glyphs.side + strings.Repeat(" ", width-2) + m.glyphs.side
	for y := range height {
		text := side
		if y == 0 || y == height-1 {
			text = strings.Repeat(m.glyphs.rule, width)
		}
		g.put(box.x, box.y+y, box.end(), text, m.palette.strong)
	}
	for i, line := range lines[:max(0, height-4)] {
		g.put(box.x+2, box.y+1+i, box.end()-2, shorten(defuse(line), width-4), m.palette.plain)
	}
	g.put(box.x+2, box.y+box.height-2, box.end()-2, foot, m.palette.strong)
}
