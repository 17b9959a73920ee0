package tui

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/client"
)

var update = flag.Bool("update", false, "write the golden frames")

// told is a model that knows all of the fake, on a screen of that size.
func told(width, height int, options Options) *model {
	options.Now = func() time.Time { return then }
	options.Where = "/run/octaskly/dispatcher.sock"
	m := newModel(options, newGlyphs("UTF-8"))
	m.width, m.height = width, height
	for i := range 30 { // what the last minutes were like
		m.now = then.Add(time.Duration(i-30) * sampleEvery)
		workers := someWorkers()
		workers[0].Running, workers[0].Assigned = i%9, 0
		m.update(m.now, gotWorkers{workers})
		stats := someStats()
		stats.Rate = float64(i * i % 70)
		m.update(m.now, gotStats{stats})
	}
	m.update(then, gotStats{someStats()})
	m.update(then, gotWorkers{someWorkers()})
	return m
}

// press gives keys one after the other, and what the feed would then say.
func (m *model) press(keys ...string) {
	for _, k := range keys {
		m.update(then, keyPress(k))
		m.feedOnce()
	}
}

// feedOnce answers what the model wants.
func (m *model) feedOnce() {
	w := m.wants()
	if w.jobs.wanted {
		m.update(then, gotJobs{w.jobs, someJobs()})
	}
	if w.events.wanted && !m.logs.known {
		m.update(then, gotEvents{of: w.events, events: someEvents(), anew: true})
	}
	for _, j := range someJobs() {
		if j.ID == w.task {
			m.update(then, gotDetail{w.task, detailOf(j)})
		}
	}
	if w.elements.job != "" {
		m.update(then, gotElements{w.elements, someElements()})
	}
	if w = m.wants(); w.output.task != "" {
		m.update(then, gotOutput{of: w.output, anew: true, lines: someLines()})
	}
	for _, worker := range someWorkers() {
		if worker.ID == w.worker {
			worker.Checks = []api.Check{{Subject: "level:strict", Name: "mounts", Held: true}, {Subject: "limit:disk", Name: "quota", Why: "no quota here"}}
			m.update(then, gotWorker{w.worker, &worker})
		}
	}
}

func someLines() (lines []line) {
	a := &ansi{}
	give := func(l line) { lines = append(lines, l) }
	for i := range 40 {
		fmt.Fprintf(writer(func(p []byte) { a.write(p, give) }), "\x1b[3%dmstep %d\x1b[0m 日本 \x1b[2Jloss %.3f\n", i%8, i, 1/float64(i+1))
	}
	return lines
}

// onScreen is what a terminal shows of a frame.
func onScreen(t *testing.T, g *grid) string {
	t.Helper()
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	defer screen.Fini()
	screen.SetSize(g.width, g.height)
	g.show(screen, nil)
	return contents(screen)
}

func contents(screen tcell.SimulationScreen) string {
	cells, width, height := screen.GetContents()
	var text strings.Builder
	for y := range height {
		var row strings.Builder
		for x := 0; x < width; x++ {
			cell := string(cells[y*width+x].Runes)
			row.WriteString(cell)
			x += max(0, columns(cell)-1)
		}
		text.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return text.String()
}

// views are all there is to see, and the keys that lead there.
var views = map[string][]string{
	"workers":        {},
	"workers-sorted": {"s", "s", "s", "S"},
	"worker":         {"j", "enter"},
	"drain":          {"d"},
	"resume":         {"j", "d"},
	"tasks":          {"2"},
	"tasks-filter":   {"2", "/", "s", "t", "a", "t", "e", ":", "r", "u", "n"},
	"tasks-nothing":  {"2", "/", "x", "y", "z", "enter"},
	"task-queued":    {"2", "enter"},
	"task-array":     {"2", "j", "enter"},
	"task-output":    {"2", "j", "j", "enter"},
	"task-scrolled":  {"2", "j", "j", "enter", "up", "up", "right"},
	"task-failed":    {"2", "j", "j", "j", "enter"},
	"cancel":         {"2", "j", "c"},
	"retry":          {"2", "j", "r"},
	"over-already":   {"2", "G", "c"},
	"logs":           {"3"},
	"logs-warning":   {"tab", "tab", "v", "v"},
	"logs-task":      {"3", "/", "t", "a", "s", "k", ":", "4", "5", "enter"},
	"help":           {"?"},
}

func TestFrames(t *testing.T) {
	for name, keys := range views {
		for _, size := range []size{{60, 15}, {80, 24}, {140, 45}} {
			m := told(size.width, size.height, Options{})
			m.press(keys...)
			golden(t, fmt.Sprintf("%s-%dx%d", name, size.width, size.height), onScreen(t, m.frame()))
		}
	}
}

func TestFramesOfTrouble(t *testing.T) {
	m := told(80, 24, Options{Quit: "Stop the dispatcher, too?"})
	m.update(then, failed{aboutStats, &client.Unreachable{Socket: "/run/octaskly/dispatcher.sock", Err: fmt.Errorf("dial: %w", syscall.ECONNREFUSED)}, then.Add(3 * time.Second)})
	golden(t, "not-connected", onScreen(t, m.frame()))
	m.update(then, gotStats{someStats()})
	if text := m.frame().String(); strings.Contains(text, "not connected") || m.wants().again != 1 {
		t.Errorf("it is back, and is shown as\n%s", text)
	}
	m.update(then, failed{aboutWorkers, errors.New("this is for admins"), then})
	m.update(then, gotWorkers{nil})
	m.update(then, failed{aboutWorkers, errors.New("this is for admins"), then})
	golden(t, "not-permitted", onScreen(t, m.frame()))
	m.press("q")
	golden(t, "quit", onScreen(t, m.frame()))
	for _, size := range []size{{59, 15}, {60, 14}, {1, 1}, {0, 0}, {17, 2}} {
		m.width, m.height = size.width, size.height
		m.update(then, size)
		if text := m.frame().String(); size.width > 17 && !strings.HasPrefix(text, "terminal too small\n") {
			t.Errorf("at %v: %s", size, text)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: go test -update writes the frame anew if it is right\n%s\nwant\n%s", name, got, want)
	}
}
