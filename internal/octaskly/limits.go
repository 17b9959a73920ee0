package octaskly

import (
	"cmp"
	"fmt"
	"time"
)

// Limits bound what one attempt may use; 0 is no limit. How long it may take is
// Spec.Timeout.
type Limits struct {
	CPUTime   time.Duration `cbor:"1,keyasint,omitempty"` // of all its processes together
	Memory    int64         `cbor:"2,keyasint,omitempty"` // bytes, with files in memory and what the kernel needs
	Disk      int64         `cbor:"3,keyasint,omitempty"` // bytes, of its workspace and its /tmp together
	OpenFiles int64         `cbor:"4,keyasint,omitempty"` // of each process
	Processes int64         `cbor:"5,keyasint,omitempty"` // and threads, at a time
}

// Preset is a set of limits with a name.
type Preset struct {
	Limits
	Timeout time.Duration
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Presets are all there are, by their names.
var Presets = map[string]Preset{
	"none":    {},
	"default": {Limits: Limits{CPUTime: time.Hour, Memory: 2 * gib, Disk: 10 * gib, OpenFiles: 1024, Processes: 1000}},
	"strict": {
		Limits:  Limits{CPUTime: 5 * time.Minute, Memory: 512 * mib, Disk: gib, OpenFiles: 256, Processes: 10},
		Timeout: 5 * time.Minute,
	},
	"relaxed": {
		Limits:  Limits{CPUTime: 24 * time.Hour, Memory: 8 * gib, Disk: 100 * gib, OpenFiles: 4096, Processes: 1000},
		Timeout: 24 * time.Hour,
	},
}

// Bounds of limits that are not 0. With less no program starts.
const (
	MinCPUTime   = 10 * time.Millisecond
	MinMemory    = mib
	MinDisk      = 64 * kib
	MinOpenFiles = 32
	MaxOpenFiles = 1 << 20
	MaxProcesses = 1 << 22
)

func (l *Limits) check() error {
	return cmp.Or(
		checkLimit("cpu_time", l.CPUTime, MinCPUTime, MaxTimeout),
		checkLimit("limits.memory", l.Memory, MinMemory, maxRoom),
		checkLimit("disk", l.Disk, MinDisk, maxRoom),
		checkLimit("open_files", l.OpenFiles, MinOpenFiles, MaxOpenFiles),
		checkLimit("processes", l.Processes, 1, MaxProcesses),
	)
}

func checkLimit[N interface{ ~int64 }](field string, n, least, most N) error {
	if n == 0 || least <= n && n <= most {
		return nil
	}
	return fieldErrorf(field, "%v is not from %v to %v, or 0 for no limit", n, least, most)
}

// Needs are the features of a worker that can enforce l.
func (l *Limits) Needs() (needs []string) {
	for _, limit := range []struct {
		set     bool
		feature string
	}{
		{l.CPUTime > 0, LimitCPUTime}, {l.Memory > 0, LimitMemory}, {l.Disk > 0, LimitDisk},
		{l.OpenFiles > 0, LimitOpenFiles}, {l.Processes > 0, LimitProcesses},
	} {
		if limit.set {
			needs = append(needs, limit.feature)
		}
	}
	return needs
}

// Usage is what an attempt uses, or has used when it is over. 0 is nothing, or
// not known.
type Usage struct {
	CPUTime       time.Duration `cbor:"1,keyasint,omitempty"` // of all its processes
	Memory        int64         `cbor:"2,keyasint,omitempty"` // bytes, now
	MemoryPeak    int64         `cbor:"3,keyasint,omitempty"`
	Processes     int64         `cbor:"4,keyasint,omitempty"` // and threads, now
	ProcessesPeak int64         `cbor:"5,keyasint,omitempty"`
	Read          int64         `cbor:"6,keyasint,omitempty"` // bytes, from block devices
	Written       int64         `cbor:"7,keyasint,omitempty"` // bytes, to block devices
	Disk          int64         `cbor:"8,keyasint,omitempty"` // bytes, of its workspace and /tmp, now
	DiskPeak      int64         `cbor:"9,keyasint,omitempty"`
}

// Check is one line of a worker's self-test.
type Check struct {
	Subject string `cbor:"1,keyasint"` // what stands or falls with it: a feature, as in "level:strict"
	Name    string `cbor:"2,keyasint"`
	What    string `cbor:"3,keyasint,omitempty"` // that holds, in words
	Held    bool   `cbor:"4,keyasint,omitempty"`
	Why     string `cbor:"5,keyasint,omitempty"` // not, and what to do about it
}

// MaxChecks bounds a self-test's report.
const MaxChecks = 256

func (c Check) String() string {
	if c.Held {
		return fmt.Sprintf("%s %s: held", c.Subject, c.Name)
	}
	return fmt.Sprintf("%s %s: %s", c.Subject, c.Name, c.Why)
}
