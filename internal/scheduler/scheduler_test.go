package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// world is a queue with workers, written down briefly.
type world struct {
	*Queue
	workers []*Worker
	jobs    map[octaskly.JobID]*Job
}

func newWorld(workers ...*Worker) *world {
	return &world{NewQueue(), workers, map[octaskly.JobID]*Job{}}
}

func (w *world) add(id octaskly.JobID, tasks int64, atOnce int, room octaskly.Room, needs ...string) {
	w.jobs[id] = w.NewJob(id, "", atOnce, room, needs)
	w.Wait(w.jobs[id], tasks)
}

// assign gives the picks as "job→worker×n".
func (w *world) assign() string {
	var words []string
	for _, p := range w.Assign(w.workers, 1000) {
		words = append(words, fmt.Sprintf("%d→%s×%d", p.Job.ID, p.Worker.ID, p.N))
	}
	return strings.Join(words, " ")
}

func memory(n int64) octaskly.Room { return octaskly.Room{octaskly.Memory: n} }

func TestAssign(t *testing.T) {
	for _, test := range []struct {
		name  string
		setup func() *world
		want  string
	}{
		{"first in, first out", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 2})
			w.add(2, 5, 0, nil)
			w.add(1, 1, 0, nil)
			return w
		}, "1→a×1 2→a×1"},
		{"fair shares of free slots", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 4}, &Worker{ID: "b", Slots: 2})
			w.add(1, 3, 0, nil)
			return w
		}, "1→a×2 1→b×1"},
		{"a full worker holds up no other", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 1, Held: 1}, &Worker{ID: "b", Slots: 1})
			w.add(1, 5, 0, nil)
			return w
		}, "1→b×1"},
		{"tasks ahead of the slots come last", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 1, Ahead: 2}, &Worker{ID: "b", Slots: 1})
			w.add(1, 10, 0, nil)
			return w
		}, "1→a×3 1→b×1"},
		{"at once", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 9})
			w.add(1, 9, 2, nil)
			w.add(2, 1, 0, nil)
			return w
		}, "1→a×2 2→a×1"},
		{"what nobody can run holds up nobody", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 1, Room: memory(1)})
			w.add(1, 1, 0, memory(2))
			w.add(2, 1, 0, nil, "gpu")
			w.add(3, 1, 0, nil)
			return w
		}, "3→a×1"},
		{"a large task is not starved by small ones", func() *world {
			a := &Worker{ID: "a", Slots: 9, Room: memory(10)}
			a.Take(memory(5))
			w := newWorld(a, &Worker{ID: "b", Slots: 1, Room: memory(4)})
			w.add(1, 1, 0, memory(8))
			w.add(2, 3, 0, memory(2))
			return w
		}, "2→b×1"},
		{"features", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 1}, &Worker{ID: "b", Slots: 1, Features: []string{"gpu"}})
			w.add(1, 2, 0, nil, "gpu")
			return w
		}, "1→b×1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.setup().assign(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever comes and goes, no worker is given more than it has, no job more than
// it may, nothing that fits waits, and no task is lost or doubled.
func TestAssignKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for i := range rapid.IntRange(1, 4).Draw(t, "workers") {
			w.workers = append(w.workers, &Worker{
				ID:    octaskly.WorkerID(rune('a' + i)),
				Slots: rapid.IntRange(1, 4).Draw(t, "slots"), Ahead: rapid.IntRange(0, 3).Draw(t, "ahead"),
				Room: memory(rapid.Int64Range(0, 8).Draw(t, "memory")),
			})
		}
		type placed struct {
			job    *Job
			worker *Worker
		}
		var with []placed
		total := map[octaskly.JobID]int64{}
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "event") {
			case 0:
				id := octaskly.JobID(step + 1)
				ask := octaskly.Room(nil)
				if n := rapid.Int64Range(0, 9).Draw(t, "ask"); n > 0 {
					ask = memory(n)
				}
				total[id] = rapid.Int64Range(1, 6).Draw(t, "tasks")
				w.add(id, total[id], rapid.IntRange(0, 3).Draw(t, "at once"), ask)
			case 1:
				for range min(len(with), rapid.IntRange(0, 3).Draw(t, "end")) {
					p := with[0]
					with = with[1:]
					p.worker.Leave(p.job.Ask())
					w.Release(p.job, 1)
					total[p.job.ID]--
				}
			}
			for _, p := range w.Assign(w.workers, 1000) {
				for range p.N {
					with = append(with, placed{p.Job, p.Worker})
				}
			}
			for _, x := range w.workers {
				if x.Held > x.Slots+x.Ahead {
					t.Fatalf("worker %s holds %d of %d+%d", x.ID, x.Held, x.Slots, x.Ahead)
				}
			}
			for id, j := range w.jobs {
				if j.Waiting+j.Active != total[id] || j.Waiting < 0 {
					t.Fatalf("job %d: %d wait and %d are placed, of %d", id, j.Waiting, j.Active, total[id])
				}
				if j.AtOnce > 0 && j.Active > int64(j.AtOnce) {
					t.Fatalf("job %d: %d at once, %d may", id, j.Active, j.AtOnce)
				}
				if j.ready() > 0 && len(j.Ask()) == 0 && CouldStart(j, w.workers) && !w.anyWaitsForRoom() {
					t.Fatalf("job %d waits though a worker is free", id)
				}
			}
		}
	})
}

func (w *world) anyWaitsForRoom() bool {
	for _, j := range w.jobs {
		if j.ready() > 0 && len(j.Ask()) > 0 {
			return true
		}
	}
	return false
}

func TestLevel(t *testing.T) {
	a, b := &Worker{ID: "a", Slots: 1, Held: 5}, &Worker{ID: "b", Slots: 2, Held: 0}
	got := Level([]*Worker{a, b})
	if len(got) != 1 || got[0].Worker != a || got[0].N != 2 {
		t.Errorf("got %v, want two tasks back from a", got)
	}
	if got := Level([]*Worker{a}); len(got) != 0 {
		t.Errorf("got %v, want nothing: no other worker is free", got)
	}
}

func BenchmarkAssign(b *testing.B) {
	workers := make([]*Worker, 1000)
	for i := range workers {
		workers[i] = &Worker{ID: octaskly.WorkerID(fmt.Sprint(i)), Slots: 1 << 30}
	}
	q := NewQueue()
	j := q.NewJob(1, "", 0, nil, nil)
	q.Wait(j, int64(b.N))
	for n := b.N; n > 0; n -= 1000 {
		q.Assign(workers, min(n, 1000))
	}
}
