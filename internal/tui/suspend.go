package tui

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// orphaned is how long a stop may take to come. To a process whose shell is gone, it
// never comes: nobody could make it go on (setpgid(2)).
const orphaned = 200 * time.Millisecond

// suspend gives the terminal back, stops the process as Ctrl-Z does, and takes the
// terminal again when it goes on. The loop draws all anew after it.
func (t *terminal) suspend() error {
	if !leave(func() { t.screen.Suspend() }, t.before) {
		return errors.New("cannot give the terminal back: what was typed has piled up")
	}
	t.keeper.tell(keeperIdle)
	stopUntilContinued()
	t.keeper.tell(keeperOn)
	if err := t.screen.Resume(); err != nil {
		return fmt.Errorf("cannot take the terminal again: %w", err)
	}
	return nil
}

// stopUntilContinued stops the whole job, as the terminal would.
func stopUntilContinued() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(continued)
	handler, err := swapAction(unix.SIGTSTP, action{})
	if err != nil {
		return
	}
	defer swapAction(unix.SIGTSTP, handler)
	unix.Kill(0, unix.SIGTSTP)
	select { // the stop may come to another thread, some time after the call
	case <-continued:
	case <-time.After(orphaned):
	}
}

// action is the kernel's struct sigaction, which is opaque here but that zeroes are
// the default.
type action [4]uint64

// swapAction sets what a signal does. signal.Reset does not stop a process by TSTP
// any more once somebody was notified of it: Go's handler stays.
func swapAction(sig unix.Signal, to action) (from action, err error) {
	const maskSize = 8
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&to)), uintptr(unsafe.Pointer(&from)), maskSize, 0, 0)
	if errno != 0 {
		return from, syscall.Errno(errno)
	}
	return from, nil
}
