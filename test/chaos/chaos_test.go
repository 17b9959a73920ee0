package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/test/cluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A few rounds of disasters, another seed each time: what fails says its seed.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	var stdout, stderr bytes.Buffer
	args := []string{"-rounds", "12", "-lease", "1s"}
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, stderr.String(), stdout.String())
	}
	t.Log(stdout.String())
}

var someFleet = fleet{Inside: []string{"w1", "w2"}, Apart: []string{"a1"}}

// The same seed plans the same, and another one something else.
func TestSeed(t *testing.T) {
	plan := func(seed uint64) string { return fmt.Sprint(draw(seed, 50, time.Second, someFleet)) }
	orders := func(seed uint64) (all []*order) {
		c := newCatalogue(seed, time.Second, []string{"attempt"})
		for range 50 {
			all = append(all, c.next())
		}
		return all
	}
	if first, again := plan(1), plan(1); first != again || first == plan(2) {
		t.Error("the plan is not the seed's")
	}
	if diff := cmp.Diff(orders(1), orders(1)); diff != "" {
		t.Errorf("the same seed orders otherwise:\n%s", diff)
	}
	if cmp.Equal(orders(1), orders(2)) {
		t.Error("another seed orders the same")
	}
}

// What a plan must not do to the promises that it is to test.
func TestPlan(t *testing.T) {
	const lease = time.Second
	seen := map[kind]bool{}
	for _, r := range draw(3, 2000, lease, someFleet) {
		places := map[string]bool{}
		for _, d := range r {
			seen[d.Kind] = true
			if places[d.place()] {
				t.Errorf("two disasters befall %s at once: %v", d.place(), r)
			}
			places[d.place()] = true
			executor := d.Target == executorOf("a1")
			if executor && (d.Kind == kill || d.Kind == freeze && d.For > lease/8) {
				t.Errorf("an executor apart suffers %v", d)
			}
			if d.After+d.For > 2*lease {
				t.Errorf("%v takes too long", d)
			}
		}
		steps := r.steps()
		if !slices.IsSortedFunc(steps, func(a, b step) int { return int(a.at - b.at) }) {
			t.Errorf("steps are out of order: %v", steps)
		}
	}
	for _, k := range menu {
		if !seen[k] {
			t.Errorf("%s never comes", k)
		}
	}
}

func TestReadLedger(t *testing.T) {
	text := "start c1 42.7 2 w1 99 1500000000\nalive c1 42.7 2 w1 99 1600000000\nend c1 42.7 2 w1 99 2000000000 3\n"
	got, err := readLedger(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	m := mark{Word: "start", Tag: "c1", Task: "42.7", Attempt: 2, Worker: "w1", PID: 99, At: boottime(1500 * time.Millisecond)}
	alive, end := m, m
	alive.Word, alive.At = "alive", boottime(1600*time.Millisecond)
	end.Word, end.At, end.Code = "end", boottime(2*time.Second), 3
	if diff := cmp.Diff(map[string][]mark{"42.7": {m, alive, end}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, bad := range []string{"", "start", "start c1 42 x w1 99 1", "end c1 42 1 w1 99 1", "start c1 42 1 w1 99 1start c1 42 1 w1 99 1"} {
		if _, err := readLedger(strings.NewReader(bad + "\n")); err == nil {
			t.Errorf("%q is taken for a mark", bad)
		}
	}
}

func TestGrown(t *testing.T) {
	before := map[string]size{"w1": {20, 30e6}, "w2": {20, 30e6}, "w3": {20, 30e6}}
	after := map[string]size{"w1": {25, 60e6}, "w2": {60, 30e6}, "w3": {20, 300e6}}
	got := grown(before, after)
	if len(got) != 2 || !strings.HasPrefix(got[0], "w2") || !strings.HasPrefix(got[1], "w3") {
		t.Errorf("%q have grown, want w2 and w3", got)
	}
	now, err := sizeOf(os.Getpid())
	if err != nil || now.files == 0 || now.rss < 1e6 {
		t.Errorf("this process has %v, %v", now, err)
	}
}

func TestStrayOutputs(t *testing.T) {
	r := &rig{}
	r.cluster = &cluster.Cluster{Dir: t.TempDir()}
	dir := filepath.Join(r.cluster.Dir, dispatcherName)
	for _, path := range []string{"output/7/0.2", "output/7/0.1", "output/8/3.1", "blobs/abc"} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := clean()
	h.Want.Stdout = 1e6
	h.Stored[1].Stdout = 1e6
	element := &history{Task: "8.2", Want: h.Want, Stored: h.Stored[1:]}
	got, err := r.strayOutputs([]*history{h, element}, nil)
	want := []string{
		"blobs/abc belongs to nobody", "output/7/0.1 belongs to nobody", "output/8/2.2 is missing", "output/8/3.1 belongs to nobody",
	}
	if !slices.Equal(got, want) || err != nil {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	job := &entry{order: &order{Input: "x"}}
	job.Submission.Stdin = octaskly.Blob("abc")
	if got, _ := r.strayOutputs(nil, []*entry{job}); slices.Contains(got, want[0]) {
		t.Errorf("a job's input belongs to nobody: %q", got)
	}
}
