package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

// whyOf is what octasklyctl why tells for programs; what it tells people is the text
// of that, word by word.
func whyOf(t *testing.T, c *cluster.Cluster, id string) (why api.Why) {
	t.Helper()
	check(t, json.Unmarshal([]byte(must(t, c, "why", "-o", "json", id)), &why))
	if why.ID != id || why.Text == "" {
		t.Errorf("why %s: %+v", id, why)
	}
	return why
}

// explains awaits a paragraph with all of these words.
func explains(t *testing.T, c *cluster.Cluster, id string, words ...string) api.Why {
	t.Helper()
	var why api.Why
	missing := ""
	for ends := time.Now().Add(20 * time.Second); ; {
		why, missing = whyOf(t, c, id), ""
		for _, word := range words {
			if !strings.Contains(why.Text, word) {
				missing = word
			}
		}
		if missing == "" {
			return why
		}
		if time.Now().After(ends) {
			t.Fatalf("why %s says %q, and not %q", id, why.Text, missing)
		}
	}
}

// tried are the commands that a paragraph ends with.
func tried(why api.Why) string { return strings.Join(why.Try, "\n") }

func TestWhyItWaits(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	expect(t, c.Ctl(timeout(t), "why", "1"), 66, "", "cannot find task 1")
	first := submit(t, c, "--", "sleep", "0.5") // nothing is sent ahead of tasks that take so long
	if why := explains(t, c, first, "Task 1 is queued.", "Nothing in the queue is before it.", "There is no worker; "); why.State != octaskly.Queued || why.Ahead == nil || why.Workers != nil {
		t.Errorf("without a worker: %+v", why)
	}
	start(t, c.Worker("w1", "--slots", "2", "--cpus", "2"))
	must(t, c, "wait", first)
	explains(t, c, first, "Task 1 completed on worker w1 after ")

	g := newOpenGate(t)
	half := submit(t, c, append([]string{"--cpus", "1.5"}, g.command("true")...)...)
	g.await(t)
	used := submit(t, c, "--cpus", "1", "--", "true")
	why := explains(t, c, used, "Worker w1 has 0.5 cpus free of 2 cpus, and it asks for 1 cpus.", "It starts as soon as there is room on worker w1.")
	if b := why.Workers[0].Blockers[0]; len(why.Workers) != 1 || b.Why != "used" || b.Of != "cpu" || b.Asked != 1 || b.Has != 2 || b.Free != 0.5 {
		t.Errorf("too little is free: %+v", why.Workers)
	}
	small := submit(t, c, "--cpus", "10", "--", "true")
	why = explains(t, c, small, "Worker w1 offers 2 cpus in all, and it asks for 10 cpus", "Before it in the queue is 1 task.", "It waits until a worker joins that can run it.")
	if b := why.Workers[0].Blockers[0]; b.Why != "small" || b.Has != 2 || b.Asked != 10 {
		t.Errorf("too little in all: %+v", why.Workers)
	}
	strict := submit(t, c, "--sandbox", "very-strict", "--network", "none", "--limits", "none", "--", "true")
	if w := page(t, c, "w1"); len(w.Levels) < 4 {
		why = explains(t, c, strict, "does not offer level very-strict (self-test ")
		if b := why.Workers[0].Blockers[0]; b.Why != "lacks" || b.Of != "level:very-strict" || b.Detail == "" || !strings.Contains(tried(why), "octasklyctl worker show w1") {
			t.Errorf("a level that it lacks: %+v", why)
		}
	}
	must(t, c, "cancel", small, strict, used)
	other := newOpenGate(t)
	submit(t, c, other.command("true")...)
	other.await(t)
	slots := submit(t, c, "--", "true")
	why = explains(t, c, slots, "Worker w1 has no free slot (2 of 2 are taken).", "It starts as soon as there is room on worker w1.")
	drain(t, c, "w1", api.DrainRequest{Reason: "new disk"})
	why = explains(t, c, slots, "Worker w1 is drained by ", ": new disk and has no free slot")
	if tried(why) != "octasklyctl worker resume w1\noctasklyctl worker ls" {
		t.Errorf("of a drained worker it says to try %q", why.Try)
	}
	if text := must(t, c, "why", slots); text != whyOf(t, c, slots).Text+"\n  "+strings.Join(why.Try, "\n  ")+"\n" {
		t.Errorf("for people it is\n%s", text)
	}
	expectStats(t, c, map[string]int64{"no-worker": 1})
	g.pass(t)
	other.pass(t)
	must(t, c, "worker", "resume", "w1")
	must(t, c, "wait", half, slots)
}

