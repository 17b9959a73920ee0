package resources

import (
	"testing"
	"time"
)

func TestMine(t *testing.T) {
	long := time.Now().Add(-2 * settled)
	o := &orphans{session: 1, leaders: map[int]bool{7: true}, seen: map[int]sighting{8: {first: long}, 9: {first: time.Now()}}}
	for _, tt := range []struct {
		name    string
		p       process
		forking int
		want    bool
	}{
		{"an orphan", process{pid: 5, group: 4, session: 4}, 1, true},
		{"a command", process{pid: 7, group: 7, session: 7}, 0, false},
		{"a child of our own", process{pid: 5, group: 5, session: 1}, 0, false},
		{"a leader, nobody forks", process{pid: 5, group: 5, session: 5}, 0, true},
		{"perhaps a command", process{pid: 5, group: 5, session: 5}, 1, false},
		{"settled", process{pid: 8, group: 8, session: 8}, 1, true},
		{"not settled", process{pid: 9, group: 9, session: 9}, 1, false},
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
