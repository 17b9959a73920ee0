package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

const elementsPage = 200

// elements are a page of those elements of an array that have left the queue.
type elements struct {
	m     *model
	job   string
	list  listing[*api.Element]
	state octaskly.State // only those; 0: all
	froms []int64        // where the pages before this one begin
	from  int64
	known bool
	err   error
}

func newElements(m *model, job string) *elements {
	e := &elements{m: m, job: job}
	text := func(f func(*api.Element) string) func(*api.Element, int) (string, tcell.Style) {
		return func(el *api.Element, _ int) (string, tcell.Style) { return f(el), m.palette.plain }
	}
	e.list = listing[*api.Element]{
		id: func(el *api.Element) string { return el.ID }, sort: -1, moved: true,
		columns: []column[*api.Element]{
			{title: "ELEMENT", right: true, cell: text(func(el *api.Element) string { return el.ID })},
			{title: "STATE", cell: func(el *api.Element, _ int) (string, tcell.Style) {
				return el.State.String(), m.palette.ofState(el.State)
			}},
			{title: "RESULT", cell: text(func(el *api.Element) string { return resultText(el.State, el.Reason, el.Exit) })},
			{title: "ATTEMPT", right: true, rank: 2, cell: text(func(el *api.Element) string { return strconv.Itoa(el.Attempt) })},
			{title: "WORKER", rank: 1, cell: text(func(el *api.Element) string { return el.Worker })},
			{title: "", flex: true, rank: 3, cell: text(func(el *api.Element) string { return el.Detail })},
		},
	}
	return e
}

func (e *elements) want() elementsWant {
	return elementsWant{job: e.job, from: e.from, limit: elementsPage, state: e.state}
}

func (e *elements) take(got gotElements) {
	if got.of != e.want() {
		return
	}
	e.known, e.err = true, nil
	rows := make([]*api.Element, len(got.elements))
	for i := range got.elements {
		rows[i] = &got.elements[i]
	}
	e.list.set(rows)
}

// elementStates are shown one after the other by x.
var elementStates = []octaskly.State{0, octaskly.Running, octaskly.Failed, octaskly.TimedOut, octaskly.Completed, octaskly.Cancelled}

func (e *elements) key(k keyPress, page int) {
	at := e.list.cursor
	switch {
	case e.list.move(string(k), page):
		if e.list.cursor == at {
			e.turnPage(k)
		}
	case k == "x":
		next := (slices.Index(elementStates, e.state) + 1) % len(elementStates)
		e.state, e.from, e.froms = elementStates[next], 0, nil
		e.list.set(nil)
		e.known = false
	case k == "left" || k == "h":
		e.m.back()
	case k == "enter" || k == "right" || k == "l":
		if el, ok := e.list.current(); ok {
			e.m.open(newTaskDetail(e.m, (*el).ID, nil))
		}
	}
}

// turnPage goes on where the cursor cannot.
func (e *elements) turnPage(k keyPress) {
	switch k {
	case "down", "j", "pgdn", "wheeldown":
		row, ok := e.list.current()
		if !ok || len(e.list.rows) < elementsPage {
			return
		}
		_, index, _ := strings.Cut((*row).ID, ".")
		last, err := strconv.ParseInt(index, 10, 64)
		if err != nil {
			return
		}
		e.froms, e.from = append(e.froms, e.from), last+1
	case "up", "k", "pgup", "wheelup":
		n := len(e.froms)
		if n == 0 {
			return
		}
		e.from, e.froms = e.froms[n-1], e.froms[:n-1]
	}
	e.list.cursor, e.list.top = 0, 0
}

func (e *elements) title() string {
	text := "elements that have left the queue"
	if e.state != 0 {
		text += ", " + e.state.String()
	}
	if e.from > 0 {
		text += fmt.Sprintf(", from %d on", e.from)
	}
	return text
}

func (e *elements) draw(g *grid, box rect) {
	e.list.settle(box.height - 1)
	e.list.draw(e.m, g, box, true)
	e.m.drawEmpty(g, box, len(e.list.rows), e.known, e.err, &filter{}, "none")
}
