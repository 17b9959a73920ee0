package config

import (
	"os"
	"runtime"

	"github.com/octaskly/octaskly/internal/dirs"
	"github.com/octaskly/octaskly/internal/units"
)

// Worker configures `octasklyd worker`.
type Worker struct {
	Common
	// Dispatcher is the HOST:PORT of the dispatcher. Default: empty, the one on
	// this machine.
	Dispatcher string `toml:"dispatcher"`
	// JoinKeyFile holds the key that the dispatcher knows. Default: empty, the
	// key of the dispatcher on this machine.
	JoinKeyFile string `toml:"join_key_file"`
	// Name is what the fleet calls this worker. Default: the host's name.
	Name string `toml:"name"`
	// Slots is the number of commands that may run at once. Default: the number
	// of processors.
	Slots int `toml:"slots"`
	// CPUs is the processor room to give out, in processors with up to three
	// decimals. Default: all processors.
	CPUs units.CPUs `toml:"cpus"`
	// Memory is the memory to give out, in bytes. Default: 0, all there is.
	Memory units.Size `toml:"memory"`
	// Grace is how long a command has between SIGTERM and SIGKILL.
	// Default: 10s.
	Grace units.Duration `toml:"grace"`
}

// LoadWorker reads the configuration of a worker. The error holds every
// *Problem that was found (errors.As finds the first).
func LoadWorker(src Sources) (*Worker, error) {
	w := newWorker()
	return w, load(dirs.Worker, w, src)
}

func newWorker() *Worker {
	// A host without a name is as good as one with a bad name: check says so.
	host, _ := os.Hostname()
	return &Worker{
		Common: newCommon(dirs.Worker),
		Name:   host,
		Slots:  runtime.NumCPU(),
		CPUs:   units.CPUs(runtime.NumCPU()) * units.CPU,
		Grace:  10 * units.Second,
	}
}

func (w *Worker) check(l *loader) {
	w.Common.check(l)
	l.require("dispatcher", remoteAddress(w.Dispatcher))
	l.optionalPath("join_key_file", &w.JoinKeyFile)
	l.require("name", name(w.Name))
	l.require("slots", within(count(w.Slots), 1, 4096))
	l.require("cpus", within(w.CPUs, 1, 65536*units.CPU))
	l.require("memory", within(w.Memory, 0, 1024*units.TiB))
	l.require("grace", within(w.Grace, 0, units.Hour))
}
