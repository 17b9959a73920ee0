package executor

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/octaskly/octaskly/internal/procfs"
)

func FuzzGuardFrame(f *testing.F) {
	for _, frame := range guardFrames {
		text, err := frame.append(nil)
		check(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := parseGuardFrame(text)
		if err != nil {
			return
		}
		again, err := frame.append(nil)
		if err != nil || string(again) != string(text) {
			t.Errorf("%q is read as %+v, which is %q, %v", text, frame, again, err)
		}
	})
}

var guardFrames = []guardFrame{
	{kind: guardDone, id: 7},
	{kind: guardBegin, id: 1<<64 - 1},
	{kind: guardBegin, id: 7, marks: []string{"OCTASKLY_GENERATION=g", "OCTASKLY_TASK_ID=42", "OCTASKLY_ATTEMPT=1"}},
	{kind: guardLead, id: 7, value: 4711, start: 123456},
	{kind: guardUntil, value: 1<<63 - 1},
	{kind: guardOver, id: 7},
}

// The guard of an older program is told by a newer one.
func TestGuardFrames(t *testing.T) {
	golden := "\x03\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x07" + "\x00\x00\x00\x00\x00\x00\x12\x67" + "\x00\x00\x00\x00\x00\x01\xe2\x40"
	if text, err := guardFrames[3].append(nil); err != nil || string(text) != golden {
		t.Errorf("%q, %v", text, err)
	}
	for _, want := range guardFrames {
		text, err := want.append(nil)
		check(t, err)
		got, err := parseGuardFrame(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(guardFrame{})); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	for _, bad := range []string{"", golden[:31], golden + "x", "\x09" + golden[1:], "\x03\x01" + golden[2:], "\x00" + golden[1:] + "mark\x00"} {
		if f, err := parseGuardFrame([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, f)
		}
	}
}

// dummy is killed at a moment, and dies of so many KILLs.
type dummy struct {
	lives  int
	killed int
	closed bool
}

func (d *dummy) kill(time.Duration) bool { d.killed++; return d.killed > d.lives }
func (d *dummy) lead(int, uint64)        {}
func (d *dummy) close()                  { d.closed = true }

func TestWatch(t *testing.T) {
	w := watch{wards: map[uint64]*ward{}}
	a, b := &dummy{}, &dummy{lives: 1}
	w.renew(100, 50)
	w.begin(1, a, 60)
	w.begin(2, b, 60)
	if w.act(99); a.killed+b.killed > 0 || w.next(99) != 100 {
		t.Errorf("killed too early; the next look is at %d", w.next(99))
	}
	w.renew(200, 99)
	if w.act(199); a.killed > 0 {
		t.Error("killed in spite of a renewal")
	}
	w.renew(300, 200) // too late
	if w.act(201); a.killed != 1 || b.killed != 1 {
		t.Error("a late renewal saves who should be dead")
	}
	c := &dummy{}
	w.begin(1, c, 210) // the same attempt, elsewhere
	if w.act(211); !a.closed || c.killed != 1 || len(w.wards) != 2 {
		t.Error("who is condemned gets away")
	}
	w.end(1)
	d := &dummy{lives: 1000}
	w.begin(3, d, 220)
	if w.act(221); d.killed > 0 || c.killed > 1 {
		t.Error("killed is who may live, or is over")
	}
	w.leave(230)
	if w.act(231); d.killed != 1 || w.over(231) || w.wards[2] != nil {
		t.Error("the executor is gone")
	}
	if w.over(231+Moment(lastEffort)-2) || !w.over(231+Moment(lastEffort)) {
		t.Error("the last effort ends at another moment")
	}
}

// Whatever is said and when: nobody is killed who may live, and who may not, is.
func TestWatchProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, now := watch{wards: map[uint64]*ward{}}, Moment(1)
		until, doomed, there := Moment(0), map[uint64]bool{}, map[uint64]*dummy{}
		pass := func() {
			now += Moment(rapid.Int64Range(0, 20).Draw(t, "time"))
			for id := range there {
				doomed[id] = doomed[id] || now >= until
			}
		}
		for range rapid.IntRange(1, 30).Draw(t, "words") {
			pass()
			id := rapid.Uint64Range(1, 3).Draw(t, "id")
			switch rapid.IntRange(0, 2).Draw(t, "word") {
			case 0:
				there[id] = &dummy{}
				w.begin(id, there[id], now)
				doomed[id] = doomed[id] || now >= until
			case 1:
				w.end(id)
				delete(there, id)
				delete(doomed, id)
			case 2:
				until = now + Moment(rapid.Int64Range(-5, 50).Draw(t, "until"))
				w.renew(until, now)
				for id := range there {
					doomed[id] = doomed[id] || now >= until
				}
			}
			w.act(now)
			for id, d := range there {
				if doomed[id] != (d.killed > 0) {
					t.Fatalf("attempt %d: doomed %v, killed %d times", id, doomed[id], d.killed)
				}
				if next := w.next(now); next == 0 || !doomed[id] && next > until {
					t.Fatalf("the next look is at %d, the lease until %d", next, until)
				}
			}
		}
		w.leave(now)
		w.act(now)
		if !w.over(now) {
			t.Fatal("it goes on alone")
		}
	})
}

