package tui

import (
	"github.com/octaskly/octaskly/internal/api"
)

// taskDetail is all of a job or an element: facts, and below its output, or of an
// array its elements.
type taskDetail struct {
	m        *model
	id       string
	job      *api.Job    // from the list; nil: not known
	detail   *api.Detail // nil: it has not come yet
	err      error
	output   output
	elements *elements // nil: it is no array, or nobody knows yet
}

func newTaskDetail(m *model, id string, job *api.Job) *taskDetail {
	d := &taskDetail{m: m, id: id, job: job, output: output{m: m, following: true}}
	if job != nil {
		d.elements = elementsFor(m, job)
	}
	return d
}

// elementsFor are nil for what is no array, or one element of it.
func elementsFor(m *model, j *api.Job) *elements {
	if j.Array == "" {
		return nil
	}
	return newElements(m, j.ID)
}

func (d *taskDetail) want(w *wants) {
	w.task = d.id
	switch {
	case d.elements != nil:
		w.elements = d.elements.want()
	case d.detail != nil:
		w.output = outputWant{d.id, d.output.turn}
	}
}

func (d *taskDetail) take(message any) {
	switch got := message.(type) {
	case gotDetail:
		if got.of == d.id {
			d.set(got.detail)
		}
	case gotElements:
		if d.elements != nil {
			d.elements.take(got)
		}
	case gotOutput:
		if got.of == (outputWant{d.id, d.output.turn}) {
			d.output.take(got)
		}
	case failed:
		d.fail(got)
	}
}

func (d *taskDetail) set(detail *api.Detail) {
	d.detail, d.job, d.err = detail, &detail.Job, nil
	if d.elements == nil {
		d.elements = elementsFor(d.m, d.job)
	}
	if d.output.over && !detail.State.Terminal() { // it runs again
		d.output.turn++
		d.output.over = false
	}
}

func (d *taskDetail) fail(f failed) {
	switch f.what {
	case aboutTask:
		d.err = f.err
	case aboutOutput:
		d.output.err = f.err
	case aboutElements:
		if d.elements != nil {
			d.elements.err = f.err
		}
	}
}

func (d *taskDetail) key(k keyPress) {
	switch {
	case k == "c" && d.job != nil:
		d.m.askCancel(d.named())
	case k == "r" && d.job != nil:
		d.m.askRetry(d.named())
	case d.elements != nil:
		d.elements.key(k, d.lower().height-1)
	default:
		d.output.key(k, d.lower().height)
	}
}

// named is the job as what acts are about: an element by its own id.
func (d *taskDetail) named() *api.Job {
	j := *d.job
	j.ID = d.id
	return &j
}

func (d *taskDetail) hints() string {
	if d.elements != nil {
		return "Esc back  Enter element  x which  c cancel  r retry"
	}
	return "Esc back  f follow  arrows scroll  c cancel  r retry"
}

// factsRoom is the most lines that the facts take.
func factsRoom(box rect) int { return max(1, (box.height-2)*3/5) }

// lower is the part below the facts.
func (d *taskDetail) lower() rect {
	box := d.m.detailBox()
	n := d.facts().lines(d.m, box.width, factsRoom(box))
	return rect{box.x, box.y + 2 + n, box.width, max(0, box.height-2-n)}
}

func (d *taskDetail) draw(g *grid, box rect) {
	m := d.m
	title := "task " + d.id
	if d.job != nil {
		title = nameOf(d.id, d.job.Name)
	}
	m.rule(g, box.y, title)
	n := d.facts().draw(m, g, rect{box.x, box.y + 1, box.width, factsRoom(box)})
	lower := rect{box.x, box.y + 2 + n, box.width, box.height - 2 - n}
	if d.elements != nil {
		m.rule(g, lower.y-1, d.elements.title())
		d.elements.draw(g, lower)
		return
	}
	m.rule(g, lower.y-1, d.output.title())
	d.output.draw(g, lower)
}
