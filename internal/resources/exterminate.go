package resources

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sys/unix"
)

// maxLineage bounds a walk that a changing /proc could lead in circles.
const maxLineage = 1000

// lineage is p, its parent, and so on.
func lineage(p process, all map[int]process) iter.Seq[process] {
	return func(yield func(process) bool) {
		for range maxLineage {
			parent, ok := all[p.parent]
			if !yield(p) || !ok {
				return
			}
			p = parent
		}
	}
}

// exterminate kills all that find returns until it returns nothing, twice: one
// look at /proc takes time, and misses who is born meanwhile.
func exterminate(patience time.Duration, find func() []process) (killed bool, err error) {
	end, pause := time.Now().Add(patience), time.Millisecond
	for clean := 0; clean < 2; {
		members := find()
		if len(members) == 0 {
			clean++
			continue
		}
		clean, killed = 0, true
		if time.Now().After(end) {
			return true, fmt.Errorf("cannot kill process %d: %w", members[0].pid, ErrAlive)
		}
		for _, p := range members {
			if err := p.kill(); err != nil && !errors.Is(err, unix.ESRCH) {
				return true, fmt.Errorf("cannot kill process %d: %w", p.pid, err)
			}
		}
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
	return killed, nil
}
