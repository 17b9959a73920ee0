package test

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/store"
	"github.com/octaskly/octaskly/test/cluster"
)

const noLonger = "it ended and is no longer kept (retention)"

// keeping starts a cluster with bounds for what is kept. How long a job is kept is
// ten times as long as the collector waits between two looks.
func keeping(t *testing.T, flags ...string) *cluster.Cluster {
	return cluster.Start(t, cluster.Options{DispatcherFlags: flags})
}

func stats(t *testing.T, c *cluster.Cluster) (s api.Stats) {
	t.Helper()
	check(t, json.Unmarshal([]byte(must(t, c, "stats", "-o", "json")), &s))
	return s
}

// awaitGone returns when a task is no longer kept, and asks for it in every way
// there is.
func awaitGone(t *testing.T, c *cluster.Cluster, id string) {
	t.Helper()
	awaitSuccess(t, func() bool { return c.Ctl(timeout(t), "show", id).Code != 0 })
	for _, command := range []string{"show", "logs", "wait", "retry", "cancel"} {
		expect(t, c.Ctl(timeout(t), command, id), 66, "", "cannot find task "+id+": "+noLonger)
	}
	if list := must(t, c, "ls", "-a", "-o", "quiet", "--limit", "1000"); strings.Contains("\n"+list, "\n"+id+"\n") {
		t.Errorf("ls lists task %s", id)
	}
}

// passAndComplete has the last task of a job that runs complete, soon after which the
// job may be gone.
func passAndComplete(t *testing.T, c *cluster.Cluster, g *gate, job string) {
	t.Helper()
	events := openStream(t, webOnSocket(t, c), eventsURL)
	g.pass(t)
	for {
		if e := events.next(t); e.Kind == "task.ended" && e.Job == job {
			if e.State != octaskly.Completed {
				t.Errorf("it ends with %+v", e)
			}
			return
		}
	}
}

// outputs counts the files of outputs.
func outputs(t *testing.T, c *cluster.Cluster) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Dir, "dispatcher", "output", "*", "*"))
	check(t, err)
	return len(files)
}

// What ended too long ago goes, with its output; what waits or runs never does.
// No id is given out again, also not after a restart, and what is counted stays.
func TestRetentionByAge(t *testing.T) {
	c := keeping(t, "--retention-age", "2s")
	g := newGate(t)
	running := submit(t, c, g.command("echo through")...)
	g.await(t)
	waiting := submit(t, c, "--cpus", "1000", "--", "true")
	long := submit(t, c, "--array", "0-2", "--shell", "head -c 200000 /dev/zero")
	keyed := submit(t, c, "--idempotency-key", "k", "--", "true")
	last := submit(t, c, "--", "false")
	for _, id := range []string{long, keyed, last} {
		awaitGone(t, c, id)
	}
	awaitSuccess(t, func() bool { return outputs(t, c) == 0 && stats(t, c).Removed == 3 }) // a job is gone before its files are
	if s := stats(t, c); s.Output != 0 || s.Removed != 3 || s.Tasks["completed"] != 4 || s.Tasks["failed"] != 1 {
		t.Errorf("stats: %+v; %+v", s.Tasks, *s.StoreStats)
	}
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	n, err := strconv.Atoi(last)
	check(t, err)
	if again := submit(t, c, "--idempotency-key", "k", "--", "true"); again != itoa(n+1) {
		t.Errorf("id %s comes after %s", again, last)
	}
	expect(t, c.Ctl(timeout(t), "show", last), 66, "", "cannot find task "+last+": "+noLonger)
	expect(t, c.Ctl(timeout(t), "show", "1000"), 66, "", "cannot find task 1000: not found")
	passAndComplete(t, c, g, running)
	if d := show(t, c, waiting); d.State != octaskly.Queued {
		t.Errorf("what waits is %v", d.State)
	}
}

// Of too many tasks the oldest go, whole jobs at a time.
func TestRetentionByNumber(t *testing.T) {
	c := keeping(t, "--retention-age", "30s", "--retention-tasks", "50")
	g := newGate(t)
	running := submit(t, c, append([]string{"--array", "0-99"}, g.command("true")...)...)
	must(t, c, "cancel", running+".1-99") // it counts for nothing while it goes on
	first := submit(t, c, "--array", "0-59", "--", "true")
	second := submit(t, c, "--array", "0-9", "--", "true")
	must(t, c, "wait", first, second)
	awaitGone(t, c, first)
	if d := show(t, c, second); d.State != octaskly.Completed {
		t.Errorf("the second is %v", d.State)
	}
	g.await(t)
	passAndComplete(t, c, g, running)
}

