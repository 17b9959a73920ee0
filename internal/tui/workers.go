package tui

import (
	"cmp"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
)

// workersView is the tab Workers.
type workersView struct {
	m      *model
	list   listing[*workerRow]
	filter filter
	rows   map[string]*workerRow // by id
	known  bool                  // the list has come
	err    error
}

// workerRow is a worker with what it did in the last minutes.
type workerRow struct {
	api.Worker
	loads series
}

var workerKeys = []string{"state", "level", "transport", "name"}

func newWorkersView(m *model) *workersView {
	v := &workersView{m: m, rows: map[string]*workerRow{}}
	v.list = listing[*workerRow]{
		columns: v.columns(), id: func(w *workerRow) string { return w.ID }, keep: v.keeps,
	}
	return v
}

// take takes a new list over. Workers that are not in it any more are forgotten.
func (v *workersView) take(workers []api.Worker) {
	v.known, v.err = true, nil
	rows, all := make(map[string]*workerRow, len(workers)), make([]*workerRow, 0, len(workers))
	for _, w := range workers {
		row := v.rows[w.ID]
		if row == nil {
			row = &workerRow{}
		}
		row.Worker = w
		row.loads.add(v.m.now, loadOf(&row.Worker))
		rows[w.ID], all = row, append(all, row)
	}
	v.rows = rows
	v.list.set(all)
}

// named is the worker of that name in lower case; "": there is none.
func (v *workersView) named(name string) string {
	for _, w := range v.rows {
		if strings.ToLower(w.Name) == name {
			return w.Name
		}
	}
	return ""
}

func (v *workersView) keeps(w *workerRow) bool {
	return v.filter.matches(func() string {
		return strings.ToLower(strings.Join([]string{w.Name, w.ID, workerState(&w.Worker), w.Address, w.Version, w.Transport, strings.Join(w.Levels, " ")}, "\x00"))
	}, func(key, value string) bool {
		switch key {
		case "state":
			return strings.Contains(workerState(&w.Worker), value)
		case "level":
			return strictest(w.Levels) == value
		case "transport":
			return w.Transport == value
		}
		return strings.Contains(strings.ToLower(w.Name), value)
	})
}

func (v *workersView) setFilter(text string) {
	v.filter = parseFilter(text, workerKeys...)
	v.list.refresh()
}

func (v *workersView) filterText() string { return v.filter.text }

func (v *workersView) key(k keyPress) {
	if v.list.move(string(k), v.m.body().height-1) || v.m.listKey(k, v.list.resort, v.list.reverse) {
		return
	}
	row, ok := v.list.current()
	if !ok {
		return
	}
	switch k {
	case "enter", "right", "l":
		v.m.open(newWorkerDetail(v.m, &(*row).Worker))
	case "d":
		v.m.askDrain(&(*row).Worker)
	}
}

func (v *workersView) click(row int) {
	if at := v.list.top + row - 1; row > 0 && at < len(v.list.rows) {
		if at == v.list.cursor {
			v.key("enter")
			return
		}
		v.list.cursor, v.list.moved = at, true
	}
}

func (v *workersView) wheel(step int) { v.list.move(wheelKey(step), 1) }

func (v *workersView) hints() string { return "Enter open  d drain/resume  s sort  / filter" }

func (v *workersView) draw(g *grid, box rect) {
	v.list.draw(v.m, g, box, true)
	v.m.drawEmpty(g, box, len(v.list.rows), v.known, v.err, &v.filter, "there are no workers: start one with octasklyd worker")
}

func (v *workersView) columns() []column[*workerRow] {
	p := func() *palette { return v.m.palette }
	text := func(f func(*workerRow) string) func(*workerRow, int) (string, tcell.Style) {
		return func(w *workerRow, _ int) (string, tcell.Style) { return f(w), p().plain }
	}
	return []column[*workerRow]{
		{title: "NAME", flex: true, cell: text(func(w *workerRow) string { return w.Name }),
			order: func(a, b *workerRow) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) }},
		{title: "STATE", most: 20, cell: func(w *workerRow, _ int) (string, tcell.Style) {
			return workerState(&w.Worker), v.m.ofWorker(&w.Worker)
		}, order: func(a, b *workerRow) int { return cmp.Compare(workerState(&a.Worker), workerState(&b.Worker)) }},
		{title: "LEVEL", rank: 5, cell: text(func(w *workerRow) string { return strictest(w.Levels) }),
			order: func(a, b *workerRow) int { return cmp.Compare(len(a.Levels), len(b.Levels)) }},
		{title: "BUSY", right: true, cell: text(func(w *workerRow) string { return busyText(&w.Worker) }), order: func(a, b *workerRow) int { return cmp.Compare(busy(&b.Worker), busy(&a.Worker)) }},
		{title: "LOAD", right: true, rank: 1, cell: text(func(w *workerRow) string { return loadText(&w.Worker) }),
			order: func(a, b *workerRow) int { return cmp.Compare(loadOf(&b.Worker), loadOf(&a.Worker)) }},
		{title: "CPU", right: true, rank: 4, cell: text(func(w *workerRow) string { return cpuText(&w.Worker) }),
			order: func(a, b *workerRow) int {
				return cmp.Or(cmp.Compare(b.CPUsUsed, a.CPUsUsed), cmp.Compare(b.CPUs, a.CPUs))
			}},
		{title: "MEMORY", right: true, rank: 3, cell: text(func(w *workerRow) string { return memoryText(&w.Worker) }),
			order: func(a, b *workerRow) int {
				return cmp.Or(cmp.Compare(b.MemoryUsed, a.MemoryUsed), cmp.Compare(b.Memory, a.Memory))
			}},
		{title: "VIA", rank: 6, cell: text(func(w *workerRow) string { return w.Transport }),
			order: func(a, b *workerRow) int { return cmp.Compare(a.Transport, b.Transport) }},
		{title: "LAST MINUTES", width: 12, rank: 2, cell: func(w *workerRow, width int) (string, tcell.Style) {
			return v.m.glyphs.spark(w.loads.values, max(width, 1), 1), p().note
		}},
		{title: "SEEN", right: true, rank: 7, cell: text(func(w *workerRow) string {
			if w.State == connected {
				return "now"
			}
			return ago(w.SeenAt, v.m.now)
		})},
	}
}

// ofWorker says at a glance how it is.
func (m *model) ofWorker(w *api.Worker) tcell.Style {
	switch {
	case w.State == "lost":
		return m.palette.bad
	case w.State != connected || w.Drain != nil:
		return m.palette.warning
	}
	return m.palette.good
}
