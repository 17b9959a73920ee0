package tui

import (
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

// The least screen that something can be shown on.
const (
	leastWidth  = 60
	leastHeight = 15
)

type tab int

const (
	workersTab tab = iota
	tasksTab
	logsTab
	tabs
)

var tabNames = [tabs]string{"Workers", "Tasks", "Logs"}

// model is all that is known and shown. Only update changes it.
type model struct {
	options       Options
	palette       *palette
	glyphs        *glyphs
	now           time.Time
	width, height int

	tab     tab
	workers *workersView
	tasks   *tasksView
	logs    *logsView
	details []detail // the last one is shown
	dialog  *dialog  // a question; nil: none
	prompt  *prompt  // a filter is being typed; nil: none
	help    bool

	stats  *api.Stats
	rates  series // tasks that end, a second
	link   link
	again  int // see wants
	notice notice

	acts    []act // to be done, and taken by the loop
	quit    bool
	suspend bool
}

func newModel(options Options, glyphs *glyphs) *model {
	m := &model{options: options, palette: newPalette(options.Plain), glyphs: glyphs, now: options.Now()}
	m.workers, m.tasks, m.logs = newWorkersView(m), newTasksView(m), newLogsView(m)
	return m
}

// update takes one message.
func (m *model) update(now time.Time, message any) {
	m.now = now
	if m.notice.text != "" && now.After(m.notice.until) {
		m.notice = notice{}
	}
	switch got := message.(type) {
	case keyPress:
		m.key(got)
	case click:
		m.click(got)
	case size:
		m.width, m.height = got.width, got.height
	case gotStats:
		m.setStats(got.stats)
	case gotWorkers:
		m.workers.take(got.workers)
	case gotJobs:
		m.tasks.take(got)
	case gotEvents:
		m.logs.take(got)
	case gotLine:
		m.logs.takeLine(got.line)
	case failed:
		m.fail(got)
	case done:
		m.finish(got)
	default:
		if d := m.detail(); d != nil {
			d.take(message)
		}
	}
	m.settle()
}

// settle keeps cursors on the screen.
func (m *model) settle() {
	page := m.body().height - 1
	m.workers.list.settle(page)
	m.tasks.list.settle(page)
	m.logs.list.settle(page)
}

func (m *model) detail() detail {
	if len(m.details) == 0 {
		return nil
	}
	return m.details[len(m.details)-1]
}

// wants is what the feed has to ask for.
func (m *model) wants() wants {
	w := wants{again: m.again, often: m.tab == workersTab}
	switch m.tab {
	case tasksTab:
		w.jobs = m.tasks.want()
	case logsTab:
		w.events = m.logs.want()
	}
	if d := m.detail(); d != nil {
		d.want(&w)
	}
	return w
}
