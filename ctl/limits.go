package main

import (
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/octaskly/octaskly/internal/api"
	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/units"
)

// limitFlags say how much a command may use.
func limitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "limits", Usage: "set all limits by `PRESET`: " + either(presetNames()) + "; the flag for a single one wins"},
		&cli.StringFlag{Name: "timeout", Usage: "stop each attempt after `TIME`, such as 90s or 1h30m; unlimited: never"},
		&cli.StringFlag{Name: "cpu-time", Usage: "end each attempt when it has used `TIME` of processors; unlimited: never"},
		&cli.StringFlag{Name: "cpus", Usage: "reserve `N` processors, such as 0.5 or 4"},
		&cli.StringFlag{Name: "memory", Usage: "reserve memory of `SIZE`, such as 512M or 1.5G, and allow no more; unlimited: neither"},
		&cli.StringFlag{Name: "disk", Usage: "allow `SIZE` of files in its workspace and /tmp together; unlimited: any"},
		&cli.StringFlag{Name: "open-files", Usage: "allow each process `N` open files; unlimited: as many as the machine allows"},
		&cli.StringFlag{Name: "processes", Usage: "allow `N` processes and threads at a time; unlimited: any number"},
	}
}

// presetNames are what --limits takes.
func presetNames() []string { return slices.Sorted(maps.Keys(octaskly.Presets)) }

// readLimits reads a preset and what differs from it. Memory that is given is
// reserved, too.
func (s *submission) readLimits(c *cli.Context) (err error) {
	var l api.Limits
	if l.Preset, err = wordFlag(c, "limits", presetNames()); err != nil {
		return err
	}
	var cpuTime, memory *int64
	for _, limit := range []struct {
		kind  limitKind
		value **int64
	}{
		{limitKind{"cpu-time", int64(octaskly.MinCPUTime), int64(octaskly.MaxTimeout), aTime}, &cpuTime},
		{limitKind{"memory", octaskly.MinMemory, 0, aSize}, &memory},
		{limitKind{"disk", octaskly.MinDisk, 0, aSize}, &l.Disk},
		{limitKind{"open-files", octaskly.MinOpenFiles, octaskly.MaxOpenFiles, aCount}, &l.OpenFiles},
		{limitKind{"processes", 1, octaskly.MaxProcesses, aCount}, &l.Processes},
	} {
		if *limit.value, err = limit.kind.read(c); err != nil {
			return err
		}
	}
	l.CPUTime = (*api.Seconds)(cpuTime)
	if memory != nil && *memory > 0 {
		s.Memory = *memory
	} else {
		l.Memory = memory
	}
	if l != (api.Limits{}) {
		s.Limits = &l
	}
	return nil
}

// unlimited stands for the limit 0.
const unlimited = "unlimited"

// limitKind is a flag for a single limit.
type limitKind struct {
	flag        string
	least, most int64 // most 0: octaskly.Spec.Check knows what is too much
	unit        unit
}

// unit is how the value of a limit is written.
type unit struct {
	name  string
	parse func(string) (int64, error)
	text  func(int64) string
}

var (
	aTime = unit{
		name:  "a time",
		parse: func(s string) (int64, error) { d, err := units.ParseDuration(s); return int64(d), err },
		text:  func(n int64) string { return units.Duration(n).String() },
	}
	aSize = unit{
		name:  "a size",
		parse: func(s string) (int64, error) { n, err := units.ParseSize(s); return int64(n), err },
		text:  func(n int64) string { return units.Size(n).String() },
	}
	aCount = unit{name: "a whole number", parse: parseCount, text: countText}
)

// read returns nil where the flag is not given.
func (k limitKind) read(c *cli.Context) (*int64, error) {
	if !c.IsSet(k.flag) {
		return nil, nil
	}
	text := c.String(k.flag)
	if text == unlimited {
		return new(int64), nil
	}
	n, err := k.unit.parse(text)
	switch {
	case err != nil:
		return nil, withHint(badFlag(k.flag, err), "%s takes %s", dashed(k.flag), k.wanted())
	case n < k.least, k.most > 0 && n > k.most:
		return nil, usagef("cannot use %s %q: want %s", dashed(k.flag), text, k.wanted())
	}
	return &n, nil
}

// wanted is such as "a size from 1MiB, or unlimited".
func (k limitKind) wanted() string {
	text := k.unit.name + " from " + k.unit.text(k.least)
	if k.most > 0 {
		text += " to " + k.unit.text(k.most)
	}
	return text + ", or " + unlimited
}
