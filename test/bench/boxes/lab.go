package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/octaskly/octaskly/internal/sandbox"
)

// lab is what all work with.
type lab struct {
	o       *options
	dir     string // scratch directory
	init    string
	null    *os.File
	program string // the path of true
	meter   *meter
	host    sandbox.Host
	engine  *engine
}

func newLab(o *options) (l *lab, err error) {
	l = &lab{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.close())
		}
	}()
	if l.init, err = filepath.Abs(o.init); err != nil {
		return l, err
	}
	if _, err := os.Stat(l.init); err != nil {
		return l, fmt.Errorf("%w; make build makes it", err)
	}
	if l.program, err = exec.LookPath("true"); err != nil {
		return l, err
	}
	if l.null, err = os.Open(os.DevNull); err != nil {
		return l, err
	}
	if l.host, err = sandbox.Probe(); err != nil {
		return l, err
	}
	if l.dir, err = os.MkdirTemp(o.dir, "octaskly-bench-"); err != nil {
		return l, err
	}
	if err := os.Chmod(l.dir, 0o711); err != nil {
		return l, err
	}
	if l.meter, err = openMeter(); err != nil {
		return l, err
	}
	l.engine, err = startEngine(l)
	return l, err
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) close() error {
	var err error
	if l.engine != nil {
		err = l.engine.close()
	}
	if l.meter != nil {
		err = errors.Join(err, l.meter.close())
	}
	if l.null != nil {
		l.null.Close()
	}
	if l.dir != "" {
		err = errors.Join(err, os.RemoveAll(l.dir))
	}
	return err
}
