package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// fits is what Blockers is held to, written down anew.
func fits(w *Worker, ask octaskly.Room, needs []string) bool {
	for _, need := range needs {
		if !slices.Contains(w.Features, need) {
			return false
		}
	}
	for name, n := range ask {
		if n > w.Room[name]-w.Used[name] {
			return false
		}
	}
	return w.Held < w.Slots
}

func drawWorker(t *rapid.T, id octaskly.WorkerID) *Worker {
	w := &Worker{ID: id, Slots: rapid.IntRange(0, 3).Draw(t, "slots"), Room: drawRoom(t, 8), Features: drawNeeds(t)}
	for range rapid.IntRange(0, 3).Draw(t, "held") {
		w.Take(drawRoom(t, 4))
	}
	return w
}

func drawRoom(t *rapid.T, most int64) octaskly.Room {
	room := octaskly.Room{}
	for _, name := range []string{octaskly.CPU, octaskly.Memory, "gpu"} {
		if n := rapid.Int64Range(0, most).Draw(t, name); n > 0 {
			room[name] = n
		}
	}
	return room
}

func drawNeeds(t *rapid.T) (needs []string) {
	for _, f := range []string{"level:strict", "limit:disk"} {
		if rapid.Bool().Draw(t, f) {
			needs = append(needs, f)
		}
	}
	return needs
}

// A task fits a worker if and only if nothing is said to keep it from there, and
// it is placed if and only if there is such a worker.
func TestFitsIsNoBlocker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for i := range rapid.IntRange(0, 4).Draw(t, "workers") {
			w.workers = append(w.workers, drawWorker(t, octaskly.WorkerID(rune('a'+i))))
		}
		ask, needs := drawRoom(t, 6), drawNeeds(t)
		j := w.NewJob(1, "", 0, ask, needs)
		w.Wait(j, 1)
		var open []*Worker
		for _, x := range w.workers {
			blockers := w.Blockers(x, j)
			if fits(x, ask, needs) != (len(blockers) == 0) {
				t.Fatalf("it fits %+v: %v, and what keeps it is %+v", x, fits(x, ask, needs), blockers)
			}
			if lasts := slices.ContainsFunc(blockers, Blocker.Lasting); lasts == CouldEver(j, []*Worker{x}) {
				t.Fatalf("%+v could ever run it: %v, %+v", x, !lasts, blockers)
			}
			if len(blockers) == 0 {
				open = append(open, x)
			}
		}
		picks := w.Assign(w.workers, 10)
		if (len(picks) == 1) != (len(open) > 0) || len(picks) > 0 && !slices.Contains(open, picks[0].Worker) {
			t.Fatalf("placed are %+v, open to it are %+v", picks, open)
		}
	})
}

// What still waits when all has been placed is held up, or kept from each worker.
func TestWhatWaitsIsExplained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.Limit(func(owner string) int64 { return map[string]int64{"ann": 2}[owner] })
		for i := range rapid.IntRange(0, 4).Draw(t, "workers") {
			w.workers = append(w.workers, drawWorker(t, octaskly.WorkerID(rune('a'+i))))
			w.workers[i].Ahead = rapid.IntRange(0, 2).Draw(t, "ahead")
		}
		total := int64(0)
		for i := range rapid.IntRange(1, 6).Draw(t, "jobs") {
			id := octaskly.JobID(i + 1)
			owner := rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "owner")
			w.jobs[id] = w.NewJob(id, owner, rapid.IntRange(0, 2).Draw(t, "at once"), drawRoom(t, 6), drawNeeds(t))
			w.jobs[id].Later = rapid.IntRange(0, 5).Draw(t, "later") == 0
			w.Wait(w.jobs[id], rapid.Int64Range(0, 4).Draw(t, "tasks"))
		}
		w.Assign(w.workers, 1000)
		for _, j := range w.jobs {
			if !j.Later {
				total += j.Waiting
			}
			if (j.ready() > 0 && !j.owner.full()) != (len(j.Holds()) == 0 && j.Waiting > 0) {
				t.Fatalf("job %d: %d of %d may be placed, and it is held up by %+v", j.ID, j.ready(), j.Waiting, j.Holds())
			}
			if j.Waiting == 0 || len(j.Holds()) > 0 {
				continue
			}
			for _, x := range w.workers {
				if len(w.Blockers(x, j)) == 0 {
					t.Fatalf("job %d waits, and nothing keeps it from %+v", j.ID, x)
				}
			}
		}
		for _, why := range w.Waiting(w.workers, "") {
			if total -= why.Tasks; why.Tasks <= 0 || why.Why == "" {
				t.Fatalf("%+v", why)
			}
		}
		if total != 0 {
			t.Fatalf("%d more wait than are counted: %+v", total, w.Waiting(w.workers, ""))
		}
	})
}

