package executor

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
	"github.com/octaskly/octaskly/internal/spool"
)

// Resume is New in the next program of the process that has handed over: its
// commands go on, what waited waits, in order. The descriptors that HandOver
// named must have been inherited.
func Resume(cfg Config, h *Handover) (*Executor, error) {
	if err := h.Check(); err != nil {
		return nil, err
	}
	return begin(cfg, h)
}

// inherit takes attempts over. A command whose slot is one too many by now keeps
// it to its end.
func (x *Executor) inherit(h *Handover) error {
	if h == nil {
		return nil
	}
	x.generation, x.serial = h.Generation, max(x.serial, h.Serial)
	x.boxesBefore, x.offeredBefore = h.Boxes, h.Offered
	x.lease = lease{h.Renewed, h.Lease}
	for i := range h.Attempts {
		a := &h.Attempts[i]
		e := x.entryOf(a, &h.Specs[a.Spec])
		if a.Running == nil {
			e.Secrets = h.secrets(a.Spec)
			e.output = x.newOutput(e)
			x.entries[e.ID] = e
			x.fifo = append(x.fifo, e)
			continue
		}
		if err := x.adopt(e, a.Running); err != nil {
			return err
		}
	}
	return nil
}

func (x *Executor) entryOf(a *handedOver, spec *octaskly.Spec) *entry {
	return &entry{
		Attempt: &Attempt{
			ID: a.ID, Generation: x.generation, Spec: spec, Array: a.Array, Item: a.Item,
			StdinPath: a.StdinPath, MaxOutput: a.MaxOutput,
		},
		serial: a.Serial, file: outputName(a.ID, a.Serial),
	}
}

// adopt makes the slot that e's command runs in.
func (x *Executor) adopt(e *entry, c *command) (err error) {
	s, err := bareSlot(x, c.Slot)
	x.slots = append(x.slots, s)
	if err != nil {
		return err
	}
	if err := s.adopt(c); err != nil {
		return err
	}
	s.last = !slotWithin(c.Slot, x.wanted)
	s.pidfd = c.PidFD
	for _, p := range c.Pipes {
		s.pipes = append(s.pipes, pipe{p.Stream, p.Read, p.Write})
	}
	if e.output, err = x.outputSoFar(e, c); err != nil {
		return err
	}
	s.pid = c.PID
	e.phase, e.slot, e.startedAt, e.signals, e.wish = running, s, c.StartedAt, true, c.Wish
	e.lapsed = c.Lapsed
	if e.wish == wishDrop {
		e.forgotten = true
	} else {
		x.entries[e.ID] = e
	}
	for name, n := range e.Spec.Room {
		x.free[name] -= n // below zero when less is offered now
	}
	s.inherited = &watcher{s: s, e: e, began: timeOf(c.Began), cause: c.Cause, step: c.Step, deadline: timeOf(c.Deadline), next: time.Now()}
	s.env = append(s.env, c.Marks...)
	s.resumeGuard(e, c.PID)
	s.interrupt() // to look at the wish
	return nil
}

// adopt takes over the command and its places.
func (s *slot) adopt(c *command) (err error) {
	if s.project = c.Project; s.project != 0 {
		s.x.uids.take(s.project)
	}
	if c.Box == nil {
		if s.own, err = s.x.kept.Adopt(c.Slot, c.PID, c.Marks); err != nil {
			return err
		}
		s.group = s.own
		return s.space.adopt(c.Workspace)
	}
	if err := s.openGroup(); err != nil {
		return err
	}
	s.box, s.boxName = sandbox.Adopt(c.Box.FD), c.Box.Name
	s.room = &room{s.x, c.Workspace, c.Project}
	s.group, err = s.x.kept.Adopt(c.Box.Name, c.PID, nil)
	return err
}

// slotWithin reports whether a slot of this name is among the first n.
func slotWithin(name string, n int) bool {
	i, err := strconv.Atoi(strings.TrimPrefix(name, "slot-"))
	return err == nil && i < n
}

// outputSoFar goes on with a command's output.
func (x *Executor) outputSoFar(e *entry, c *command) (*spool.Log, error) {
	if c.Output == "" {
		return x.newOutput(e), nil
	}
	return spool.Open(x.path(e.file), spool.Options{Limit: e.MaxOutput, Head: headOfOutput})
}

// adopt goes on with a directory that a command runs in or may have touched.
func (w *workspace) adopt(path string) (err error) {
	w.path = path
	w.fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		w.fd, err = -1, nil
	}
	w.made = unix.Stat_t{} // unlike any: it is not untouched
	return err
}
