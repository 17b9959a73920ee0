package sandbox

import (
	"fmt"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// Starter opens boxes of one level on one machine, with the machine's network or
// without. It may be used by several goroutines at once.
type Starter struct {
	program string
	level   octaskly.Level
	host    Host
	network bool
	blank   *Plan // of a task that there is not
	room    []byte
	known   known
}

// NewStarter prepares what all boxes of a level have in common. program is the
// path of octaskly-init.
func NewStarter(program string, level octaskly.Level, hostNetwork bool, host Host) (*Starter, error) {
	s := &Starter{program: program, level: level, host: host, network: hostNetwork}
	blank := Task{Argv: []string{"true"}, Workspace: "/none", UID: maxID, GID: maxID, HostNetwork: hostNetwork}
	spec, err := Build(level, &blank, &s.host)
	if err == nil {
		s.blank, err = Compile(spec)
	}
	if err != nil {
		return nil, err
	}
	s.room = s.blank.Room.Encode()
	s.known = known{spec.Linux.Seccomp, s.blank.Task.Filter, spec.Annotations[annotationLandlock], s.blank.Task.Landlock}
	return s, nil
}

// Open makes a box that has no process yet.
func (s *Starter) Open() (*Box, error) { return open(s.program, s.blank, s.room) }

// Plan is what Launch makes of a box for a task.
func (s *Starter) Plan(t *Task) (*Plan, error) {
	if t.HostNetwork != s.network {
		return nil, fmt.Errorf("cannot plan a box: it has another network than its task")
	}
	spec, err := Build(s.level, t, &s.host)
	if err != nil {
		return nil, err
	}
	return compile(spec, &s.known)
}

// Launch starts a task's command in a box of s; see Box.Enact.
func (s *Starter) Launch(b *Box, t *Task, stdio [3]int) error {
	p, err := s.Plan(t)
	if err != nil {
		return err
	}
	return b.Enact(p, stdio)
}
