package tui

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"
	"golang.org/x/sys/unix"

	"github.com/octaskly/octaskly/internal/pty"
)

const guardedVar = "OCTASKLY_TEST_GUARDED"

func TestMain(m *testing.M) {
	KeepTerminal()
	if socket := os.Getenv(largeVar); socket != "" {
		beLarge(socket)
	}
	if how := os.Getenv(guardedVar); how != "" {
		os.Exit(beGuarded(how))
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or who is run by the tests ignores it as they do, by nohup(1)
	os.Exit(m.Run())
}

// beGuarded has a screen and does what is typed. Stuck, it does not even end when it
// is asked to.
func beGuarded(how string) int {
	screen, err := OpenScreen()
	if err == nil {
		err = guarded(context.Background(), screen, Options{KeepHangup: how == "keep hangup"}, func(ctx context.Context, t *terminal) error {
			say(screen, "ready")
			if how == "stuck" {
				<-ctx.Done()
				say(screen, "asked")
				select {}
			}
			return obey(ctx, t)
		})
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "it ends: %v\n", err)
		return 3
	}
	return 0
}

func obey(ctx context.Context, t *terminal) error {
	events := make(chan tcell.Event)
	t.spawn(func() { t.screen.ChannelEvents(events, ctx.Done()) })
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.stops:
			if err := t.suspend(); err != nil {
				return err
			}
			say(t.screen, "again")
		case event := <-events:
			switch e := event.(type) {
			case *tcell.EventError:
				return ErrLost
			case *tcell.EventResize:
				columns, rows := e.Size()
				say(t.screen, fmt.Sprintf("size-%dx%d", columns, rows))
			case *tcell.EventKey:
				switch {
				case e.Rune() == 'q':
					return nil
				case e.Rune() == 'p':
					panic("of the loop")
				case e.Rune() == 's':
					t.spawn(func() { panic("of what was spawned") })
				case e.Rune() == 'f':
					go func() { panic("of somebody else") }()
				case e.Key() == tcell.KeyCtrlZ:
					if err := t.suspend(); err != nil {
						return err
					}
					say(t.screen, "again")
				}
			}
		}
	}
}

// say draws words, and the process's id.
func say(screen tcell.Screen, words string) {
	screen.Clear()
	for i, r := range words + "," + strconv.Itoa(os.Getpid()) + "," {
		screen.SetContent(i, 0, r, nil, tcell.StyleDefault)
	}
	screen.Show()
}

// guardedSession is a shell on a terminal, which runs beGuarded.
type guardedSession struct {
	*pty.Terminal
	t      *testing.T
	before unix.Termios
	pid    int
	end    int // of what was looked at
	alive  *os.File
}

// script is what a shell does that has job control.
const script = `set -m; "$@"; code=$?
while [ "$code" = 148 ]; do echo "it is stopped"; read line; fg >/dev/null; code=$?; done
echo "it ended with $code."
read line # its end would reset the terminal`

func newGuardedSession(t *testing.T, how string) *guardedSession {
	t.Helper()
	g := &guardedSession{Terminal: pty.Open(t, 80, 24), t: t}
	g.before = g.Modes()
	alive, held, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	g.alive = alive
	cmd := exec.Command("sh", "-c", script, "sh", os.Args[0])
	cmd.Env = append(os.Environ(), guardedVar+"="+how, "TERM=xterm-256color")
	cmd.ExtraFiles = []*os.File{held}
	g.Start(cmd)
	held.Close()
	t.Cleanup(func() {
		if g.pid != 0 {
			syscall.Kill(g.pid, syscall.SIGKILL)
		}
		cmd.Process.Kill()
		cmd.Wait()
		alive.Close()
	})
	g.await("ready,")
	from := g.end
	g.await(",")
	g.pid, _ = strconv.Atoi(g.Written()[from : g.end-1])
	if g.pid == 0 || g.Modes() == g.before {
		t.Fatalf("process %d has not taken the terminal: %q", g.pid, g.Written())
	}
	return g
}

func (g *guardedSession) await(text string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 20*time.Second)
	defer cancel()
	g.end = g.Await(ctx, text, g.end)
}

// isSane expects a terminal as it was before.
func (g *guardedSession) isSane() {
	g.t.Helper()
	if now := g.Modes(); now != g.before {
		g.t.Errorf("the terminal has other modes than before:\n%+v\n%+v", now, g.before)
	}
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h"} {
		if written := g.Written(); strings.LastIndex(written, on) > strings.LastIndex(written, off) {
			g.t.Errorf("%q is not undone: %q", on, written)
		}
	}
}

