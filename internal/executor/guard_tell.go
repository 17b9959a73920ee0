package executor

import (
	"errors"
	"fmt"
	"maps"

	"golang.org/x/sys/unix"
)

// tell tells the child what it does not know, or a new one everything.
func (g *guardProcess) tell() {
	g.telling.Lock()
	defer g.telling.Unlock()
	g.tellHeld()
}

func (g *guardProcess) tellHeld() {
	err := g.update()
	if err != nil {
		g.log.Warn("Another guard is started", "why", err)
		g.giveUp()
		err = g.update()
	}
	switch {
	case err != nil:
		g.giveUp()
		g.log.Error("What may run only once is not guarded: if this process is killed or stopped, it may live on", "error", err)
	case g.lost && g.child != nil:
		g.lost = false
		g.log.Info("The guard is back", "pid", g.child.process.Pid)
	}
	g.answer(err)
}

// update says what there is to say.
func (g *guardProcess) update() error {
	g.mu.Lock()
	until, charges := g.until, maps.Clone(g.charges)
	g.mu.Unlock()
	if g.child == nil && len(charges) == 0 {
		return nil
	}
	if g.child == nil {
		var err error
		if g.child, err = startGuard(g.argv, g.containment); err != nil {
			return err
		}
	}
	return g.child.update(until, charges)
}

func (c *guardChild) update(until Moment, charges map[uint64]charge) error {
	for serial := range c.told {
		if _, stays := charges[serial]; !stays {
			if err := c.say(guardFrame{kind: guardOver, id: serial}, -1); err != nil {
				return err
			}
			delete(c.told, serial)
			delete(c.unfit, serial)
		}
	}
	if err := c.tellUntil(until); err != nil {
		return err
	}
	for serial, it := range charges {
		if err := c.begin(serial, it); err != nil {
			return err
		}
	}
	return nil
}

func (c *guardChild) tellUntil(until Moment) error {
	if until == c.until {
		return nil
	}
	err := c.say(guardFrame{kind: guardUntil, value: int64(until)}, -1)
	if err == nil {
		c.until = until
	}
	return err
}

// begin tells of an attempt as much as is new.
func (c *guardChild) begin(serial uint64, it charge) error {
	old, known := c.told[serial]
	if known && old == it {
		return nil
	}
	c.told[serial] = it
	if !known || old.cgroup != it.cgroup || old.marks != it.marks {
		err := c.show(serial, it)
		c.unfit[serial] = err
		if errors.Is(err, errUnfit) {
			return nil // it is the attempt's trouble, not the guard's
		}
		if err != nil {
			return err
		}
	}
	if it.pid != 0 && c.unfit[serial] == nil {
		if err := c.say(guardFrame{kind: guardLead, id: serial, value: int64(it.pid), start: it.start}, -1); err != nil {
			return err
		}
	}
	return nil
}

// errUnfit says that one attempt cannot be guarded.
var errUnfit = errors.New("the guard does not take it")

// show hands over what an attempt can be killed by.
func (c *guardChild) show(serial uint64, it charge) error {
	f := guardFrame{kind: guardBegin, id: serial}
	if it.cgroup == "" {
		f.marks = it.marks[:]
		return c.say(f, -1)
	}
	dir, err := unix.Open(it.cgroup, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("%w: cannot open cgroup %q: %w", errUnfit, it.cgroup, err)
	}
	defer unix.Close(dir)
	return c.say(f, dir)
}

// answer tells who waits whether what they are about to start is guarded.
func (g *guardProcess) answer(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for serial, c := range g.waiting {
		err := err
		if err == nil {
			if g.child == nil || g.child.told[serial] != g.charges[serial] {
				continue // it came later
			}
			err = g.child.unfit[serial]
		}
		c <- err
		delete(g.waiting, serial)
	}
}
