package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipes are where a command's outputs go.
type pipes [2][2]int

func openPipes() (p pipes, err error) {
	for i := range p {
		p[i] = [2]int{-1, -1}
	}
	for i := range p {
		if err := unix.Pipe2(p[i][:], unix.O_CLOEXEC); err != nil {
			p.handOver()
			p.close()
			return p, err
		}
	}
	return p, nil
}

// handOver closes the ends that the command has.
func (p *pipes) handOver() {
	for i := range p {
		closeIfOpen(p[i][1])
	}
}

func (p *pipes) close() {
	for i := range p {
		closeIfOpen(p[i][0])
	}
}

func closeIfOpen(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// drain reads one after the other, which is safe with commands that write less
// than a pipe holds, and returns what they said last.
func (p *pipes) drain() (said []byte, err error) {
	var buf [4096]byte
	for i := 0; i < len(p); {
		n, err := unix.Read(p[i][0], buf[:])
		switch {
		case n > 0:
			said = buf[:n]
		case n == 0:
			i++
		case err != unix.EINTR:
			return said, err
		}
	}
	return said, nil
}

// spawn forks and executes a command, reads both of its outputs to their end and
// waits for it to exit with a code.
func (l *lab) spawn(argv []string, sys *syscall.SysProcAttr, code int) error {
	p, err := openPipes()
	if err != nil {
		return err
	}
	defer p.close()
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{l.null.Fd(), uintptr(p[0][1]), uintptr(p[1][1])}, Sys: sys,
	})
	p.handOver()
	if err != nil {
		return fmt.Errorf("cannot execute %q: %w", argv[0], err)
	}
	said, err := p.drain()
	status, waited := reap(pid)
	if err == nil && status.ExitStatus() != code {
		err = fmt.Errorf("%q ended with wait status %#x: %s", argv[0], int(status), bytes.TrimSpace(said))
	}
	return errors.Join(err, waited)
}

func reap(pid int) (status unix.WaitStatus, err error) {
	for {
		if _, err = unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			return status, err
		}
	}
}