// The lease ends after the guard's KILL, which comes after the executor's.
func TestGuardedIsInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lease{Moment(rapid.Int64Range(0, 1<<60).Draw(t, "renewed")), time.Duration(rapid.Int64Range(16, int64(maxLease)).Draw(t, "length"))}
		kill := l.guarded()
		if got, _ := l.at(kill); got != spent {
			t.Fatalf("%+v: the guard kills at %d, before the executor", l, kill)
		}
		if spare := l.renewed.Add(l.length) - kill; spare < Moment(l.length/8) {
			t.Fatalf("%+v: the guard kills at %d, %d before the end", l, kill, spare)
		}
	})
	if (lease{}).guarded() != 0 {
		t.Error("without a lease something may live")
	}
}

func TestTreeMembers(t *testing.T) {
	all := map[int]procfs.Process{
		1:  {PID: 1, Start: 1},
		10: {PID: 10, Parent: 1, Group: 10, Session: 10, Start: 100},             // the leader
		11: {PID: 11, Parent: 10, Group: 11, Session: 10, Start: 101},            // in its session
		12: {PID: 12, Parent: 11, Group: 12, Session: 12, Start: 102},            // a descendant
		13: {PID: 13, Parent: 1, Group: 10, Session: 10, Start: 103, Dead: true}, // a zombie
		14: {PID: 14, Parent: 1, Group: 14, Session: 14, Start: 104},             // somebody else
		15: {PID: 15, Parent: 1, Group: 15, Session: 10, Start: 99},              // older than the leader: no member
	}
	find := func(target treeTarget) (pids map[int]bool) {
		pids = map[int]bool{}
		for _, p := range target.members(all, func(p procfs.Process) bool { return p.PID == 11 }) {
			pids[p.PID] = true
		}
		return pids
	}
	for name, test := range map[string]struct {
		target treeTarget
		want   map[int]bool
	}{
		"known":       {treeTarget{pid: 10, start: 100}, map[int]bool{10: true, 11: true, 12: true}},
		"another one": {treeTarget{pid: 10, start: 98}, map[int]bool{}},
		"by marks":    {treeTarget{}, map[int]bool{11: true, 12: true}},
	} {
		if diff := cmp.Diff(test.want, find(test.target)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	delete(all, 10) // dead and buried
	if diff := cmp.Diff(map[int]bool{11: true, 12: true}, find(treeTarget{pid: 10, start: 100})); diff != "" {
		t.Errorf("without the leader (-want +got):\n%s", diff)
	}
}
