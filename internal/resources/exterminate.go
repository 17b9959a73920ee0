package resources

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/procfs"
)

// exterminate kills all that find returns until it returns nothing, twice: one
// look at /proc takes time, and misses who is born meanwhile.
func exterminate(patience time.Duration, find func() []procfs.Process) (killed bool, err error) {
	end, pause := time.Now().Add(patience), time.Millisecond
	for clean := 0; clean < 2; {
		members := find()
		if len(members) == 0 {
			clean++
			continue
		}
		clean, killed = 0, true
		if time.Now().After(end) {
			return true, fmt.Errorf("cannot kill process %d: %w", members[0].PID, ErrAlive)
		}
		for _, p := range members {
			if err := p.Kill(); err != nil && !errors.Is(err, unix.ESRCH) {
				return true, fmt.Errorf("cannot kill process %d: %w", p.PID, err)
			}
		}
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond)
	}
	return killed, nil
}
