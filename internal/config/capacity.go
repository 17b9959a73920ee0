package config

import (
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/units"
)

// Capacity is what a machine gives to commands, at all and at their end.
type Capacity struct {
	// Slots is the number of commands that may run at once. Default: the number
	// of processors.
	Slots int `toml:"slots"`
	// CPUs is the processor room to give out, in processors with up to three
	// decimals. Default: all processors.
	CPUs units.CPUs `toml:"cpus"`
	// Memory is the memory to give out, in bytes; 0 is all there is.
	// Default: all there is.
	Memory units.Size `toml:"memory"`
	// Grace is how long a command has between SIGTERM and SIGKILL.
	// Default: 10s.
	Grace units.Duration `toml:"grace"`
}

var capacityKeys = []string{"slots", "cpus", "memory", "grace"}

func newCapacity() Capacity {
	return Capacity{
		Slots:  runtime.NumCPU(),
		CPUs:   units.CPUs(runtime.NumCPU()) * units.CPU,
		Memory: totalMemory(),
		Grace:  10 * units.Second,
	}
}

// totalMemory is 0 where it cannot be known.
func totalMemory() units.Size {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return units.Size(uint64(info.Totalram) * uint64(info.Unit))
}

func (c *Capacity) check(l *loader) {
	l.require("slots", within(count(c.Slots), 1, 4096))
	l.require("cpus", within(c.CPUs, 1, 65536*units.CPU))
	l.require("memory", within(c.Memory, 0, 1024*units.TiB))
	l.require("grace", within(c.Grace, 0, units.Hour))
}
