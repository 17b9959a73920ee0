package executor

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/protocol"
)

func TestFIFO(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	var all []*Attempt
	for range 20 {
		all = append(all, r.attempt(octaskly.Spec{Argv: []string{"true"}}))
	}
	r.Offer(all)
	for _, a := range all {
		r.end(a.ID)
	}
	for i := range all[1:] {
		before, after := r.finished[all[i].ID].End, r.finished[all[i+1].ID].End
		if after.StartedAt.Before(before.EndedAt) {
			t.Errorf("attempt %d began at %v, before %v, the end of the one before it", i+1, after.StartedAt, before.EndedAt)
		}
	}
}

func TestRecall(t *testing.T) {
	cfg := config(t)
	cfg.Slots = 1
	r := newRig(t, cfg)
	running := r.offer(octaskly.Spec{Argv: []string{"sleep", "1000"}})
	r.begin(running)
	var queued []octaskly.AttemptID
	for range 3 {
		queued = append(queued, r.offer(shell("exit 0")))
	}
	ids := append([]octaskly.AttemptID{running, {Job: 999}}, queued[:2]...)
	if got := r.Recall(ids); !slices.Equal(got, queued[:2]) {
		t.Errorf("recalled %v, want %v", got, queued[:2])
	}
	if got := r.Recall(ids); len(got) > 0 {
		t.Errorf("recalled %v twice", got)
	}
	if _, held := r.Held(); len(held) != 2 || r.Idle() {
		t.Errorf("held %+v, idle %v", held, r.Idle())
	}
	r.Stop(running, true)
	wantEnd(t, r.end(queued[2]), octaskly.Completed, "")
	if !r.Idle() {
		t.Error("not idle")
	}
	// What was recalled may come back.
	r.Offer([]*Attempt{{ID: queued[0], Generation: "g", Spec: &octaskly.Spec{Argv: []string{"true"}}}})
	wantEnd(t, r.end(queued[0]), octaskly.Completed, "")
}

func TestRoom(t *testing.T) {
	cfg := config(t)
	cfg.Slots, cfg.Room = 3, octaskly.Room{octaskly.CPU: 2000, octaskly.Memory: 100}
	r := newRig(t, cfg)
	g := newGate(t)
	sleeper := func(cpu, memory int64) octaskly.Spec {
		spec := shell("echo > " + g.path + "; exec sleep 1000")
		spec.Room = octaskly.Room{octaskly.CPU: cpu, octaskly.Memory: memory}
		return spec
	}
	first := r.offer(sleeper(1000, 60))
	r.begin(first)
	g.reached()
	head := r.offer(sleeper(1000, 60)) // lacks memory
	behind := r.offer(sleeper(500, 10))
	if _, held := r.Held(); len(held) != 3 {
		t.Fatalf("held %+v", held)
	}
	// Nothing overtakes the head, though a slot and room are free.
	small := r.offer(octaskly.Spec{Argv: []string{"true"}})
	for _, id := range []octaskly.AttemptID{head, behind, small} {
		if e := r.entries[id]; e.phase != queued {
			t.Errorf("attempt %v has started", id)
		}
	}
	r.Stop(first, true)
	g.reached()
	g.reached()
	wantEnd(t, r.end(small), octaskly.Completed, "")
	r.Stop(head, true)
	r.Stop(behind, true)
	all := octaskly.Spec{Argv: []string{"true"}, Room: octaskly.Room{octaskly.CPU: 2000, octaskly.Memory: 100}}
	wantEnd(t, r.run(all), octaskly.Completed, "")
	wantEnd(t, r.run(all), octaskly.Completed, "")
	r.mu.Lock()
	defer r.mu.Unlock()
	if fmt.Sprint(r.free) != fmt.Sprint(cfg.Room) {
		t.Errorf("free is %v, want all %v", r.free, cfg.Room)
	}
}

