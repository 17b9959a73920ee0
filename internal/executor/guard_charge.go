package executor

import (
	"errors"
	"fmt"
	"os"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/procfs"
	"github.com/octaskly/octaskly/internal/resources"
)

// charge is an attempt that is to be guarded, and how it is found.
type charge struct {
	cgroup string // its directory; empty: there are none
	marks  [markCount]string
	pid    int // 0: not known yet; without cgroups only
	start  uint64
}

var errNoGuard = errors.New("there is no guard process that would end it in time if this executor could not")

// admit returns when an attempt is guarded, or cannot be.
func (g *guardProcess) admit(serial uint64, it charge) error {
	answer := make(chan error, 1)
	g.mu.Lock()
	g.charges[serial], g.waiting[serial] = it, answer
	g.mu.Unlock()
	g.wake()
	var err error
	select {
	case err = <-answer:
	case <-g.over:
		err = errors.New("this executor stops")
	}
	if err != nil {
		g.release(serial)
		return fmt.Errorf("%w: %w", errNoGuard, err)
	}
	return nil
}

// know adds an attempt that the program before had guarded, or should have.
func (g *guardProcess) know(serial uint64, it charge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.charges[serial] = it
}

// lead adds which process leads an attempt, where that matters.
func (g *guardProcess) lead(serial uint64, pid int) {
	g.mu.Lock()
	it, guarded := g.charges[serial]
	g.mu.Unlock()
	if !guarded || it.cgroup != "" {
		return
	}
	if p, err := procfs.Read(pid); err == nil {
		it.pid, it.start = pid, p.Start
		g.know(serial, it)
		g.wake()
	}
}

// release says that nothing of an attempt is left. It reports whether that was
// guarded.
func (g *guardProcess) release(serial uint64) (was bool) {
	g.mu.Lock()
	_, was = g.charges[serial]
	delete(g.charges, serial)
	delete(g.waiting, serial)
	g.mu.Unlock()
	if was {
		g.wake()
	}
	return was
}

// chargeOf says how what a slot is about to start, or runs, can be found.
func (s *slot) chargeOf() (it charge) {
	switch {
	case s.x.place == "":
		copy(it.marks[:], s.env[max(0, len(s.env)-markCount):])
	case s.box != nil:
		it.cgroup = s.x.place + "/" + s.boxName
	default:
		it.cgroup = s.x.place + "/" + s.name
	}
	return it
}

// resumeGuard goes on guarding what the program before has started.
func (s *slot) resumeGuard(e *entry, pid int) {
	if !e.Spec.AtMostOne {
		return
	}
	process := s.x.guard.process
	process.know(e.serial, s.chargeOf())
	process.lead(e.serial, pid)
}

// placeOf is where package resources has noted that cgroups are made.
func placeOf(kept resources.Containment, note string) (string, error) {
	if kept.Feature() != octaskly.KillCgroup {
		return "", nil
	}
	place, err := os.ReadFile(note)
	if err != nil {
		return "", fmt.Errorf("cannot find the cgroups of commands: %w", err)
	}
	return string(place), nil
}