// expectStats wants tasks to wait for these things, and stats to show the figures that
// it has for programs.
func expectStats(t *testing.T, c *cluster.Cluster, want map[string]int64) {
	t.Helper()
	var stats api.Stats
	check(t, json.Unmarshal([]byte(must(t, c, "stats", "-o", "json")), &stats))
	text := must(t, c, "stats")
	for _, w := range stats.Waiting {
		if want[w.Why] != w.Tasks || !strings.Contains(text, fmt.Sprintf("waits:       %d for ", w.Tasks)) {
			t.Errorf("%d wait for %s %s, want %v; it shows\n%s", w.Tasks, w.Why, w.Of, want, text)
		}
	}
	first := fmt.Sprintf("now:         %d running, %d queued (%d for ", stats.Tasks["running"], stats.Tasks["queued"], stats.Waiting[0].Tasks)
	if len(stats.Waiting) != len(want) || !strings.HasPrefix(text, first) {
		t.Errorf("%+v, want %v; it begins with %q:\n%s", stats.Waiting, want, first, text)
	}
}

func TestWhyItIsHeldUp(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	g := newOpenGate(t)
	array := submit(t, c, append([]string{"--array", "0-9%1"}, g.command("true")...)...)
	g.await(t)
	why := explains(t, c, array+".9", "1 of 1, by %1 in --array. It waits for one of them to end.", "Before it in the queue are 8 tasks.")
	if len(why.Holds) != 1 || why.Holds[0].Why != "at-once" || why.Holds[0].Most != 1 || why.Holds[0].Has != 1 || why.Ahead.Tasks != 8 {
		t.Errorf("an element: %+v", why)
	}
	explains(t, c, array, "of 10 tasks 0 have ended, 1 are with workers and 9 wait.")
	expectStats(t, c, map[string]int64{"at-once": 9})
	running := explains(t, c, array+".0", "Task "+array+".0 has been running on worker w1 for ", ", as attempt 1.")
	if w := running.With; running.State != octaskly.Running || w == nil || w.Worker != "w1" || w.State != "connected" || w.Attempt != 1 || w.GivenUp != nil || running.Workers != nil {
		t.Errorf("an element that runs: %+v", running)
	}
	must(t, c, "cancel", array)
	c.Ctl(timeout(t), "wait", array)
	explains(t, c, array+".9", "was cancelled: it was cancelled by ")

	again := submit(t, c, "--retries", "2", "--backoff", "1h", "--", "sh", "-c", "exit 7")
	why = explains(t, c, again, "after attempt 1 on worker w1: its command exited with code 7; it has failed 1 of 3 times allowed.", "Its next attempt is not before ", "as --backoff has it.")
	if len(why.Holds) != 1 || why.Holds[0].Why != "backoff" || why.Holds[0].Until == nil || why.Ahead != nil {
		t.Errorf("in its backoff: %+v", why)
	}
	expectStats(t, c, map[string]int64{"backoff": 1})
}

