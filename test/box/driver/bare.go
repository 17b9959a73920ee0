package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

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
	err = runWhole(cmd)
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

// runWhole runs cmd and waits for those that it leaves behind as well, since init may
// take its time to.
func runWhole(cmd *exec.Cmd) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	err := cmd.Run()
	for {
		if _, gone := unix.Wait4(-1, nil, 0, nil); gone != nil && gone != unix.EINTR {
			return err
		}
	}
}