// TestRecallOfTheHead wants what waited behind it to start.
func TestRecallOfTheHead(t *testing.T) {
	cfg := config(t)
	cfg.Room = octaskly.Room{octaskly.CPU: 1000}
	r := newRig(t, cfg)
	room := octaskly.Room{octaskly.CPU: 1000}
	running := r.offer(octaskly.Spec{Argv: []string{"sleep", "1000"}, Room: room})
	r.begin(running)
	for _, remove := range []func(octaskly.AttemptID){
		func(id octaskly.AttemptID) { r.Recall([]octaskly.AttemptID{id}) },
		func(id octaskly.AttemptID) { r.Stop(id, false) },
		func(id octaskly.AttemptID) { r.Stop(id, true) },
	} {
		head := r.offer(octaskly.Spec{Argv: []string{"true"}, Room: room})
		behind := r.offer(octaskly.Spec{Argv: []string{"true"}})
		remove(head)
		wantEnd(t, r.end(behind), octaskly.Completed, "")
	}
	r.Stop(running, true)
}

func TestRefused(t *testing.T) {
	cfg := config(t)
	cfg.Room = octaskly.Room{octaskly.CPU: 1000}
	r := newRig(t, cfg)
	for _, tt := range []struct {
		spec           octaskly.Spec
		reason, detail string
	}{
		{octaskly.Spec{Needs: []string{"stdin", "sandbox:strict"}}, "unenforceable:sandbox:strict", `worker "rig" does not offer sandbox:strict`},
		{octaskly.Spec{Room: octaskly.Room{octaskly.CPU: 1001}}, "unenforceable:cpu", "1001"},
		{octaskly.Spec{Room: octaskly.Room{"gpu": 1}}, "unenforceable:gpu", "gpu"},
	} {
		tt.spec.Argv = []string{"true"}
		f := r.run(tt.spec)
		wantEnd(t, f, octaskly.Failed, octaskly.Reason(tt.reason))
		if !strings.Contains(f.End.Detail, tt.detail) || !f.End.StartedAt.IsZero() {
			t.Errorf("%+v, want a detail with %q", f.End, tt.detail)
		}
	}
	wantEnd(t, r.run(octaskly.Spec{Argv: []string{"true"}, Needs: r.Features()}), octaskly.Completed, "")
}

// TestTake wants an attempt to be told as started or as ended, never as started
// after its end, and never twice.
func TestTake(t *testing.T) {
	r := newRig(t, config(t))
	g := newGate(t)
	id := r.offer(shell("read x < " + g.door))
	<-r.Wake()
	started, finished := r.Take()
	if len(started) != 1 || started[0].ID != id || len(finished) != 0 {
		t.Fatalf("took %+v and %+v, want the start of %v", started, finished, id)
	}
	if _, held := r.Held(); len(held) != 1 || held[0].State != octaskly.Running || !held[0].StartedAt.Equal(started[0].At) {
		t.Errorf("held %+v", held)
	}
	g.pass()
	<-r.Wake()
	started, finished = r.Take()
	if len(started) != 0 || len(finished) != 1 || !finished[0].End.StartedAt.Equal(r.Unacknowledged()[0].End.StartedAt) {
		t.Errorf("took %+v and %+v, want the end", started, finished)
	}
	if started, finished = r.Take(); len(started)+len(finished) > 0 {
		t.Errorf("took %+v and %+v once more", started, finished)
	}

	spec := octaskly.Spec{Argv: []string{"true"}}
	both := r.offer(spec)
	for len(r.Unacknowledged()) < 2 {
		<-r.Wake()
	}
	started, finished = r.Take()
	if len(started) != 0 || len(finished) != 1 || finished[0].ID != both {
		t.Errorf("took %+v and %+v, want only the end of %v", started, finished, both)
	}
	r.Release([]octaskly.AttemptID{id, both})
	if _, held := r.Held(); len(held) > 0 {
		t.Errorf("held %+v after the release", held)
	}
}

// TestFull wants an executor to hold no more than a hello can tell of.
func TestFull(t *testing.T) {
	r := newRig(t, config(t))
	spec := shell("exec sleep 1000")
	attempts := make([]*Attempt, maxHeld+1)
	for i := range attempts {
		attempts[i] = &Attempt{ID: octaskly.AttemptID{Job: 1, Index: octaskly.Index(i), Number: 1}, Generation: "g", Spec: &spec, Array: true}
	}
	if err := r.Offer(attempts); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want ErrFull", err)
	}
	generation, held := r.Held()
	if len(held) != maxHeld {
		t.Errorf("%d attempts are held", len(held))
	}
	hello := &protocol.FromWorker{Hello: &protocol.Hello{Generation: generation, Held: held}}
	if err := protocol.NewWriter(io.Discard).Write(hello); err != nil {
		t.Error(err)
	}
}
