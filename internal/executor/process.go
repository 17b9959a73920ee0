package executor

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// prepareProcess settles what commands inherit from this process and ForkExec
// does not reset.
//
//   - The file mode mask becomes 022.
//   - Descriptors that this process was born with, beyond the first three, are
//     closed on exec.
//   - A signal that this process was told to ignore, as nohup(1) and shells do for
//     background jobs, is caught and dropped instead: for us the same, but for a
//     command it is back at its default.
//
// SIGCHLD is nothing we wait for. Go catches it, and each end of a command would
// wake a thread for nothing, at 5 µs or more; by default the kernel drops it.
// os/signal does not see SIGCHLD any more.
func prepareProcess() error {
	unix.Umask(0o022)
	if err := closeOnExec(); err != nil {
		return err
	}
	ignored, err := ignoredSignals()
	if err != nil {
		return err
	}
	for _, sig := range ignored {
		if sig < firstRealtime {
			signal.Notify(make(chan os.Signal, 1), sig)
		} else if err := setDefault(sig); err != nil { // Go leaves the first of these to the C library
			return err
		}
	}
	return setDefault(unix.SIGCHLD)
}

// firstRealtime is the kernel's SIGRTMIN, see signal(7).
const firstRealtime = 32

// setDefault gives a signal its default action, behind Go's back.
func setDefault(sig syscall.Signal) error {
	var byDefault [64]byte // a struct sigaction of zeros, SIG_DFL, on every architecture
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	if errno != 0 {
		return fmt.Errorf("cannot set the action of signal %d: %w", int(sig), errno)
	}
	return nil
}

// closeOnExec marks all descriptors but the first three. Those that Go opens are
// marked already.
func closeOnExec() error {
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	// Before Linux 5.11.
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("cannot list open files: %w", err)
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func ignoredSignals() ([]syscall.Signal, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, fmt.Errorf("cannot see which signals are ignored: %w", err)
	}
	return parseIgnored(string(status))
}

// parseIgnored reads the SigIgn line of proc_pid_status(5).
func parseIgnored(status string) (ignored []syscall.Signal, err error) {
	for line := range strings.Lines(status) {
		hex, ok := strings.CutPrefix(line, "SigIgn:")
		if !ok {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("cannot see which signals are ignored: %w", err)
		}
		for n := range 64 {
			if mask&(1<<n) != 0 {
				ignored = append(ignored, syscall.Signal(n+1))
			}
		}
	}
	return ignored, nil
}
