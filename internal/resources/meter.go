package resources

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// gauge is a file of a cgroup that tells how much it uses or what has happened.
type gauge int

const (
	cpuStat gauge = iota
	memoryCurrent
	memoryPeak // since Linux 5.19
	pidsCurrent
	pidsPeak // since Linux 6.11
	ioStat
	measures // that many are read for a reading

	memoryEvents gauge = iota - 1
	pidsEvents
	gauges
)

var gaugeNames = [gauges]string{
	cpuStat: "cpu.stat", memoryCurrent: "memory.current", memoryPeak: "memory.peak", pidsCurrent: "pids.current",
	pidsPeak: "pids.peak", ioStat: "io.stat", memoryEvents: "memory.events", pidsEvents: "pids.events",
}

// reading is what the gauges of a group say at a moment. What none tells is 0.
type reading struct {
	cpu                      int64 // µs
	memory, memoryPeak       int64 // bytes
	processes, processesPeak int64
	read, written            int64 // bytes
}

// meter reads a group's gauges. Each is opened when it is first asked for and
// stays open: package cgroup2 of containerd opens and maps all of what there is
// for each look, which takes 77 µs where this takes 2.
type meter struct {
	open   [gauges]int // -1: not open
	buf    []byte
	since  reading // what counts as nothing
	noted  reading // of since, on the group itself; see note
	seen   reading // the most that was seen
	latest reading
	final  bool // it was taken when the group was empty, which it has been since
}

func newMeter() (m meter) {
	for i := range m.open {
		m.open[i] = -1
	}
	return m
}

// forget is for a new directory.
func (m *meter) forget() { m.since, m.noted, m.seen, m.final = reading{}, reading{}, reading{}, false }

func (m *meter) close() {
	for i, fd := range m.open {
		if fd >= 0 {
			unix.Close(fd)
			m.open[i] = -1
		}
	}
}

func (m *meter) openGauge(dir int, g gauge) (err error) {
	if m.open[g], err = unix.Openat(dir, gaugeNames[g], unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		m.open[g] = -1
	}
	return err
}

const (
	usualText = 1 << 10
	maxText   = 256 << 10 // io.stat has a line for each device
)

// text is what a gauge in dir says, until the next call.
func (m *meter) text(dir int, g gauge) (text []byte, err error) {
	if m.open[g] < 0 {
		if err := m.openGauge(dir, g); err != nil {
			return nil, err
		}
	}
	if m.buf == nil {
		m.buf = make([]byte, usualText)
	}
	for {
		n, err := unix.Pread(m.open[g], m.buf, 0)
		if err != nil {
			return nil, err
		}
		if n < len(m.buf) {
			return m.buf[:n], nil
		}
		if len(m.buf) >= maxText {
			return nil, errors.New("it says too much")
		}
		m.buf = make([]byte, 4*len(m.buf))
	}
}

// take adds to r what a gauge says.
func (r *reading) take(g gauge, text []byte) (err error) {
	switch g {
	case cpuStat:
		r.cpu, err = keyed(text, "usage_usec")
	case memoryCurrent:
		r.memory, err = number(text)
	case memoryPeak:
		r.memoryPeak, err = number(text)
	case pidsCurrent:
		r.processes, err = number(text)
	case pidsPeak:
		r.processesPeak, err = number(text)
	case ioStat:
		r.read, r.written, err = transferred(text)
	}
	return err
}

// measure reads all gauges that groups have here.
func (g *cgroup) measure() (r reading, err error) {
	for i := range measures {
		if !g.means.tell[i] {
			continue
		}
		text, err := g.text(g.dir, i)
		if err == nil {
			err = r.take(i, text)
		}
		if err != nil {
			return r, fmt.Errorf("cannot read %s of cgroup %q: %w", gaugeNames[i], g.path, err)
		}
	}
	return r, nil
}

// happened is how often something has, as a file of events tells it.
func (g *cgroup) happened(events gauge, what string) int64 {
	if !g.means.tell[events] {
		return 0
	}
	text, err := g.text(g.dir, events)
	if err != nil {
		return 0
	}
	n, _ := keyed(text, what)
	return n
}
