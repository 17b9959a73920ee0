package tui

import (
	"strconv"
	"strings"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// Of the jobs, the dispatcher is asked for a page; it grows when the cursor comes
// to its end.
const (
	firstPage = 200
	lastPage  = api.MaxLimit
)

// tasksView is the tab Tasks.
type tasksView struct {
	m      *model
	list   listing[*api.Job]
	filter filter
	all    bool // also those that ended long ago
	limit  int
	known  bool
	err    error
}

var taskKeys = []string{"state", "owner", "worker", "name", "id"}

func newTasksView(m *model) *tasksView {
	v := &tasksView{m: m, limit: firstPage}
	v.list = listing[*api.Job]{columns: v.columns(), id: func(j *api.Job) string { return j.ID }, keep: v.keeps, sort: -1}
	return v
}

// want is the page to ask for. What the dispatcher can filter by, it does: it finds
// what is not on a page of all.
func (v *tasksView) want() jobsWant {
	w := jobsWant{wanted: true, all: v.all, limit: v.limit, owner: v.filter.value("owner")}
	if state, err := octaskly.ParseState(v.filter.value("state")); err == nil {
		w.state = state.String()
	}
	if id := v.filter.value("id"); id != "" {
		if _, err := api.ParseSelection(id); err == nil {
			w.id = id
		}
	}
	return w
}

func (v *tasksView) take(got gotJobs) {
	if got.of != v.want() {
		return
	}
	v.known, v.err = true, nil
	rows := make([]*api.Job, len(got.jobs))
	for i := range got.jobs {
		rows[i] = &got.jobs[i]
	}
	v.list.set(rows)
}

func (v *tasksView) keeps(j *api.Job) bool {
	return v.filter.matches(func() string {
		return strings.ToLower(strings.Join([]string{j.ID, j.Name, j.State.String(), j.Owner, j.Worker, string(j.Reason), commandText(j.Command)}, "\x00"))
	}, func(key, value string) bool {
		switch key {
		case "state":
			return strings.HasPrefix(j.State.String(), value) || j.Counts[value] > 0
		case "owner":
			return strings.HasPrefix(strings.ToLower(j.Owner), value)
		case "worker":
			return strings.Contains(strings.ToLower(j.Worker), value)
		case "name":
			return strings.Contains(strings.ToLower(j.Name), value)
		}
		return v.want().id != "" || strings.HasPrefix(j.ID, value)
	})
}

func (v *tasksView) setFilter(text string) {
	v.filter = parseFilter(text, taskKeys...)
	v.limit = firstPage
	v.list.refresh()
}

func (v *tasksView) filterText() string { return v.filter.text }

func (v *tasksView) key(k keyPress) {
	if v.list.move(string(k), v.m.body().height-1) {
		if v.list.cursor == len(v.list.rows)-1 && len(v.list.all) >= v.limit {
			v.limit = min(2*v.limit, lastPage)
		}
		return
	}
	if k == "a" {
		v.all, v.limit = !v.all, firstPage
		v.m.say(map[bool]string{true: "all jobs that are kept", false: "jobs that are not over, and the last that ended"}[v.all], false)
		return
	}
	if v.m.listKey(k, v.list.resort, v.list.reverse) {
		return
	}
	row, ok := v.list.current()
	if !ok {
		return
	}
	switch k {
	case "enter", "right", "l", "f":
		v.m.open(newTaskDetail(v.m, (*row).ID, *row))
	case "c":
		v.m.askCancel(*row)
	case "r":
		v.m.askRetry(*row)
	}
}

func (v *tasksView) click(row int) {
	if at := v.list.top + row - 1; row > 0 && at < len(v.list.rows) {
		if at == v.list.cursor {
			v.key("enter")
			return
		}
		v.list.cursor, v.list.moved = at, true
	}
}

func (v *tasksView) wheel(step int) { v.key(keyPress(wheelKey(step))) }

func (v *tasksView) hints() string {
	return v.more() + "Enter open  f output  c cancel  r retry  s sort  / filter"
}

func (v *tasksView) draw(g *grid, box rect) {
	v.list.draw(v.m, g, box, true)
	v.m.drawEmpty(g, box, len(v.list.rows), v.known, v.err, &v.filter, "nothing is queued, and nothing has ended lately; a shows all")
}

// more says where the list is not all, and even its end is no help.
func (v *tasksView) more() string {
	if v.limit < lastPage || len(v.list.all) < lastPage {
		return ""
	}
	return "the latest " + strconv.Itoa(lastPage) + ", see / state:failed or id:42  "
}
