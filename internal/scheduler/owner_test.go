package scheduler

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// addOf is add for somebody's job.
func (w *world) addOf(id octaskly.JobID, owner string, tasks int64, room octaskly.Room) {
	w.jobs[id] = w.NewJob(id, owner, 0, room, nil)
	w.Wait(w.jobs[id], tasks)
}

func TestOwnersLimit(t *testing.T) {
	limits := func(owner string) int64 { return map[string]int64{"ann": 2, "bob": -1}[owner] }
	for _, test := range []struct {
		name  string
		setup func() *world
		want  string
	}{
		{"he is passed over when he has what he may", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 5})
			w.Limit(limits)
			w.addOf(1, "ann", 9, nil)
			w.addOf(2, "bob", 2, nil)
			return w
		}, "1→a×2 2→a×2"},
		{"over all his jobs and shapes", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 5, Room: memory(9)})
			w.Limit(limits)
			w.addOf(1, "ann", 1, nil)
			w.addOf(2, "ann", 9, memory(1))
			w.addOf(3, "ann", 9, nil)
			return w
		}, "1→a×1 2→a×1"},
		{"nothing goes ahead of the slots for him", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 1, Ahead: 5})
			w.Limit(limits)
			w.addOf(1, "ann", 9, nil)
			return w
		}, "1→a×2"},
		{"a full owner reserves nothing", func() *world {
			w := newWorld(&Worker{ID: "a", Slots: 9, Room: memory(10)})
			w.Limit(limits)
			w.addOf(1, "ann", 3, memory(5))
			w.addOf(2, "bob", 1, nil)
			return w
		}, "1→a×2 2→a×1"},
		{"two owners of one shape reserve one worker", func() *world {
			a, b := &Worker{ID: "a", Slots: 9, Room: memory(10)}, &Worker{ID: "b", Slots: 9, Room: memory(10)}
			a.Take(memory(9))
			b.Take(memory(9))
			w := newWorld(a, b)
			w.addOf(1, "ann", 1, memory(8))
			w.addOf(2, "bob", 1, memory(8))
			w.addOf(3, "eve", 1, memory(1))
			return w
		}, "3→b×1 1→b×1 2→b×1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.setup().assign(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestFull(t *testing.T) {
	w := newWorld(&Worker{ID: "a", Slots: 9})
	w.Limit(func(string) int64 { return 2 })
	w.addOf(1, "ann", 3, nil)
	if most, full := w.jobs[1].Full(); full || w.Held() {
		t.Errorf("before: %d, %v, held %v", most, full, w.Held())
	}
	w.assign()
	if most, full := w.jobs[1].Full(); most != 2 || !full || !w.Held() {
		t.Errorf("after: %d, %v, held %v", most, full, w.Held())
	}
	w.Limit(func(string) int64 { return 3 })
	if got := w.assign(); got != "1→a×1" || w.Held() {
		t.Errorf("with more: %s, held %v", got, w.Held())
	}
	w.Limit(func(string) int64 { return 1 }) // what is there stays
	w.Release(w.jobs[1], 2)
	w.Wait(w.jobs[1], 1)
	if got := w.assign(); got != "" {
		t.Errorf("with less: %s", got)
	}
	w.Wait(w.jobs[1], -1)
	w.Release(w.jobs[1], 1)
	w.Forget(w.jobs[1])
	if len(w.owners) != 0 || len(w.lines) != 0 {
		t.Errorf("left are %v, %v", w.owners, w.lines)
	}
}

// Whatever comes, ends and is allowed: nobody is given more than he may have, who
// may have more does not wait while a slot is free, and nobody waits for ever
// behind one who may not.
func TestOwnersLimitHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for i := range rapid.IntRange(1, 3).Draw(t, "workers") {
			w.workers = append(w.workers, &Worker{
				ID: octaskly.WorkerID(rune('a' + i)), Slots: rapid.IntRange(1, 4).Draw(t, "slots"), Ahead: rapid.IntRange(0, 3).Draw(t, "ahead"),
			})
		}
		type placed struct {
			job    *Job
			worker *Worker
		}
		var with []placed
		owners, most, has := []string{"ann", "bob", "eve"}, map[string]int64{}, map[string]int64{}
		draw := func() {
			for _, o := range owners {
				most[o] = rapid.Int64Range(-1, 4).Draw(t, "most of "+o)
			}
			w.Limit(func(o string) int64 { return most[o] })
		}
		draw()
		leave := func(n int) {
			for _, p := range with[:n] {
				p.worker.Leave(p.job.Ask())
				w.Release(p.job, 1)
				has[p.job.owner.name]--
			}
			with = with[n:]
		}
		place := func() {
			before := map[string]int64{}
			for o, n := range has {
				before[o] = n
			}
			for _, p := range w.Assign(w.workers, 1000) {
				has[p.Job.owner.name] += p.N
				for range p.N {
					with = append(with, placed{p.Job, p.Worker})
				}
			}
			free := 0
			for _, x := range w.workers {
				free += max(0, x.Slots-x.Held)
			}
			for _, o := range owners {
				if has[o] > before[o] && most[o] > 0 && has[o] > most[o] {
					t.Fatalf("%s has %d, %d may", o, has[o], most[o])
				}
			}
			for id, j := range w.jobs {
				o := j.owner.name
				if has[o] != j.owner.active {
					t.Fatalf("%s has %d, counted are %d", o, has[o], j.owner.active)
				}
				if may := most[o] <= 0 || has[o] < most[o]; j.Waiting > 0 && may && free > 0 {
					t.Fatalf("job %d of %s waits, %d slots are free, he has %d of %d", id, o, free, has[o], most[o])
				}
			}
		}
		for step := range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				w.addOf(octaskly.JobID(step+1), rapid.SampledFrom(owners).Draw(t, "owner"), rapid.Int64Range(1, 6).Draw(t, "tasks"), nil)
			case 1:
				leave(rapid.IntRange(0, len(with)).Draw(t, "end"))
			case 2:
				draw()
			}
			place()
		}
		for range 300 { // and all of it ends
			leave(len(with))
			place()
		}
		for id, j := range w.jobs {
			if j.Waiting+j.Active > 0 {
				t.Fatalf("job %d of %s still waits", id, j.owner.name)
			}
		}
	})
}
