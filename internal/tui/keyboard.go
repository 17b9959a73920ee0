package tui

// key gives a key to whoever has the keyboard.
func (m *model) key(k keyPress) {
	switch {
	case k == "ctrl-c":
		m.quit = true
	case k == "ctrl-z" && m.options.Quit != "":
		m.say("ctrl-z would stop more than this screen; q asks: "+m.options.Quit, true)
	case k == "ctrl-z":
		m.suspend = true
	case m.tooSmall():
		m.quit = m.quit || k == "q" && m.options.Quit == "" // nothing else that nobody sees
	case m.dialog != nil:
		m.answer(k)
	case m.prompt != nil:
		m.typed(k)
	case m.help:
		m.help = false
	case m.always(k):
	case m.detail() != nil:
		m.detail().key(k)
	default:
		m.view().key(k)
	}
}

// always are the keys that mean the same everywhere.
func (m *model) always(k keyPress) bool {
	switch k {
	case "?":
		m.help = true
	case "q":
		m.leave()
	case "tab", "backtab":
		step := tab(1)
		if k == "backtab" {
			step = tabs - 1
		}
		m.turn((m.tab + step) % tabs)
	case "1", "2", "3":
		m.turn(tab(k[0] - '1'))
	case "esc":
		m.back()
	default:
		return false
	}
	return true
}

func (m *model) leave() {
	if m.options.Quit == "" {
		m.quit = true
		return
	}
	m.dialog = &dialog{lines: []string{m.options.Quit}, yes: func() { m.quit = true }}
}

func (m *model) turn(to tab) {
	m.tab, m.details = to, nil
}

// back closes what was opened last, or else forgets the filter.
func (m *model) back() {
	if n := len(m.details); n > 0 {
		m.details = m.details[:n-1]
		return
	}
	m.view().setFilter("")
}

// view is a tab.
type view interface {
	key(keyPress)
	draw(*grid, rect)
	setFilter(string)
	filterText() string
	hints() string
	click(row int) // of the box, where that is a row
	wheel(step int)
}

func (m *model) view() view {
	switch m.tab {
	case workersTab:
		return m.workers
	case tasksTab:
		return m.tasks
	}
	return m.logs
}

// open shows all of one thing.
func (m *model) open(d detail) { m.details = append(m.details, d) }
