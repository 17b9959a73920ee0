package tui

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// keeperVar tells a process that it is a keeper.
const keeperVar = "OCTASKLY_TERMINAL_KEEPER"

// What a keeper is told, after the modes of the terminal as they were.
const (
	keeperOn   = 'o' // the terminal is ours, as it is from the beginning
	keeperIdle = 'i' // it has been given back
)

// mayKeep is true once KeepTerminal has been called: this program knows how to be a
// keeper.
var mayKeep bool

// KeepTerminal is for the beginning of main. It returns at once, but in a process
// that Run has started beside itself: that waits for Run's to end, and gives the
// terminal back where it ended in a way that nobody can catch.
func KeepTerminal() {
	mayKeep = true
	if os.Getenv(keeperVar) == "" {
		return
	}
	keep(os.Stdin)
	os.Exit(0)
}

// keep returns when orders end.
func keep(orders io.Reader) {
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTOU, unix.SIGTTIN)
	var before modes
	if binary.Read(orders, binary.NativeEndian, &before.Termios) != nil {
		return
	}
	tty, err := openTerminal() // now: later it may be another session's
	if err != nil {
		return
	}
	defer tty.Close()
	order := []byte{keeperOn}
	for {
		if _, err := orders.Read(order); err != nil {
			break
		}
	}
	if order[0] == keeperOn {
		before.restoreOn(tty, false)
	}
}

// keeper is the process beside. A nil one does nothing.
type keeper struct {
	cmd    *exec.Cmd
	orders *os.File
}

// startKeeper returns nil where there is no terminal, or the process cannot be
// started: then the screen does without.
func startKeeper(before *modes) *keeper {
	if before == nil || !mayKeep {
		return nil
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer reader.Close()
	k := &keeper{exec.Command("/proc/self/exe"), writer}
	k.cmd.Args[0] = "octaskly-terminal"
	k.cmd.Env, k.cmd.Stdin = []string{keeperVar + "=1"}, reader
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // signals of the terminal are not for it
	if err := k.cmd.Start(); err != nil {
		writer.Close()
		return nil
	}
	var first bytes.Buffer
	binary.Write(&first, binary.NativeEndian, &before.Termios)
	writer.Write(first.Bytes())
	return k
}

func (k *keeper) tell(order byte) {
	if k != nil {
		k.orders.Write([]byte{order})
	}
}

// dismiss ends the keeper, which leaves the terminal alone.
func (k *keeper) dismiss() {
	if k == nil {
		return
	}
	k.tell(keeperIdle)
	k.orders.Close()
	k.cmd.Wait()
}
