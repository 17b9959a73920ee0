package tui

import "fmt"

// output is the end of what a task has written, on the screen.
type output struct {
	m         *model
	scroll    scroll
	discarded int64 // bytes that are not kept
	over      bool
	err       error
	turn      int // how often it was begun with anew
	following bool
	top, left int
}

func (o *output) take(got gotOutput) {
	if got.anew {
		o.scroll, o.top = scroll{}, 0
	}
	before := o.scroll.dropped
	o.scroll.add(got.lines)
	o.scroll.open = got.open
	o.discarded, o.over, o.err = got.discarded, got.over, nil
	o.top = max(0, o.top-(o.scroll.dropped-before)) // what is looked at stays where it is
}

func (o *output) key(k keyPress, page int) {
	switch k {
	case "f":
		o.following = !o.following
	case "left", "h":
		o.left = max(0, o.left-8)
	case "right", "l":
		o.left = min(maxLineBytes, o.left+8)
	case "up", "k", "wheelup", "pgup", "home", "g", "down", "j", "wheeldown", "pgdn", "end", "G":
		o.top = scrolled(o.begin(page), k, o.scroll.count(), page)
		o.following = o.top >= o.scroll.count()-page
	}
}

// begin is the first line that is shown.
func (o *output) begin(page int) int {
	last := max(0, o.scroll.count()-page)
	if o.following {
		return last
	}
	return min(o.top, last)
}

func (o *output) title() string {
	text := "output"
	switch {
	case o.err != nil:
		text += ": " + o.err.Error()
	case o.following && !o.over:
		text += ", following"
	}
	if o.scroll.dropped > 0 {
		text += fmt.Sprintf(", the last %s", count(len(o.scroll.lines), "line"))
	}
	if o.discarded > 0 {
		text += ", " + sizeText(o.discarded) + " are missing"
	}
	if o.left > 0 {
		text += fmt.Sprintf(", from column %d on", o.left+1)
	}
	return text
}

func (o *output) draw(g *grid, box rect) {
	begin := o.begin(box.height)
	for i := range min(box.height, o.scroll.count()-begin) {
		drawLine(g, box.x, box.y+i, box.end(), o.left, o.scroll.line(begin+i), o.m.palette.colours)
	}
	if o.scroll.count() == 0 && o.err == nil {
		text := "nothing yet"
		if o.over {
			text = "it has written nothing"
		}
		g.put(box.x+1, box.y, box.end(), text, o.m.palette.dim)
	}
}
