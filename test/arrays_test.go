package test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A million elements are one row and some ranges.
func TestMillion(t *testing.T) {
	c := cluster.Open(t, cluster.Options{})
	start(t, c.Dispatcher)
	submit(t, c, "--", "true") // memory that any first submit takes
	before := rss(t, c.Dispatcher.PID())
	id := submit(t, c, "--array", "0-999999", "--", "true")
	if grown := rss(t, c.Dispatcher.PID()) - before; grown > 4<<20 {
		t.Errorf("a million elements take %d KiB of memory", grown>>10)
	}
	if d := show(t, c, id); d.Tasks != 1_000_000 || d.Counts["queued"] != 1_000_000 || d.Queued != "0-999999" {
		t.Errorf("%+v", d)
	}
	must(t, c, "cancel", id+".5-999997")
	d := show(t, c, id)
	if d.Counts["cancelled"] != 999_993 || d.Queued != "0-4,999998-999999" || d.Dropped != "5-999997" {
		t.Errorf("after the cancel: %+v", d)
	}
	if d := show(t, c, id+".77"); d.State != octaskly.Cancelled {
		t.Errorf("element 77 is %v", d.State)
	}
	check(t, c.Dispatcher.Kill())
	start(t, c.Dispatcher)
	if again := show(t, c, id); again.Queued != d.Queued || again.Dropped != d.Dropped {
		t.Errorf("after a restart: %+v", again)
	}
	start(t, c.Worker("w1"))
	if r := c.Ctl(timeout(t), "wait", id); r.Code != 1 {
		t.Errorf("wait: %+v", r)
	}
	if d := show(t, c, id); d.Counts["completed"] != 7 || d.State != octaskly.Cancelled {
		t.Errorf("at the end: %+v", d)
	}
	must(t, c, "retry", id+".5-6")
	if r := c.Ctl(timeout(t), "wait", id); r.Code != 1 {
		t.Errorf("wait: %+v", r)
	}
	if d := show(t, c, id); d.Counts["completed"] != 9 || d.Dropped != "7-999997" {
		t.Errorf("after the retry: %+v", d)
	}
}

// rss is the resident memory of a process in bytes.
func rss(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/" + itoa(pid) + "/statm")
	check(t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	check(t, err)
	return pages * int64(os.Getpagesize())
}

// Every element gets its own environment, and what it prints comes back in
// order.
func TestElements(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	r := c.Ctl(timeout(t), "run", "--array", "1-9:4", "--shell", `echo $OCTASKLY_TASK_ID $OCTASKLY_JOB_ID $OCTASKLY_ARRAY_INDEX $OCTASKLY_ATTEMPT $OCTASKLY_WORKER`)
	expect(t, r, 0, "1.1 1 1 1 w1\n1.5 1 5 1 w1\n1.9 1 9 1 w1\n", "")
}

// No more of an array run at the same time than it may.
func TestAtOnce(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	dir := t.TempDir()
	// Each element makes a file while it runs and counts those that are there.
	script := `cd ` + dir + `; : > $OCTASKLY_ARRAY_INDEX; ls | wc -l; sleep 0.05; rm $OCTASKLY_ARRAY_INDEX`
	r := c.Ctl(timeout(t), "run", "--array", "0-19%2", "--shell", script)
	most := 0
	for _, line := range strings.Fields(r.Stdout) {
		n, _ := strconv.Atoi(line)
		most = max(most, n)
	}
	if r.Code != 0 || most != 2 {
		t.Errorf("%d ran at the same time: %+v", most, r)
	}
}

// Both workers get their share, and a full one does not hold up the other.
func TestFairShares(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	start(t, c.Worker("w2"))
	r := c.Ctl(timeout(t), "run", "--array", "0-15", "--shell", `echo $OCTASKLY_WORKER; sleep 0.3`)
	w1, w2 := strings.Count(r.Stdout, "w1"), strings.Count(r.Stdout, "w2")
	if r.Code != 0 || w1 != 8 || w2 != 8 {
		t.Errorf("w1 ran %d, w2 ran %d: %+v", w1, w2, r)
	}
}

// Ten long tasks do not queue behind one worker while another is idle, although
// many short ones came before them.
func TestLongTasksSpread(t *testing.T) {
	c := cluster.Start(t, cluster.Options{})
	must(t, c, "run", "--array", "0-499", "--", "true")
	g := newGate(t)
	_ = g
	began := time.Now()
	long := submit(t, c, "--array", "0-7", "--shell", `sleep 1; echo $OCTASKLY_WORKER`)
	start(t, c.Worker("w2"))
	must(t, c, "wait", long)
	took := time.Since(began)
	out := must(t, c, "logs", long)
	if !strings.Contains(out, "w2") {
		t.Errorf("after %v: %q", took, out)
	}
}
