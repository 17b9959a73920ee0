package tui

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

// document is what -o json prints.
type document = map[string]any

func asJSON(t *rapid.T, v any) document {
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func figure(d document, key string) float64 { n, _ := d[key].(float64); return n }

// cells are those of a listing's rows on a grid, by title.
func cells[T any](l *listing[T], g *grid, box rect) (rows []map[string]string) {
	_, visible := l.visible(box.height - 1)
	for i := range visible {
		row := map[string]string{}
		for _, p := range l.place(visible, box.width-2) {
			var text strings.Builder
			for x := range p.width {
				text.WriteString(g.cells[(box.y+1+i)*g.width+box.x+1+p.x+x].text)
			}
			row[l.columns[p.column].title] = strings.TrimSpace(text.String())
		}
		rows = append(rows, row)
	}
	return rows
}

// near reads a figure such as 1.5G, and compares it as far as it was rounded.
func near(t *rapid.T, what, shown string, want float64) {
	t.Helper()
	digits := strings.TrimRight(shown, "KMGTPE")
	unit := 1.0
	if suffix := shown[len(digits):]; suffix != "" {
		unit = math.Pow(1024, float64(strings.Index("KMGTPE", suffix)+1))
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.Abs(n*unit-want) > 0.051*unit {
		t.Errorf("%s is shown as %q, and is %v", what, shown, want)
	}
}

func anyWorker(i int) *rapid.Generator[api.Worker] {
	return rapid.Custom(func(t *rapid.T) api.Worker {
		slots := rapid.IntRange(1, 512).Draw(t, "slots")
		cpus := float64(rapid.IntRange(1, 25600).Draw(t, "cpus")) / 100
		memory := rapid.Int64Range(1<<20, 1<<42).Draw(t, "memory")
		w := api.Worker{ID: fmt.Sprint("id", i), Name: fmt.Sprint("w", i), State: connected, Slots: slots, CPUs: cpus, Memory: memory, SeenAt: then}
		w.Running = rapid.IntRange(0, slots).Draw(t, "running")
		w.Assigned = rapid.IntRange(0, 5).Draw(t, "assigned")
		w.CPUsUsed = cpus * rapid.Float64Range(0, 1).Draw(t, "used")
		w.MemoryUsed = rapid.Int64Range(0, memory).Draw(t, "memory used")
		w.Transport = rapid.SampledFrom([]string{"tcp", "quic"}).Draw(t, "transport")
		w.Levels = []string{"none", "basic", "strict", "very-strict"}[:rapid.IntRange(1, 4).Draw(t, "levels")]
		return w
	})
}

func anyJob(i int) *rapid.Generator[api.Job] {
	return rapid.Custom(func(t *rapid.T) api.Job {
		j := api.Job{ID: fmt.Sprint(1000 - i), Owner: "ann", Command: text("true"), Array: "0-1", Counts: map[string]int64{}, SubmittedAt: then}
		for _, s := range octaskly.States {
			if n := rapid.Int64Range(0, 100_000).Draw(t, s.String()); n > 0 {
				j.Counts[s.String()], j.Tasks = n, j.Tasks+n
			}
		}
		j.State = rapid.SampledFrom(octaskly.States).Draw(t, "state")
		j.Rate = rapid.Float64Range(0, 5000).Draw(t, "rate")
		if rapid.Bool().Draw(t, "foretold") {
			j.Left = new(api.Seconds(rapid.Int64Range(0, int64(100*time.Hour)).Draw(t, "left")))
		}
		return j
	})
}

func draw[T any](t *rapid.T, of func(int) *rapid.Generator[T]) (all []T) {
	for i := range rapid.IntRange(0, 20).Draw(t, "rows") {
		all = append(all, of(i).Draw(t, "row"))
	}
	return all
}

// Every figure on the screen is that of -o json.
func TestFiguresOfWorkers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := draw(t, anyWorker)
		m := told(200, 45, Options{})
		m.update(then, gotWorkers{workers})
		m.workers.list.sort = -1
		m.workers.list.refresh()
		for i, row := range cells(&m.workers.list, m.frame(), m.body()) {
			w := asJSON(t, m.workers.list.rows[i].Worker)
			busy, slots := figure(w, "running")+figure(w, "assigned"), figure(w, "slots")
			if row["NAME"] != w["name"] || row["STATE"] != w["state"] || row["VIA"] != w["transport"] {
				t.Errorf("%v is shown as %v", w, row)
			}
			if levels := w["levels"].([]any); row["LEVEL"] != levels[len(levels)-1] {
				t.Errorf("levels %v are shown as %s", levels, row["LEVEL"])
			}
			if row["BUSY"] != fmt.Sprintf("%g/%g", busy, slots) || row["LOAD"] != fmt.Sprintf("%.0f%%", math.Floor(100*busy/slots+0.5)) {
				t.Errorf("%v of %v are shown as %s, %s", busy, slots, row["BUSY"], row["LOAD"])
			}
			used, all, _ := strings.Cut(row["CPU"], "/")
			near(t, "cpu", used, figure(w, "cpus_used"))
			near(t, "cpus", all, figure(w, "cpus"))
			used, all, _ = strings.Cut(row["MEMORY"], "/")
			near(t, "memory used", used, figure(w, "memory_used"))
			near(t, "memory", all, figure(w, "memory"))
		}
	})
}

func TestFiguresOfTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := told(200, 45, Options{})
		m.tab = tasksTab
		m.update(then, gotJobs{m.wants().jobs, draw(t, anyJob)})
		for i, row := range cells(&m.tasks.list, m.frame(), m.body()) {
			j := asJSON(t, m.tasks.list.rows[i])
			done := 0.0
			for _, state := range []string{"completed", "failed", "timed_out", "cancelled"} {
				done += figure(j["counts"].(document), state)
			}
			if row["ID"] != j["id"] || row["STATE"] != j["state"] || row["OWNER"] != j["owner"] {
				t.Errorf("%v is shown as %v", j, row)
			}
			if !strings.HasSuffix(" "+row["PROGRESS"], fmt.Sprintf(" %.0f/%.0f", done, figure(j, "tasks"))) {
				t.Errorf("%v of %v is shown as %s", done, figure(j, "tasks"), row["PROGRESS"])
			}
			if rate := strings.TrimSuffix(row["RATE"], "/s"); rate != "" || figure(j, "rate") > 0 {
				if n, err := strconv.ParseFloat(rate, 64); err != nil || math.Abs(n-figure(j, "rate")) > 0.501 {
					t.Errorf("the rate %v is shown as %s", figure(j, "rate"), row["RATE"])
				}
			}
			if left, known := j["left"]; known != (row["ETA"] != "") {
				t.Errorf("what is left, %v, is shown as %q", left, row["ETA"])
			}
		}
	})
}

func TestFiguresOfStats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stats := someStats()
		for _, s := range octaskly.States {
			stats.Tasks[s.String()] = rapid.Int64Range(0, 1<<40).Draw(t, s.String())
		}
		stats.Slots, stats.Busy, stats.Workers = rapid.IntRange(0, 9999).Draw(t, "slots"), rapid.IntRange(0, 9999).Draw(t, "busy"), rapid.IntRange(0, 1000).Draw(t, "workers")
		m := told(250, 20, Options{})
		m.update(then, gotStats{stats})
		words := strings.Fields(strings.Split(m.frame().String(), "\n")[1])
		shown := map[string]string{}
		for i := 0; i+1 < len(words); i += 2 {
			shown[words[i]] = words[i+1]
		}
		d := asJSON(t, stats)
		for state, n := range d["tasks"].(document) {
			if got := shown[state]; got != fmt.Sprintf("%.0f", n) && (got != "" || n.(float64) > 0) {
				t.Errorf("%v %s are shown as %q", n, state, got)
			}
		}
		if shown["slots"] != fmt.Sprintf("%g/%g", figure(d, "slots_busy"), figure(d, "slots")) || shown["workers"] != fmt.Sprint(figure(d, "workers_connected")) {
			t.Errorf("%v is shown as %v", d, shown)
		}
	})
}

// Whatever is in the lists, a frame has no character that a terminal obeys, and no
// more columns than the screen.
func FuzzFrame(f *testing.F) {
	f.Add("plain", "\x1b[31mred", 80, 24)
	f.Add("日本", "\u202e\u200b\ufeff e\u0301\u0301 👨‍👩‍👧‍👦", 60, 15)
	f.Add("", "\xff\xfe\n\r\t", 61, 16)
	f.Fuzz(func(t *testing.T, name, words string, width, height int) {
		if width < 0 || width > 300 || height < 0 || height > 100 {
			return
		}
		m := told(width, height, Options{Where: name})
		for _, keys := range [][]string{{"1"}, {"enter"}, {"2"}, {"j", "enter"}, {"3"}, {"/", words}, {"?"}} {
			m.press(keys...)
			m.update(then, gotWorkers{[]api.Worker{{ID: name, Name: words, State: name, Version: words, Levels: []string{words}, Transport: name}}})
			m.update(then, gotEvents{of: m.wants().events, events: []api.Event{{Kind: name, Detail: words, Worker: words, Task: name}}})
			m.update(then, gotJobs{m.wants().jobs, []api.Job{{ID: name, Name: words, Command: text(name, words), Reason: octaskly.Reason(words), State: octaskly.Failed}}})
			g := m.frame()
			for i, c := range g.cells {
				if strings.ContainsFunc(c.text, func(r rune) bool { return hostile(r) && r != '\uFFFD' }) || columns(c.text) > 2 {
					t.Fatalf("cell %d,%d has %q", i%width, i/width, c.text)
				}
				if last := i%width == width-1; last && columns(c.text) > 1 {
					t.Fatalf("%q goes beyond the screen", c.text)
				}
			}
		}
	})
}