func TestWhyItEnded(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	for _, tt := range []struct {
		argv  []string
		words string
		flag  string
	}{
		{[]string{"--", "sh", "-c", "exit 3"}, "failed on worker w1 after ", ""},
		{[]string{"--", "sh", "-c", "exit 3"}, "its command exited with code 3.", ""},
		{[]string{"--", "sh", "-c", "kill -9 $$"}, "its command was ended by signal 9 (SIGKILL).", ""},
		{[]string{"--timeout", "100ms", "--", "sleep", "60"}, "timed out on worker w1 after ", "--timeout"},
		{[]string{"--timeout", "100ms", "--", "sleep", "60"}, "it reached its limit of 100ms wall time", "--timeout"},
		{[]string{"--", "/nowhere/nothing"}, "its command could not be started (ENOENT)", ""},
	} {
		id := submit(t, c, tt.argv...)
		c.Ctl(timeout(t), "wait", id)
		why := explains(t, c, id, tt.words, "octasklyctl logs "+id+" shows what it wrote; octasklyctl retry "+id+" runs it once more.")
		if d := show(t, c, id); why.End == nil || why.End.Reason != d.Reason || why.End.Exit == nil || *why.End.Exit != *d.Exit || why.End.Flag != tt.flag ||
			tried(why) != "octasklyctl logs "+id+"\noctasklyctl retry "+id {
			t.Errorf("why %s: %+v, %q", id, why.End, why.Try)
		}
	}
	array := submit(t, c, "--array", "0-3", "--", "sh", "-c", "exit $OCTASKLY_ARRAY_INDEX")
	c.Ctl(timeout(t), "wait", array)
	why := explains(t, c, array, "of 4 tasks 1 completed, 3 failed.", "The first that failed is "+array+".1: its command exited with code 1.")
	if len(why.End.Failed) != 3 {
		t.Errorf("an array: %+v", why.End)
	}
}

// A worker that is out of touch, and what runs there.
func TestWhyOfSilentWorkers(t *testing.T) {
	c, link := remote(t, cluster.Options{DispatcherFlags: []string{"--limits-lease", "1h"}})
	g := newOpenGate(t)
	id := submit(t, c, append([]string{"--at-most-one"}, g.command("true")...)...)
	g.await(t)
	awaitRunning(t, c, id)
	link.Cut()
	why := explains(t, c, id, "has been running on worker w1", "Its worker has been out of touch for ", "the task runs elsewhere, and by then its worker has stopped it, as --at-most-one wants.")
	if w := why.With; w.State != "away" || w.GivenUp == nil || time.Until(*w.GivenUp) > time.Hour || time.Until(*w.GivenUp) < 50*time.Minute {
		t.Errorf("it runs on a silent worker: %+v", w)
	}
	waits := submit(t, c, "--", "true")
	why = explains(t, c, waits, "Worker w1 has been out of touch for ")
	if b := why.Workers[0].Blockers; len(b) != 1 || b[0].Why != "away" || b[0].Since == nil {
		t.Errorf("it waits for a silent worker: %+v", why.Workers)
	}
	link.Heal()
	g.pass(t)
	must(t, c, "wait", waits)
}

// Round trips are measured, and shown as they are.
func TestRoundTrip(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	var w *api.Worker
	awaitSuccess(t, func() bool { w = page(t, c, "w1"); return w.RoundTrip > 0 })
	if d := time.Duration(w.RoundTrip); d > 10*time.Second || w.Transport == "" || w.Since == nil {
		t.Errorf("%+v", w)
	}
	table := must(t, c, "worker", "ls")
	header, row, _ := strings.Cut(table, "\n")
	for _, column := range []string{"LINK", "RTT", "SINCE"} {
		if at := strings.Index(header, column); at < 0 || strings.HasPrefix(row[at:], "-") {
			t.Errorf("there is nothing below %s:\n%s", column, table)
		}
	}
	if text := must(t, c, "worker", "show", "w1"); !strings.Contains(text, "\nround trip:  ") {
		t.Errorf("worker show says\n%s", text)
	}
}
