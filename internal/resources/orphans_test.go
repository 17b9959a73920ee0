package resources

import (
	"testing"
	"time"

	"github.com/octaskly/octaskly/internal/procfs"
)

func TestMine(t *testing.T) {
	long := time.Now().Add(-2 * settled)
	o := &orphans{session: 1, leaders: map[int]bool{7: true}, seen: map[int]sighting{8: {first: long}, 9: {first: time.Now()}}}
	for _, tt := range []struct {
		name    string
		p       procfs.Process
		forking int
		want    bool
	}{
		{"an orphan", procfs.Process{PID: 5, Group: 4, Session: 4}, 1, true},
		{"a command", procfs.Process{PID: 7, Group: 7, Session: 7}, 0, false},
		{"a child of our own", procfs.Process{PID: 5, Group: 5, Session: 1}, 0, false},
		{"a leader, nobody forks", procfs.Process{PID: 5, Group: 5, Session: 5}, 0, true},
		{"perhaps a command", procfs.Process{PID: 5, Group: 5, Session: 5}, 1, false},
		{"settled", procfs.Process{PID: 8, Group: 8, Session: 8}, 1, true},
		{"not settled", procfs.Process{PID: 9, Group: 9, Session: 9}, 1, false},
	} {
		o.forking = tt.forking
		if got := o.mine(tt.p); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestDue(t *testing.T) {
	o := &orphans{seen: map[int]sighting{}}
	for range 2 {
		if o.due(5) {
			t.Error("a new child is due")
		}
	}
	o.seen[5] = sighting{first: time.Now().Add(-2 * settled), looked: time.Now().Add(-2 * settled)}
	for _, want := range []bool{true, false} {
		if o.due(5) != want {
			t.Errorf("due %v, want a settled child to be due once", !want)
		}
	}
	o.leaders = map[int]bool{6: true}
	if got := o.unknown("6 7 \n"); len(got) != 1 || got[0] != 7 || len(o.seen) != 0 {
		t.Errorf("unknown %v, seen %v", got, o.seen)
	}
}
