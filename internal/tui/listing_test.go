package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func numbers(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("%04d", i))
	}
	return all
}

func aListing() *listing[string] {
	cell := func(s string, _ int) (string, tcell.Style) { return s, tcell.StyleDefault }
	return &listing[string]{id: func(s string) string { return s }, sort: -1, columns: []column[string]{
		{title: "A", cell: cell, order: cmp.Compare[string]},
		{title: "B", cell: cell, rank: 1, right: true},
		{title: "C", cell: cell, flex: true},
	}}
}

func TestCursorStaysWithItsRow(t *testing.T) {
	l := aListing()
	l.set(numbers(100, 200))
	if l.set(numbers(90, 200)); l.rows[l.cursor] != "0090" {
		t.Errorf("who has not moved sees %s first", l.rows[l.cursor])
	}
	for range 5 {
		l.move("down", 10)
	}
	l.settle(10)
	at, top := l.rows[l.cursor], l.cursor-l.top
	l.set(numbers(50, 200))
	if l.settle(10); l.rows[l.cursor] != at || l.cursor-l.top != top {
		t.Errorf("the cursor is on %s at line %d, and was on %s at %d", l.rows[l.cursor], l.cursor-l.top, at, top)
	}
	l.set(nil)
	if _, ok := l.current(); ok || l.cursor != 0 {
		t.Error("nothing has a cursor")
	}
	l.move("G", 10)
	if _, rows := l.visible(10); len(rows) != 0 {
		t.Error(rows)
	}
}

func TestCursorIsOnTheScreen(t *testing.T) {
	l := aListing()
	l.set(numbers(0, 100))
	for _, key := range []string{"down", "pgdn", "pgdn", "up", "G", "k", "pgup", "g", "end", "home", "j"} {
		for _, page := range []int{1, 10, 200} {
			l.move(key, page)
			l.settle(page)
			if top, rows := l.visible(page); l.cursor < top || l.cursor >= top+len(rows) || len(rows) > page {
				t.Errorf("after %s the cursor is on %d, of %d rows from %d on", key, l.cursor, len(rows), top)
			}
		}
	}
}

func TestSort(t *testing.T) {
	l := aListing()
	l.set([]string{"b", "c", "a"})
	if title := l.resort(); title != "A" || !slices.Equal(l.rows, []string{"a", "b", "c"}) {
		t.Error(title, l.rows)
	}
	if l.reverse(); !slices.Equal(l.rows, []string{"c", "b", "a"}) {
		t.Error(l.rows)
	}
	if l.resort(); l.back || l.rows[0] != "a" { // B and C cannot be sorted by
		t.Error(l.sort, l.rows)
	}
}

func TestColumnsFit(t *testing.T) {
	l := aListing()
	l.set([]string{strings.Repeat("x", 30)})
	for room, want := range map[int][]placed{
		200: {{0, 0, 30}, {1, 32, 30}, {2, 64, 136}},
		80:  {{0, 0, 30}, {1, 32, 30}, {2, 64, 16}},
		60:  {{0, 0, 30}, {2, 32, 28}}, // B goes first
		20:  {{0, 0, 20}, {2, 32, 0}},
	} {
		if got := l.place(l.rows, room); !slices.Equal(got, want) {
			t.Errorf("in %d columns: %v, want %v", room, got, want)
		}
	}
}

func TestFilter(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "8 9 44 45 46",
		"TRUE":               "8",
		"ann":                "8 45 46",
		"ann render":         "45",
		"state:run":          "44 45",
		"state:":             "8 9 44 45 46", // it is still being typed
		"owner:bob alpha":    "44",
		"worker:alpha":       "8 44",
		"id:4":               "8 9 44 45 46", // what the dispatcher has found counts
		"id:x4":              "",
		"name:日本":            "46",
		"other:x":            "",
		"owner:ann state:qu": "46",
	} {
		m := told(80, 24, Options{})
		m.press("2")
		m.tasks.filter = parseFilter(text, taskKeys...)
		m.tasks.list.refresh()
		var ids []string
		for _, j := range m.tasks.list.rows {
			ids = append(ids, j.ID)
		}
		slices.Reverse(ids)
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
	}
}

// What the dispatcher can find is asked of it.
func TestWhatIsAskedOfTheDispatcher(t *testing.T) {
	for text, want := range map[string]jobsWant{
		"":                       {wanted: true, limit: firstPage},
		"state:fail":             {wanted: true, limit: firstPage},
		"state:failed owner:ann": {wanted: true, limit: firstPage, state: "failed", owner: "ann"},
		"id:42":                  {wanted: true, limit: firstPage, id: "42"},
		"id:4x":                  {wanted: true, limit: firstPage},
	} {
		m := told(80, 24, Options{})
		m.press("2")
		if m.tasks.setFilter(text); m.wants().jobs != want {
			t.Errorf("%q asks for %+v", text, m.wants().jobs)
		}
	}
	m := told(80, 24, Options{})
	m.press("3", "/")
	before := m.wants().events
	for _, r := range "task:45 worker:ALPHA" {
		m.press(string(r))
		if m.wants().events != before {
			t.Fatal("it is asked for what is still being typed")
		}
	}
	if m.press("enter"); m.wants().events != (eventsWant{wanted: true, task: "45", worker: "alpha"}) {
		t.Errorf("it asks for %+v", m.wants().events)
	}
	if m.press("esc"); m.wants().events != before {
		t.Errorf("without a filter it asks for %+v", m.wants().events)
	}
}

