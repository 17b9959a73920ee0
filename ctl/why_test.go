package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
)

func TestWhyCommand(t *testing.T) {
	d := serve(t, newFake())
	const text = "Task 42.7 is queued. Worker w1\\x1b has no free slot (2 of 2 are taken). It starts as soon as there is room on worker w1.\n  octasklyctl worker ls\n"
	if got := d.ctl("why", "42.7"); got != (result{text, "", 0}) {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("why", "42", "42.7"); strings.Count(got.stdout, "Task 42") != 2 || !strings.Contains(got.stdout, "\n\nTask 42.7") {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("why", "-o", "json", "42"); !strings.HasPrefix(got.stdout, `{"id":"42","state":"queued","text":"Task 42 is`) || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("-o", "quiet", "why", "42"); got != (result{"42\n", "", 0}) {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("why", "43"); got.code != 66 || got.stdout != "" {
		t.Errorf("%+v", got)
	}
	if got := d.ctl("why"); got.code != 2 || !strings.Contains(got.stderr, "an id is missing") {
		t.Errorf("%+v", got)
	}
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.StringMatching(`[a-zé日]{1,8}`)).Draw(t, "words"), " ")
		width := rapid.IntRange(0, 40).Draw(t, "width")
		got := wrap(text, width)
		if strings.ReplaceAll(got, "\n", " ") != text {
			t.Fatalf("%q became %q", text, got)
		}
		for _, line := range strings.Split(got, "\n") {
			if width > 0 && columns(line) > width && strings.Contains(line, " ") {
				t.Fatalf("%q is wider than %d", line, width)
			}
		}
	})
}

func TestGlance(t *testing.T) {
	stats := &api.Stats{
		Tasks:      map[string]int64{"running": 2, "queued": 7, "assigned": 1, "failed": 3, "timed_out": 1},
		Waiting:    []api.Waiting{{Why: "slots", Tasks: 5}, {Why: "lacks", Of: "level:strict", Tasks: 2}},
		FleetStats: &api.FleetStats{Workers: 2, Slots: 3, Busy: 3, Rate: 85.4},
	}
	if got, want := glanceText(stats), "2 running, 1 assigned, 7 queued (5 for a free slot), 4 failed, 85/s; 3 of 3 slots on 2 workers busy"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := waitingText(&stats.Waiting[1]), "level strict, which no worker offers"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	stats.FleetStats, stats.Waiting = nil, nil
	if got, want := glanceText(stats), "2 running, 1 assigned, 7 queued, 4 failed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPaceText(t *testing.T) {
	job := sampleJobs()[0]
	if got := paceText(&job); got != "" {
		t.Errorf("nobody knows, and it says %q", got)
	}
	job.Rate, job.Left = 85.4, new(api.Seconds(8*time.Second))
	if got, want := paceText(&job), "34%, 85/s, 8s left"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	job.State = octaskly.Completed
	if got := paceText(&job); got != "" {
		t.Errorf("it is over, and it says %q", got)
	}
}

// What a worker's table has at a width: the name and the state are always there, and
// no row is wider while a column is left to spare.
func TestNarrowWorkers(t *testing.T) {
	workers := []api.Worker{
		{Name: "w1", State: "connected", Slots: 4, Running: 3, CPUs: 8, Memory: 16 << 30, CPUsUsed: 1.5, MemoryUsed: 512 << 20, Levels: []string{"strict"},
			Contains: "cgroup", Transport: "quic", RoundTrip: api.Seconds(700 * time.Microsecond), Since: ago(time.Hour), Version: "1.2.3", SeenAt: noon},
		{Name: "w2", State: "lost", SeenAt: *ago(time.Minute)},
	}
	for width, want := range map[int]string{
		0:   "NAME STATE SLOTS BUSY CPUS MEMORY USED SANDBOX CONTAINS LINK RTT SINCE VERSION SEEN",
		200: "NAME STATE SLOTS BUSY CPUS MEMORY USED SANDBOX CONTAINS LINK RTT SINCE VERSION SEEN",
		80:  "NAME STATE SLOTS BUSY CPUS USED SANDBOX RTT SEEN",
		40:  "NAME STATE SLOTS BUSY SANDBOX",
	} {
		table := workerTable(workers, noon)
		table.width = width
		table.narrow(sparedOfWorkers...)
		var out bytes.Buffer
		if err := table.write(&out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); got != want {
			t.Errorf("width %d has %s\nwant %s", width, got, want)
		}
		for _, line := range lines {
			if width > 0 && columns(line) > width {
				t.Errorf("%q is wider than %d", line, width)
			}
		}
		if width == 200 && !strings.Contains(out.String(), "1.5 cpus, 512MiB  strict   cgroup    quic  700µs  1h") {
			t.Errorf("%s", out.String())
		}
	}
}
