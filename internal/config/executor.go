package config

import "github.com/octaskly/octaskly/internal/dirs"

// Executor configures `octasklyd executor`.
type Executor struct {
	Common
	// Socket is the path at which the worker finds the executor, 107 bytes at
	// most. Default: see package dirs.
	Socket string `toml:"socket"`
	// WorkerUser is the user who may speak to the executor, besides root.
	// Default: octaskly-worker for root, else oneself.
	WorkerUser string `toml:"worker_user"`
	// RunAs is the user that commands at level none run as, who cannot be root.
	// Default: octaskly-task for root, else oneself.
	RunAs string `toml:"run_as"`
	// Directories are those below which the directory of a command may lie that
	// names one, 64 at most. Default: none, and it is any that the command's user
	// may enter.
	Directories []string `toml:"directories"`
	Capacity
	Boxes
}

// LoadExecutor reads the configuration of an executor. The error holds every
// *Problem that was found (errors.As finds the first).
func LoadExecutor(src Sources) (*Executor, error) {
	e := newExecutor()
	return e, load(dirs.Executor, e, src)
}

func newExecutor() *Executor {
	socket, _ := dirs.Socket(dirs.Executor)
	e := &Executor{Common: newCommon(dirs.Executor), Socket: socket, Capacity: newCapacity(), Boxes: newBoxes(here.uid != 0, PoolAuto)}
	if here.uid == 0 {
		e.WorkerUser, e.RunAs = "octaskly-worker", "octaskly-task"
	} else {
		e.WorkerUser = here.name()
		e.RunAs = e.WorkerUser
	}
	return e
}

func (e *Executor) check(l *loader) {
	e.Common.check(l)
	l.socket("socket", e.Socket)
	e.checkUsers(l)
	l.paths("directories", e.Directories)
	e.Capacity.check(l)
	e.Boxes.check(l)
}

func (e *Executor) checkUsers(l *loader) {
	worker, err := here.find(e.WorkerUser)
	l.require("worker_user", err)
	known := err == nil
	runAs, err := here.find(e.RunAs)
	if err == nil {
		err = here.mayRunAs(runAs)
	}
	if err == nil && here.uid == 0 && known && worker == runAs {
		err = errTooClose
	}
	l.require("run_as", err)
}
