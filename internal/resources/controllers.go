package resources

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/octaskly"
)

// means are what the groups of this machine have.
type means struct {
	tell              [gauges]bool
	memory, processes bool  // can be bounded
	swap              bool  // can be bounded apart from memory
	spoil             bool  // a group counts what cannot be counted anew
	why               error // what is missing is, and what to do
}

// equip gives the groups all the controllers that they can have, and looks what
// that is.
func (c *cgroups) equip() error {
	refused := enable(c.path)
	g := c.group("try")
	if err := g.make(); err != nil {
		return errors.Join(err, g.Close())
	}
	c.means = g.examine()
	c.means.why = lacking(&c.means, refused)
	return g.Close()
}

// examine looks what a new group has.
func (g *cgroup) examine() (m means) {
	for i, name := range gaugeNames {
		m.tell[i] = g.has(name)
	}
	m.swap = g.has("memory.swap.max")
	m.memory = g.has("memory.max") && g.has("memory.oom.group") && m.tell[memoryCurrent] && (m.swap || !swaps())
	m.processes = g.has("pids.max") && m.tell[pidsCurrent]
	m.spoil = m.tell[memoryCurrent] || m.tell[pidsCurrent] || g.note() != nil
	return m
}

func (g *cgroup) has(name string) bool { return unix.Faccessat(g.dir, name, unix.F_OK, 0) == nil }

// swaps reports whether this machine puts memory elsewhere.
func swaps() bool {
	var info unix.Sysinfo_t
	return unix.Sysinfo(&info) != nil || info.Totalswap > 0
}

// lacking says why there are not all limits, or nothing when there are.
func lacking(m *means, refused error) error {
	var missing []string
	if !m.tell[memoryCurrent] {
		missing = append(missing, "memory")
	}
	if !m.processes {
		missing = append(missing, "pids")
	}
	switch {
	case len(missing) > 0:
		err := fmt.Errorf("its cgroups have no controller for %s; %s", strings.Join(missing, " and "), remedy(missing...))
		if refused != nil {
			err = fmt.Errorf("%w (%w)", err, refused)
		}
		return err
	case !m.memory:
		return errors.New("the kernel bounds memory but not swap, and this machine has swap: boot it with swapaccount=1, or run swapoff -a")
	}
	return nil
}

func (c *cgroups) Limits() (features []string, why error) {
	features = []string{octaskly.LimitCPUTime}
	if c.means.memory {
		features = append(features, octaskly.LimitMemory)
	}
	if c.means.processes {
		features = append(features, octaskly.LimitProcesses)
	}
	return features, c.means.why
}

func (t *trees) Limits() ([]string, error) { return nil, t.why }