// withFree has all that TestBlockers asks for, but for memory.
func withFree(n int64) *Worker {
	w := &Worker{ID: "f", Slots: 2, Room: octaskly.Room{octaskly.Memory: 10, octaskly.CPU: 5}, Features: []string{"level:strict"}}
	w.Take(memory(10 - n))
	return w
}

func TestBlockers(t *testing.T) {
	busy := &Worker{ID: "a", Slots: 1, Room: octaskly.Room{octaskly.Memory: 10, octaskly.CPU: 4}}
	busy.Take(octaskly.Room{octaskly.Memory: 7})
	for _, test := range []struct {
		name   string
		worker *Worker
		want   string
	}{
		{"all at once", busy, "lacks level:strict/0/0/0 small cpu/5/4/4 slots /1/1/0 used memory/8/10/3"},
		{"it has nothing", &Worker{ID: "b"}, "lacks level:strict/0/0/0 no-slots /1/0/0 small cpu/5/0/0 small memory/8/0/0"},
		{"it lacks one byte", withFree(7), "used memory/8/10/7"},
		{"it has as much as it takes", withFree(8), ""},
		{"it fits", &Worker{ID: "c", Slots: 1, Room: octaskly.Room{octaskly.Memory: 8, octaskly.CPU: 5}, Features: []string{"level:strict"}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := NewQueue()
			j := q.NewJob(1, "", 0, octaskly.Room{octaskly.Memory: 8, octaskly.CPU: 5}, []string{"level:strict"})
			var words []string
			for _, b := range q.Blockers(test.worker, j) {
				words = append(words, fmt.Sprintf("%s %s/%d/%d/%d", b.Why, b.Of, b.Asked, b.Has, b.Free))
			}
			if got := strings.Join(words, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A worker that is kept free for a large task tells the younger ones for which.
func TestReservedIsToldToTheYounger(t *testing.T) {
	a := &Worker{ID: "a", Slots: 9, Room: memory(10)}
	a.Take(memory(5))
	w := newWorld(a)
	w.add(1, 1, 0, memory(2))
	w.add(2, 1, 0, memory(8))
	w.add(3, 1, 0, memory(1))
	if got := w.assign(); got != "1→a×1" {
		t.Fatalf("placed are %s", got)
	}
	if got := w.Blockers(a, w.jobs[3]); len(got) != 1 || got[0].Why != Reserved || got[0].For != 2 {
		t.Errorf("job 3 is kept from it by %+v", got)
	}
	if got := w.Blockers(a, w.jobs[2]); len(got) != 1 || got[0].Why != Used {
		t.Errorf("job 2 is kept from it by %+v", got)
	}
	if jobs, tasks := w.Ahead(w.jobs[3]); jobs != 1 || tasks != 1 {
		t.Errorf("ahead of job 3 are %d jobs, %d tasks", jobs, tasks)
	}
}

func TestWaiting(t *testing.T) {
	a, b := &Worker{ID: "a", Slots: 1, Room: memory(4)}, &Worker{ID: "b", Slots: 1, Room: memory(4)}
	w := newWorld(a, b)
	w.Limit(func(owner string) int64 { return map[string]int64{"ann": 1}[owner] })
	w.addOf(1, "ann", 5, nil)
	w.add(2, 7, 1, nil)
	w.add(3, 9, 0, nil, "level:strict")
	w.add(4, 3, 0, memory(5))
	w.add(5, 2, 0, nil)
	w.assign()
	if got, want := fmt.Sprint(w.Waiting(w.workers, "")), "[{lacks level:strict 9} {at-once  6} {quota  4} {small memory 3} {slots  2}]"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := fmt.Sprint(w.Waiting(w.workers, "ann")), "[{quota  4}]"; got != want {
		t.Errorf("of ann: got %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(w.Waiting(nil, "ann")), "[{quota  4}]"; got != want {
		t.Errorf("without workers: got %s, want %s", got, want)
	}
}
