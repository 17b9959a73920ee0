package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/octaskly/octaskly/internal/octaskly"
	"github.com/octaskly/octaskly/internal/sandbox"
)

// rawWay makes a box of level strict and runs true in it, with nothing else that
// an executor does: no cgroup, no quota, and one workspace for all.
func (l *lab) rawWay(stages *stages) (func() error, error) {
	starter, err := sandbox.NewStarter(l.init, octaskly.LevelStrict, false, l.host)
	if err != nil {
		return nil, err
	}
	task := l.task()
	if err := os.MkdirAll(task.Workspace, 0o711); err != nil {
		return nil, err
	}
	return func() error { return l.raw(starter, task, stages) }, nil
}

func (l *lab) task() *sandbox.Task {
	return &sandbox.Task{
		Argv: []string{"true"}, Env: sandbox.Environ(octaskly.LevelStrict, ""), Workspace: l.path("raw"), UID: firstUID - 1, GID: firstUID - 1,
		Limits: sandbox.Limits{OpenFiles: uint64(openFiles)},
	}
}

func (l *lab) raw(starter *sandbox.Starter, task *sandbox.Task, stages *stages) error {
	at := []time.Time{time.Now()}
	done := func() { at = append(at, time.Now()) }
	p, err := openPipes()
	if err != nil {
		return err
	}
	defer p.close()
	box, err := starter.Open()
	if err != nil {
		p.handOver()
		return err
	}
	defer box.Close()
	path, argv, attr := box.Command(l.null.Fd())
	attr.Sys.Setsid = true
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		p.handOver()
		return err
	}
	done()
	if err = box.Furnish(); err == nil {
		err = box.Ready()
	}
	done()
	if err == nil {
		err = starter.Launch(box, task, [3]int{int(l.null.Fd()), p[0][1], p[1][1]})
	}
	done()
	p.handOver()
	if err == nil {
		_, err = p.drain()
	}
	if err == nil {
		_, err = box.End()
	}
	done()
	box.Close() // if it has not ended, it does now
	_, waited := reap(pid)
	done()
	if err = errors.Join(err, waited); err == nil {
		stages.between(at)
	}
	return err
}
