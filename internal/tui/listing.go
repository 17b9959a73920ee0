package tui

import "slices"

// listing is a list with a cursor, sorted and filtered.
type listing[T any] struct {
	columns []column[T]
	id      func(T) string
	keep    func(T) bool // by the filter; nil: all

	all  []T // as it came
	rows []T // what is shown

	sort   int  // the column; -1: as it came
	back   bool // the other way round
	cursor int
	top    int  // the first row on the screen
	moved  bool // the cursor stays with its row, not at the top
}

// set takes a new list; the cursor stays with its row.
func (l *listing[T]) set(all []T) {
	l.all = all
	l.refresh()
}

// refresh filters and sorts again.
func (l *listing[T]) refresh() {
	id, had := "", false
	if row, ok := l.current(); ok {
		id, had = l.id(*row), true
	}
	l.rows = make([]T, 0, len(l.all))
	for _, row := range l.all {
		if l.keep == nil || l.keep(row) {
			l.rows = append(l.rows, row)
		}
	}
	if l.sort >= 0 && l.columns[l.sort].order != nil {
		order := l.columns[l.sort].order
		slices.SortStableFunc(l.rows, func(a, b T) int {
			if l.back {
				a, b = b, a
			}
			return order(a, b)
		})
	}
	switch {
	case !l.moved:
		l.cursor = 0
	case had:
		if at := slices.IndexFunc(l.rows, func(row T) bool { return l.id(row) == id }); at >= 0 {
			l.top, l.cursor = l.top+at-l.cursor, at // the row stays where it is on the screen
		}
	}
	l.clamp()
}

func (l *listing[T]) clamp() { l.cursor = max(0, min(l.cursor, len(l.rows)-1)) }

func (l *listing[T]) current() (*T, bool) {
	if l.cursor < 0 || l.cursor >= len(l.rows) {
		return nil, false
	}
	return &l.rows[l.cursor], true
}

// move is what a key does to the cursor, with so many rows on the screen.
func (l *listing[T]) move(key string, page int) bool {
	page = max(1, page)
	switch key {
	case "up", "k", "wheelup":
		l.cursor--
	case "down", "j", "wheeldown":
		l.cursor++
	case "pgup":
		l.cursor -= page
	case "pgdn":
		l.cursor += page
	case "home", "g":
		l.cursor = 0
	case "end", "G":
		l.cursor = len(l.rows) - 1
	default:
		return false
	}
	l.clamp()
	l.moved = l.cursor > 0
	return true
}

// resort goes on to the next column that can be sorted by.
func (l *listing[T]) resort() string {
	for range l.columns {
		l.sort = (l.sort + 1) % len(l.columns)
		if l.columns[l.sort].order != nil {
			break
		}
	}
	l.back = false
	l.refresh()
	return l.columns[l.sort].title
}

func (l *listing[T]) reverse() {
	l.back = !l.back
	l.refresh()
}

// visible are the rows that so many lines show, with the cursor among them.
func (l *listing[T]) visible(page int) (top int, rows []T) {
	page = max(1, page)
	top = min(max(0, l.top), max(0, len(l.rows)-page))
	top = max(min(top, l.cursor), l.cursor-page+1, 0)
	return top, l.rows[top:min(len(l.rows), top+page)]
}

// settle remembers where the screen begins.
func (l *listing[T]) settle(page int) { l.top, _ = l.visible(page) }
