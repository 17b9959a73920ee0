package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"

	"github.com/octaskly/octaskly/test/box/boxcase"
)

// bare runs a case in no box. What canaries make where they can is removed.
func (l *lab) bare(k *boxcase.Case, r *boxcase.Result) error {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(k.Argv[0], k.Argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &stdout, &stderr, []*os.File{null}
	err = cmd.Run()
	r.Stdout, r.Stderr = stdout.String(), stderr.String()
	for _, path := range []string{"/canary", "/etc/canary", "/dev/canary", "/usr/bin/canary", "/tmp/canary"} {
		_ = os.Remove(path)
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		r.Status, err = int(failed.Sys().(syscall.WaitStatus)), nil
	}
	return err
}