// What ends the screen, and what is said then.
func TestTerminalIsGivenBack(t *testing.T) {
	tests := []struct {
		name, how, keys string
		signals         []syscall.Signal
		says            []string
	}{
		{"quit", "obey", "q", nil, []string{"it ended with 0."}},
		{"panic", "obey", "p", nil, []string{"panic: of the loop", "it ended with 2."}},
		{"panic of what was spawned", "obey", "s", nil, []string{"panic: of what was spawned", "obey", "it ended with 2."}},
		{"interrupt", "obey", "", []syscall.Signal{syscall.SIGINT}, []string{"it ends: ended by signal interrupt", "it ended with 3."}},
		{"terminate", "obey", "", []syscall.Signal{syscall.SIGTERM}, []string{"ended by signal terminated", "it ended with 3."}},
		{"hang-up", "obey", "", []syscall.Signal{syscall.SIGHUP}, []string{"ended by signal hangup", "it ended with 3."}},
		{"quit by signal", "obey", "", []syscall.Signal{syscall.SIGQUIT}, []string{"SIGQUIT: quit", "goroutine ", "it ended with 2."}},
		{"signal in vain", "stuck", "", []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, []string{"it ended with 143."}},
		{"signal in vain after much was typed", "stuck", strings.Repeat("x", 3000), []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, []string{"it ended with 143."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuardedSession(t, tt.how)
			g.Type(tt.keys)
			for i, sig := range tt.signals {
				if i > 0 {
					g.await("asked,")
					time.Sleep(2 * echo) // a second signal within that is none
				}
				if err := syscall.Kill(g.pid, sig); err != nil {
					t.Fatal(err)
				}
			}
			for _, text := range tt.says {
				g.await(text)
			}
			g.isSane()
		})
	}
}

// Where nothing can be caught, the keeper gives the terminal back.
func TestTerminalIsGivenBackByItsKeeper(t *testing.T) {
	kill := func(g *guardedSession) { syscall.Kill(g.pid, syscall.SIGKILL) }
	tests := []struct {
		name string
		end  func(*guardedSession)
		code string
	}{
		{"killed", kill, "137"},
		{"panic of somebody else", func(g *guardedSession) { g.Type("f") }, "2"},
		{"killed after a stop", func(g *guardedSession) {
			g.Type("\x1a")
			g.await("it is stopped")
			g.Type("\n")
			g.await("again,")
			kill(g)
		}, "137"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuardedSession(t, "obey")
			tt.end(g)
			from := g.end
			g.await("it ended with " + tt.code + ".")
			g.end = from
			g.await(leaveSequence)
			g.isSane()
		})
	}
}

// Stopped, the terminal is the shell's, and then taken again.
func TestStopAndContinue(t *testing.T) {
	for name, stop := range map[string]func(*guardedSession){
		"Ctrl-Z": func(g *guardedSession) { g.Type("\x1a") },
		"signal": func(g *guardedSession) { syscall.Kill(g.pid, syscall.SIGTSTP) },
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuardedSession(t, "obey")
			for range 3 {
				stop(g)
				g.await("it is stopped")
				g.isSane()
				g.Type("\n")
				g.await("again,")
				if g.Modes() == g.before {
					t.Error("it has not taken the terminal again")
				}
			}
			g.Type("q")
			g.await("it ended with 0.")
			g.isSane()
		})
	}
}

func TestKilledWhileStopped(t *testing.T) {
	g := newGuardedSession(t, "obey")
	g.Type("\x1a")
	g.await("it is stopped")
	from := len(g.Written())
	syscall.Kill(g.pid, syscall.SIGKILL)
	g.Type("\n")
	g.await("it ended with 137.")
	g.isSane()
	if strings.Contains(g.Written()[from:], leaveSequence) {
		t.Error("the keeper meddles with a shell's terminal")
	}
}

func TestResize(t *testing.T) {
	g := newGuardedSession(t, "obey")
	for _, size := range [][2]uint16{{100, 30}, {60, 15}, {10, 3}, {200, 60}} {
		g.Resize(size[0], size[1])
		g.await(fmt.Sprintf("size-%dx%d"[:8], size[0]))
	}
	g.Type("q")
	g.await("it ended with 0.")
	g.isSane()
}

// A terminal that is gone ends what was on it, whether HUP tells of that or not.
func TestLostTerminal(t *testing.T) {
	for _, how := range []string{"obey", "keep hangup"} {
		t.Run(how, func(t *testing.T) {
			g := newGuardedSession(t, how)
			g.HangUp()
			g.alive.SetReadDeadline(time.Now().Add(20 * time.Second))
			if _, err := io.ReadAll(g.alive); err != nil {
				t.Errorf("it goes on: %v", err)
			}
		})
	}
}

// A screen that cannot be begun is no reason to leave anything behind.
func TestNoTerminal(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), guardedVar+"=obey")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if err == nil || string(out) != "it ends: this is no terminal\n" {
		t.Errorf("%v, %q", err, out)
	}
}
