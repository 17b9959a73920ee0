package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/executor"
	"github.com/octaskly/octaskly/internal/protocol"
)

// handoverVar tells a program that it goes on from another one in the same
// process: MEMORY:SOCKET, the descriptors of what is handed over and of the
// executor's socket; or that it is asked whether it could.
const handoverVar = "OCTASKLY_HANDOVER"

const rehearse = "rehearse"

// stateVar tells a rehearsal where the state is of what it would take over.
const stateVar = "OCTASKLY_HANDOVER_STATE"

// legacy is what the program before this one has left.
type legacy struct {
	handover *executor.Handover
	socket   *net.UnixListener
}

// takeOver returns nil if there was no program before.
func takeOver() (*legacy, error) {
	text := os.Getenv(handoverVar)
	if text == "" {
		return nil, nil
	}
	os.Unsetenv(handoverVar)
	var memory, socket int
	if _, err := fmt.Sscanf(text, "%d:%d", &memory, &socket); err != nil {
		return nil, fmt.Errorf("cannot take over: %s is %q, which no octasklyd sets", handoverVar, text)
	}
	h, err := readHandover(os.NewFile(uintptr(memory), "handover"))
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(socket), "socket")
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("cannot take the executor's socket over: %w", err)
	}
	listener, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, errors.New("cannot take the executor's socket over: it is no Unix socket")
	}
	return &legacy{h, listener}, nil
}

func readHandover(f *os.File) (*executor.Handover, error) {
	defer f.Close()
	data, err := io.ReadAll(io.NewSectionReader(f, 0, maxHandover))
	if err != nil {
		return nil, fmt.Errorf("cannot take over: %w", err)
	}
	h := new(executor.Handover)
	if err := protocol.Unmarshal(data, h); err != nil {
		return nil, fmt.Errorf("cannot take over: %w", err)
	}
	return h, h.Check()
}

const maxHandover = 1 << 30 // bytes

// rehearsal reports whether this program was only to say if it could take over.
func rehearsal(in *os.File, stateDir string) (bool, error) {
	if os.Getenv(handoverVar) != rehearse {
		return false, nil
	}
	if now := os.Getenv(stateVar); now != "" && now != stateDir { // an older program does not say
		return true, fmt.Errorf("cannot take over: state_dir is %q and was %q; stop the executor to move it", stateDir, now)
	}
	_, err := readHandover(in)
	return true, err
}

// handOver executes the program anew, which may be another one by now. It returns
// only if that is impossible.
func (d *executorDaemon) handOver(ctx context.Context) error {
	return d.exec.HandOver(func(h *executor.Handover, descriptors []int) error {
		data, err := protocol.Marshal(h)
		if err != nil {
			return err
		}
		fd, err := unix.MemfdCreate("octaskly-handover", unix.MFD_CLOEXEC)
		if err != nil {
			return fmt.Errorf("cannot make a file in memory: %w", err)
		}
		memory := os.NewFile(uintptr(fd), "handover")
		defer memory.Close()
		if _, err := memory.WriteAt(data, 0); err != nil {
			return fmt.Errorf("cannot write down what runs: %w", err)
		}
		socket, err := d.socket.File()
		if err != nil {
			return err
		}
		defer socket.Close()
		if err := d.rehearse(ctx, memory); err != nil {
			return err
		}
		return d.become(fd, int(socket.Fd()), descriptors)
	})
}

// rehearseTime bounds how long the next program may think about it: commands
// that write a lot wait for it.
const rehearseTime = 10 * time.Second

// rehearse asks the next program whether it could take over. A broken program or
// configuration must not cost what runs.
func (d *executorDaemon) rehearse(ctx context.Context, memory *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, rehearseTime)
	defer cancel()
	child := exec.CommandContext(ctx, d.program, os.Args[1:]...)
	child.Env = append(os.Environ(), handoverVar+"="+rehearse, stateVar+"="+d.state)
	child.Stdin = memory
	child.WaitDelay = time.Second // for a child of its own that keeps our pipe
	if said, err := child.CombinedOutput(); err != nil {
		return fmt.Errorf("it would not take over: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

// become executes the next program in this process.
func (d *executorDaemon) become(memory, socket int, descriptors []int) error {
	// Until that program asks for SIGHUP, another one must not end it.
	signal.Ignore(unix.SIGHUP)
	kept := append([]int{memory, socket}, descriptors...)
	err := setCloseOnExec(kept, 0)
	if err == nil {
		env := append(os.Environ(), fmt.Sprintf("%s=%d:%d", handoverVar, memory, socket))
		err = unix.Exec(d.program, os.Args, env)
	}
	err = fmt.Errorf("cannot execute %q: %w", d.program, err)
	return errors.Join(err, setCloseOnExec(kept, unix.FD_CLOEXEC))
}

func setCloseOnExec(descriptors []int, flag int) error {
	for _, fd := range descriptors {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, flag); err != nil {
			return fmt.Errorf("cannot keep descriptor %d: %w", fd, err)
		}
	}
	return nil
}
