package tui

import "strings"

// prompt is the line that a filter is typed in.
type prompt struct{ text, before string }

func (m *model) typed(k keyPress) {
	p := m.prompt
	switch k {
	case "enter":
		m.prompt = nil
		return
	case "esc":
		m.prompt = nil
		m.view().setFilter(p.before)
		return
	case "backspace":
		for last := len(p.text); last > 0; {
			_, _, rest := cluster(p.text[len(p.text)-last:])
			if rest == "" {
				p.text = p.text[:len(p.text)-last]
				break
			}
			last = len(rest)
		}
	case "ctrl-u":
		p.text = ""
	case "ctrl-w":
		p.text = strings.TrimRight(p.text, " ")
		p.text = p.text[:strings.LastIndex(p.text, " ")+1]
	case "up", "down", "pgup", "pgdn":
		m.view().key(k)
		return
	default:
		if text := string(k); columns(text) > 0 && !isNamed(k) && len(p.text) < maxFilter {
			p.text += defuse(text)
		}
	}
	m.view().setFilter(p.text)
}

// maxFilter bounds what is typed, in bytes.
const maxFilter = 200

func isNamed(k keyPress) bool {
	for _, name := range keyNames {
		if name == k && len(k) > 1 {
			return true
		}
	}
	return false
}
