package main

import "slices"

// narrow takes columns away that the reader can spare best, one by one, until the
// rest goes into the width of the terminal.
func (t *table) narrow(spare ...string) {
	for _, name := range spare {
		if t.width == 0 || t.least() <= t.width {
			return
		}
		at := slices.Index(t.rows[0], name)
		if at < 0 || at == t.give {
			continue
		}
		for i, row := range t.rows {
			t.rows[i] = slices.Delete(row, at, at+1)
		}
		if at < t.give {
			t.give--
		}
	}
}

// least is the width of the table when the column that gives way has done so.
func (t *table) least() int {
	total := gap * (len(t.rows[0]) - 1)
	for at, name := range t.rows[0] {
		width := columns(name)
		for _, row := range t.rows[1:] {
			width = max(width, columns(row[at]))
		}
		if at == t.give {
			width = min(width, minGiven)
		}
		total += width
	}
	return total
}
