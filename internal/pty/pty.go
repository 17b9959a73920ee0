package pty

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is a terminal of Columns by Rows cells.
type Terminal struct {
	t      testing.TB
	master *os.File // where a person would sit
	slave  *os.File // what programs see; open, so that the modes outlive them
	reader sync.WaitGroup

	mu      sync.Mutex
	written strings.Builder
	more    chan struct{} // closed and made anew when something is written
}

// Open makes a terminal, which is gone when the test is over.
func Open(t testing.TB, columns, rows uint16) *Terminal {
	t.Helper()
	p := &Terminal{t: t, more: make(chan struct{})}
	// Not blocking, so that closing it ends who reads.
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	p.check("open /dev/ptmx", err)
	p.master = os.NewFile(uintptr(master), "/dev/ptmx")
	p.check("unlock it", unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	p.check("name it", err)
	p.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	p.check("open it", err)
	p.Resize(columns, rows)
	p.reader.Go(p.read)
	t.Cleanup(func() {
		p.HangUp()
		p.slave.Close()
		p.reader.Wait()
	})
	return p
}

// HangUp is what the window does that somebody closes.
func (p *Terminal) HangUp() { p.master.Close() }

func (p *Terminal) check(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("cannot %s: %v", what, err)
	}
}

func (p *Terminal) read() {
	buf := make([]byte, 16<<10)
	for {
		n, err := p.master.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.written.Write(buf[:n])
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

// Start runs a program in a session of its own, whose terminal this is.
func (p *Terminal) Start(cmd *exec.Cmd) {
	p.t.Helper()
	if cmd.Stdin == nil {
		cmd.Stdin = p.slave
	}
	if cmd.Stdout == nil {
		cmd.Stdout = p.slave
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.slave
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	p.check("start "+cmd.Path, cmd.Start())
}

// Type sends what a keyboard would.
func (p *Terminal) Type(keys string) {
	p.t.Helper()
	_, err := p.master.WriteString(keys)
	p.check("type", err)
}

// Written is all that programs have written so far.
func (p *Terminal) Written() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written.String()
}

// Await returns when text has been written after the first from bytes, and where it
// ends.
func (p *Terminal) Await(ctx context.Context, text string, from int) (end int) {
	p.t.Helper()
	for {
		p.mu.Lock()
		written, more := p.written.String(), p.more
		p.mu.Unlock()
		if at := strings.Index(written[from:], text); at >= 0 {
			return from + at + len(text)
		}
		select {
		case <-more:
		case <-ctx.Done():
			p.t.Fatalf("nobody writes %q but %q", text, written[max(from, len(written)-1000):])
		}
	}
}

// Resize tells programs of another size.
func (p *Terminal) Resize(columns, rows uint16) {
	p.t.Helper()
	p.check("resize it", unix.IoctlSetWinsize(int(p.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows}))
}

// Modes are those of termios(3).
func (p *Terminal) Modes() unix.Termios {
	p.t.Helper()
	modes, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	p.check("read its modes", err)
	return *modes
}