// Of too much output the oldest goes, and of too many inputs; how the tasks ended
// stays.
func TestRetentionBySize(t *testing.T) {
	c := keeping(t, "--retention-age", "30s", "--retention-output", "1MiB")
	input := filepath.Join(t.TempDir(), "input")
	check(t, os.WriteFile(input, make([]byte, 900_000), 0o600))
	reader := submit(t, c, "--stdin", input, "--shell", "head -c 10; exit 3")
	expect(t, c.Ctl(timeout(t), "wait", reader), 3, "", "")
	blobs, err := filepath.Glob(filepath.Join(c.Dir, "dispatcher", "blobs", "*"))
	if len(blobs) != 1 || err != nil {
		t.Fatalf("inputs are %v, %v", blobs, err)
	}
	age := time.Now().Add(-2 * time.Hour)
	check(t, os.Chtimes(blobs[0], age, age))
	var ids []string
	for range 3 {
		ids = append(ids, submit(t, c, "--shell", "head -c 400000 /dev/zero; exit 4"))
		expect(t, c.Ctl(timeout(t), "wait", ids[len(ids)-1]), 4, "", "")
	}
	awaitSuccess(t, func() bool { return outputs(t, c) == 2 })
	if s := stats(t, c); s.Inputs != 0 || s.Output < 800_000 || s.Output > 810_000 {
		t.Errorf("stats: %+v; %+v", s.Tasks, *s.StoreStats)
	}
	expect(t, c.Ctl(timeout(t), "logs", ids[0]), 66, "", "is no longer kept (retention)")
	for _, id := range ids {
		expect(t, c.Ctl(timeout(t), "wait", id), 4, "", "")
	}
	if got := must(t, c, "logs", ids[2]); len(got) != 400_000 {
		t.Errorf("the latest has %d bytes of output", len(got))
	}
	expect(t, c.Ctl(timeout(t), "retry", reader), 66, "", "cannot retry task "+reader+": its input is no longer kept (retention)")
	if d := show(t, c, reader); d.State != octaskly.Failed || len(d.Attempts) != 1 {
		t.Errorf("what cannot be retried is %v with %d attempts", d.State, len(d.Attempts))
	}
	must(t, c, "retry", ids[0])
	expect(t, c.Ctl(timeout(t), "wait", ids[0]), 4, "", "")
}

// A dispatcher that is killed while it removes things goes on when it is back,
// and leaves nothing.
func TestRetentionSurvivesKill(t *testing.T) {
	c := keeping(t, "--retention-age", "4s")
	job := submit(t, c, "--array", "0-149", "--shell", "head -c 70000 /dev/zero")
	must(t, c, "wait", job)
	for range 20 {
		submit(t, c, "--", "true")
	}
	for left := 150; left > 0; {
		awaitSuccess(t, func() bool { return outputs(t, c) < left })
		check(t, c.Dispatcher.Kill())
		left = outputs(t, c)
		start(t, c.Dispatcher)
		if r := c.Ctl(timeout(t), "show", job); r.Code != 66 {
			t.Fatalf("some of its output is gone, and it is back: %+v", r)
		}
	}
	awaitSuccess(t, func() bool { return must(t, c, "ls", "-a", "-o", "quiet") == "" })
	for len(halfRemoved(t, c)) > 0 { // as when it was stopped just now
		start(t, c.Dispatcher)
		awaitSuccess(t, func() bool { return stats(t, c).Removed > 0 })
	}
}

// halfRemoved stops the dispatcher, and lists the jobs that it was about to
// remove. When there are none of those, no row may be left.
func halfRemoved(t *testing.T, c *cluster.Cluster) []octaskly.JobID {
	t.Helper()
	check(t, c.Dispatcher.Stop())
	s, err := store.Open(t.Context(), filepath.Join(c.Dir, "dispatcher", "octaskly.db"), slog.New(slog.DiscardHandler))
	check(t, err)
	defer s.Close()
	left, err := s.Forgotten(t.Context())
	check(t, err)
	rows, err := s.Tasks(t.Context(), 1, nil, 0, 1000)
	check(t, err)
	if len(left) == 0 && len(rows) != 0 {
		t.Errorf("%d rows are left", len(rows))
	}
	return left
}
