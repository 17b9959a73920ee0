package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
)

func TestChangeWorkers(t *testing.T) {
	f := newFake()
	d := serve(t, f)
	const (
		lists = "octasklyctl: hint: octasklyctl worker ls lists the workers there are\n"
		idle  = "octasklyctl: worker idle gets no new tasks; nothing runs there\n"
	)
	for _, tt := range []struct {
		args, asked string
		want        result
	}{
		{"worker drain idle", `drain idle "" none`, result{"", idle, 0}},
		{"worker drain --reason disk busy", `drain busy "disk" none`,
			result{"", "octasklyctl: worker busy gets no new tasks; it still has 2 tasks, and all the time for that; octasklyctl worker show busy tells how many are left\n", 0}},
		{"worker drain busy --deadline 1h30m", `drain busy "" 1h30m0s`,
			result{"", "octasklyctl: worker busy gets no new tasks; it still has 2 tasks; what runs in 1h30m is stopped then, and runs elsewhere\n", 0}},
		{"worker drain busy --deadline 0", `drain busy "" 0s`,
			result{"", "octasklyctl: worker busy gets no new tasks; it still has 2 tasks; what runs is stopped now, and runs elsewhere\n", 0}},
		{"worker drain -o quiet busy", `drain busy "" none`, result{}},
		{"worker drain idle unknown busy", `drain unknown "" none`, result{"", idle + "octasklyctl: error: cannot find worker \"unknown\": not found\n" + lists, 66}},
		{"worker drain refused", `drain refused "" none`,
			result{"", "octasklyctl: error: ann is no admin: not permitted\noctasklyctl: hint: sudo octasklyctl worker drain refused\n", 77}},
		{"worker drain", "", result{"", "octasklyctl: error: the name of a worker is missing\n" + lists, 2}},
		{"worker drain --deadline soon w2", "", result{"",
			"octasklyctl: error: cannot use --deadline: cannot read duration \"soon\": a number is missing; write it as in 90 (seconds), 1h30m, 2d or 01:30:00\n", 2}},
		{"worker resume idle w2", "resume w2", result{"", "octasklyctl: worker idle gets tasks again\noctasklyctl: worker w2 gets tasks again when it is back; it is lost\n", 0}},
		{"worker rm w2", "remove w2", result{"", "octasklyctl: worker w2 is forgotten; what it had runs elsewhere\n", 0}},
		{"worker remove there", "remove there", result{"", "octasklyctl: error: cannot remove worker there: another one of that name is connected\n", 1}},
	} {
		before := len(f.questions())
		if got := d.ctl(strings.Fields(tt.args)...); got != tt.want {
			t.Errorf("%s: %+v\nwant %+v", tt.args, got, tt.want)
		}
		asked := f.questions()[before:]
		if last := strings.Join(asked[max(0, len(asked)-1):], ""); last != tt.asked {
			t.Errorf("%s: it asked %q, want %q", tt.args, last, tt.asked)
		}
	}
}

func TestChangeWorkersJSON(t *testing.T) {
	got := serve(t, newFake()).ctl("worker", "drain", "-o", "json", "--reason", "x", "busy", "idle")
	lines := json.NewDecoder(strings.NewReader(got.stdout))
	for _, name := range []string{"busy", "idle"} {
		var w api.Worker
		if err := lines.Decode(&w); err != nil || w.Name != name || w.State != "connected" || w.Drain == nil || w.Drain.Reason != "x" {
			t.Errorf("%+v, %v", w, err)
		}
	}
	if lines.More() || got.stderr != "" || got.code != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWorkerState(t *testing.T) {
	for _, tt := range []struct {
		state   string
		drain   bool
		running int
		want    string
	}{
		{"connected", false, 1, "connected"},
		{"connected", true, 1, "draining"},
		{"connected", true, 0, "drained"},
		{"away", true, 1, "draining, away"},
		{"lost", true, 0, "drained, lost"},
		{"left", false, 0, "left"},
	} {
		w := &api.Worker{State: tt.state, Assigned: tt.running}
		if tt.drain {
			w.Drain = &api.Drain{By: "ann"}
		}
		if got := workerState(w); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt, got, tt.want)
		}
	}
}

func TestWorkerTableTellsDrains(t *testing.T) {
	workers := []api.Worker{
		{Name: "w1", State: "connected", Running: 2, Drain: &api.Drain{By: "ann", At: *ago(time.Minute), Reason: "new\x1b disk", Deadline: ago(-time.Hour)}},
		{Name: "w2", State: "connected"},
	}
	var out bytes.Buffer
	if err := workerTable(workers, noon).write(&out); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"SEEN DRAINED w1 draining 0 2", `by ann 1m ago, deadline in 1h: new\x1b disk w2 connected 0 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	if header := workerTable(workers[1:], noon).rows[0]; strings.Contains(strings.Join(header, " "), "DRAINED") {
		t.Errorf("nobody is drained, and the header is %q", header)
	}
}

func TestWorkerPageTellsDrains(t *testing.T) {
	w := &api.Worker{Name: "w1", State: "connected", Running: 1, Drain: &api.Drain{By: "ann", At: *ago(time.Minute), Reason: "new disk", Deadline: ago(-time.Hour)}}
	var out bytes.Buffer
	if err := writeWorkerPage(&out, w, noon); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"state: draining drained by: ann drained at: 2026-11-23T", "(1m ago) reason: new disk deadline: 2026-11-23T", "(in 1h) left: 1 task still there"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}
