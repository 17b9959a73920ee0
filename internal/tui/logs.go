package tui

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/octaskly/octaskly/internal/api"
)

// maxEvents bounds what the tab Logs keeps.
const maxEvents = 2000

// logsView is the tab Logs: what happens, and the lines of a daemon's own log.
type logsView struct {
	m      *model
	list   listing[*logRow]
	filter filter
	least  int // level that is shown
	asked  eventsWant
	last   int64 // number of the latest row
	tail   bool  // the cursor stays with the latest
	known  bool
	err    error
}

var logKeys = []string{"level", "task", "worker", "kind"}

func newLogsView(m *model) *logsView {
	v := &logsView{m: m, tail: true, asked: eventsWant{wanted: true}}
	v.list = listing[*logRow]{
		columns: v.columns(), id: func(r *logRow) string { return strconv.FormatInt(r.number, 10) },
		keep: v.keeps, sort: -1, moved: true,
	}
	return v
}

// want is what the dispatcher filters: a task, and a worker that there is. While
// somebody types, it is left as it was.
func (v *logsView) want() eventsWant {
	if v.m.prompt != nil {
		return v.asked
	}
	v.asked = eventsWant{wanted: true}
	if task := v.filter.value("task"); task != "" {
		if _, err := api.ParseSelection(task); err == nil {
			v.asked.task = task
		}
	}
	if name := v.filter.value("worker"); name != "" {
		v.asked.worker = v.m.workers.named(name)
	}
	return v.asked
}

func (v *logsView) take(got gotEvents) {
	if got.of != v.want() {
		return
	}
	v.known, v.err = true, nil
	rows := v.list.all
	if got.anew {
		rows = slices.DeleteFunc(rows, func(r *logRow) bool { return r.event != nil })
	}
	lines := len(rows)
	for i := range got.events {
		rows = append(rows, v.row(logRow{
			at: got.events[i].At, level: levelOf(&got.events[i]), event: &got.events[i],
			kind: got.events[i].Kind, text: eventWords(&got.events[i]),
		}))
	}
	if got.anew && lines > 0 { // from then on, what comes later stands below
		slices.SortStableFunc(rows, func(a, b *logRow) int { return a.at.Compare(b.at) })
	}
	v.keep(rows)
}

func (v *logsView) takeLine(l Line) {
	v.keep(append(v.list.all, v.row(logRow{at: l.At, level: max(0, slices.Index(levels, l.Level)), kind: "log", text: l.Text})))
}

func (v *logsView) setFilter(text string) {
	v.filter = parseFilter(text, logKeys...)
	v.list.refresh()
	v.follow()
}

func (v *logsView) filterText() string { return v.filter.text }

func (v *logsView) key(k keyPress) {
	switch {
	case v.list.move(string(k), v.m.body().height-1):
		v.tail = v.list.cursor >= len(v.list.rows)-1
	case k == "f":
		v.tail = !v.tail
		v.follow()
	case k == "v":
		v.least = (v.least + 1) % len(levels)
		v.m.say("from level "+levels[v.least]+" on", false)
		v.list.refresh()
		v.follow()
	case k == "enter" || k == "right" || k == "l":
		if row, ok := v.list.current(); ok && (*row).event != nil {
			v.m.openEvent((*row).event)
		}
	default:
		v.m.listKey(k, nil, nil)
	}
}

// openEvent shows what an event is about.
func (m *model) openEvent(e *api.Event) {
	switch id := cmp.Or(e.Task, e.Job); {
	case id != "":
		m.open(newTaskDetail(m, id, nil))
	case e.WorkerID != "":
		m.open(newWorkerDetail(m, &api.Worker{ID: e.WorkerID, Name: e.Worker}))
	}
}

func (v *logsView) click(row int) {
	if at := v.list.top + row - 1; row > 0 && at < len(v.list.rows) {
		v.list.cursor, v.tail = at, false
	}
}

func (v *logsView) wheel(step int) { v.key(keyPress(wheelKey(step))) }

func (v *logsView) hints() string { return "Enter open  f follow  v level  / filter" }

func (v *logsView) draw(g *grid, box rect) {
	v.list.draw(v.m, g, box, true)
	v.m.drawEmpty(g, box, len(v.list.rows), v.known, v.err, &v.filter, "nothing has happened yet")
}