func TestPageOfTasksGrows(t *testing.T) {
	m := told(80, 24, Options{})
	m.press("2")
	for _, want := range []int{400, 800, 1000, 1000} {
		var jobs []api.Job
		for i := range m.tasks.limit {
			jobs = append(jobs, api.Job{ID: fmt.Sprint(5000 - i), State: octaskly.Queued, SubmittedAt: then})
		}
		m.update(then, gotJobs{m.wants().jobs, jobs})
		if m.update(then, keyPress("G")); m.wants().jobs.limit != want {
			t.Errorf("the page has %d, want %d", m.wants().jobs.limit, want)
		}
	}
	if text := m.frame().String(); !strings.Contains(text, "the latest 1000") {
		t.Errorf("it does not say that this is not all\n%s", text)
	}
}

// Of a long queue, what is worked on stands before what waits.
func TestLongQueue(t *testing.T) {
	f := newFake()
	f.jobs = nil
	for i := range firstPage {
		f.jobs = append(f.jobs, api.Job{ID: fmt.Sprint(9000 - i), State: octaskly.Queued})
	}
	f.jobs[7].State = octaskly.Running
	feed := &feed{source: f}
	jobs, err := feed.page(t.Context(), jobsWant{limit: firstPage})
	if err != nil || len(jobs) != firstPage || jobs[0].ID != "8993" || jobs[1].ID != "9000" {
		t.Errorf("%d jobs, the first is %v: %v", len(jobs), jobs[0].ID, err)
	}
	if len(f.queries) != 2 || !slices.Equal(f.queries[1].States, []octaskly.State{octaskly.Running, octaskly.Assigned}) {
		t.Errorf("it asked %+v", f.queries)
	}
	if _, err := feed.page(t.Context(), jobsWant{limit: firstPage, state: "queued"}); err != nil || len(f.queries) != 3 {
		t.Errorf("it asked %+v: %v", f.queries, err)
	}
}

func TestPagesOfElements(t *testing.T) {
	m := told(80, 24, Options{})
	m.press("2", "j", "enter")
	e := m.detail().(*taskDetail).elements
	var page []api.Element
	for i := range elementsPage {
		page = append(page, api.Element{ID: fmt.Sprint("45.", 2*i)})
	}
	m.update(then, gotElements{e.want(), page})
	m.update(then, keyPress("G"))
	m.update(then, keyPress("j"))
	if want := (elementsWant{job: "45", from: 2*elementsPage - 1, limit: elementsPage}); m.wants().elements != want {
		t.Errorf("the next page is %+v, want %+v", m.wants().elements, want)
	}
	m.update(then, gotElements{e.want(), page[:3]})
	m.update(then, keyPress("up"))
	if m.wants().elements.from != 0 {
		t.Errorf("it does not go back: %+v", m.wants().elements)
	}
	if m.update(then, keyPress("x")); m.wants().elements.state != octaskly.Running {
		t.Errorf("x shows %v", m.wants().elements.state)
	}
}

func TestSeries(t *testing.T) {
	var s series
	for i := range 1000 {
		s.add(then.Add(time.Duration(i)*time.Second), float64(i))
	}
	if n := len(s.values); n != maxSamples || s.values[n-1] != 999 || s.values[n-2] != 994 {
		t.Errorf("%d values, which end in %v", n, s.values[n-3:])
	}
	s.add(then.Add(time.Hour), 1)
	if n := len(s.values); n != maxSamples || s.values[n-1] != 1 || s.values[n-2] != 0 {
		t.Errorf("after an hour %v", s.values)
	}
	s.add(then, 2)
	if n := len(s.values); s.values[n-1] != 2 {
		t.Errorf("with the clock set back %v", s.values)
	}
}

func TestBars(t *testing.T) {
	for _, g := range []*glyphs{newGlyphs("UTF-8"), newGlyphs("US-ASCII")} {
		if line := g.spark([]float64{0, 0.001, 0.5, 1, 7}, 6, 1); columns(line) != 6 || line[:2] != "  " {
			t.Errorf("%q", line)
		}
		for done := range int64(101) {
			bar := g.progress(done, 100, 10)
			if full := strings.Count(bar, g.full); columns(bar) != 10 || full != int(done)/10 {
				t.Errorf("%d of 100 is %q", done, bar)
			}
		}
		if bar := g.progress(999_999, 1_000_000, 10); strings.Count(bar, g.full) != 9 {
			t.Errorf("what is not over is shown as %q", bar)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{"short": "short", "日本語の仕事": "日本…", "eleven more": "eleve…", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301": "e\u0301e\u0301e\u0301e\u0301e\u0301…"} {
		if got := shorten(text, 6); got != want || columns(got) > 6 {
			t.Errorf("%q in six columns is %q", text, got)
		}
	}
	heap := "e" + strings.Repeat("\u0301", 1000)
	if first, width, rest := cluster(heap); width != 1 || len(first) > maxCluster || rest != "" {
		t.Errorf("a heap of marks is %q, %d", first, width)
	}
}
